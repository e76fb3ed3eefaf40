"""Published history: no count of one to four is computed from several sums of the month."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest

from services.reports.domain import history_month
from services.reports.domain.history_mapping import Mapping
from services.reports.domain.history_published import published_month
from services.reports.domain.history_rows import cases
from services.reports.domain.history_terms import basis_of, terms_of
from tests.unit.reports.history_files import JUDGED, UNITS, row
from tests.unit.reports.knowable import Reader
from tests.unit.reports.test_history_published import NOVEMBER, made

SUMS = (
    ("cases", "closed", "open"),
    ("cases", "with_due", "no_due"),
    ("with_due", "closed_by_due", "closed_after_due", "open_past_due", "open_not_due"),
    ("overdue", "closed_after_due", "open_past_due"),
    ("cases", "overdue", "not_overdue"),
    ("should", "closed_by_due", "closed_after_due", "open_past_due"),
    ("closed_in", "closed_by_due", "closed_after_due"),
    ("closed", "closed_in", "closed_no_due"),
    ("cases", "label_overdue", "label_not_overdue", "label_blank"),
    ("labelled", "label_overdue", "label_not_overdue"),
    ("labelled", "label_equal", "label_different"),
    ("cases", "arrived", "not_arrived"),
    ("cases", "dispatched", "not_dispatched"),
)
RATES = {
    "closed": ("closed", "cases"),
    "closed_by_due": ("closed_by_due", "closed_in"),
    "by_due_of_should": ("closed_by_due", "should"),
    "closed_of_should": ("closed_in", "should"),
    "open_past_due_of_should": ("open_past_due", "should"),
    "label_equal": ("label_equal", "labelled"),
    "arrived": ("arrived", "cases"),
}


def read_row(reader: Reader, key: str, whole: dict[str, Any], shown: dict[str, Any]) -> None:
    """Read the counts, limits, lengths and rates of one row."""
    for name, number in whole["counts"].items():
        if isinstance(number, int) and name != "never_arrived":
            reader.reads(f"{key}/{name}", number, shown["counts"][name])
    for sum_ in SUMS:
        reader.adds(*(f"{key}/{name}" for name in sum_))
    if (never := shown["counts"]["never_arrived"]) is not None:
        reader.reads(f"{key}/not_arrived", never, never)
    for stamp, limits in whole["counts"]["within"].items():
        for limit, number in limits.items():
            cell = f"{key}/{stamp}/{limit}"
            reader.reads(cell, number, shown["counts"]["within"][stamp][limit])
            reader.adds(f"{key}/cases", cell, f"{cell}/not")
    _read_lengths(reader, key, whole["counts"]["lengths"], shown["counts"]["lengths"])
    for name, rate in shown["rates"].items():
        if rate is not None and name in RATES:
            part, of = RATES[name]
            reader.reads(f"{key}/{part}", rate["numerator"], rate["numerator"])
            reader.reads(f"{key}/{of}", rate["denominator"], rate["denominator"])


def _read_lengths(reader: Reader, key: str, whole: dict[str, Any], shown: dict[str, Any]) -> None:
    for measure, length in whole.items():
        seen = shown[measure] or {}
        parts = [f"{key}/{measure}/{name}" for name in ("n", "negative", "unknown")]
        for part, name in zip(parts, ("n", "negative", "unknown"), strict=True):
            reader.reads(part, length[name], seen.get(name))
        reader.adds(f"{key}/cases", *parts)


def reader_of(rows: list[dict[str, str]], mapping: Mapping) -> Reader:
    """Return a reader of the published month of *rows*."""
    pure, refused = cases(rows, mapping, "county")
    terms = terms_of(mapping)
    basis = basis_of("county", [terms], terms, (datetime(2015, 12, 1, tzinfo=UTC), "option"))
    month = history_month.month(pure, "county", NOVEMBER, basis)
    whole, shown = msgspec.to_builtins(month, str_keys=True), published_month(month)
    reader = Reader()
    read_row(reader, "total", whole["total"], shown["total"])
    read_row(reader, "due", whole["due_in_month"], shown["due_in_month"])
    parts = {f"by.{name}": (found, shown["by"][name]) for name, found in whole["by"].items()}
    parts |= {name: (whole[name], shown[name]) for name in ("by_hour", "units")}
    for table, (found, seen) in parts.items():
        for n, (each, other) in enumerate(zip(found, seen, strict=True)):
            read_row(reader, f"{table}/{n}", each, other)
        if table != "units":
            for name in [name for name in reader.real if name.startswith("total/")]:
                cell = name.removeprefix("total/")
                reader.adds(name, *(f"{table}/{n}/{cell}" for n in range(len(found))))
    if whole["units"]:
        reader.adds("total/units", *(f"units/{n}/cases" for n in range(len(whole["units"]))))

    assert [] == refused
    return reader


def test_a_unit_is_not_told_by_the_units_of_the_total() -> None:
    """A 10, B 8, C 3 of 21: C would be what A and B leave."""
    rows = [
        row(no=str(n), unit="A" if n < 10 else "B" if n < 18 else "C", dept="D") for n in range(21)
    ]

    assert {} == reader_of(rows, msgspec.structs.replace(UNITS, missing_before=None)).small()


@pytest.mark.parametrize("seed", range(4))
def test_no_small_count_of_imported_history_is_computed(seed: int) -> None:
    """Over all breakdowns, limits, lengths and rates of a month at once."""
    draw = Random(seed)
    rows = [
        made(
            n,
            {
                "at": draw.randint(1, 28),
                "took": draw.choice([None, 2, 4, 9, 9]),
                "closed": draw.random() < 0.8,
                "due": draw.choice([None, 1, 2, 2]),
                "dept": draw.choice(["A", "A", "A", "B", "C", ""]),
                "said": draw.choice(["", "OK", "OK", "LATE"]),
            },
        )
        for n in range(40 + 40 * seed)
    ]
    reader = reader_of(rows, msgspec.structs.replace(JUDGED, missing_before=None))

    assert {} == reader.small()
