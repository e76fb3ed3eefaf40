"""A month of imported history as it may be published: no count of one to four, none to subtract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from services.reports.domain.history_figures import ENDS, LIMITED, Counts, HistoryMonth, Row
from services.reports.domain.history_mapping import Stamp
from services.reports.domain.suppression import LEAST, Sum, hidden

_SUMS: tuple[Sum, ...] = (
    ("cases", "closed", "open"),
    ("cases", "with_due", "no_due"),
    ("with_due", "closed_by_due", "closed_after_due", "open_past_due", "open_not_due"),
    ("overdue", "closed_after_due", "open_past_due"),
    ("cases", "overdue", "not_overdue"),
    ("cases", "label_overdue", "label_not_overdue", "label_blank"),
    ("labelled", "label_overdue", "label_not_overdue"),
    ("labelled", "label_equal", "label_different"),
    ("cases", "labelled", "label_blank"),
    ("cases", "dispatched", "not_dispatched"),
    ("cases", "arrived", "not_arrived"),
    ("closed", "closed_by_due", "closed_after_due", "closed_no_due"),
    ("should", "closed_by_due", "closed_after_due", "open_past_due"),
    ("with_due", "should", "open_not_due"),
)
"""Sums of counts; a name that is no field is what a reader can subtract."""


def published_month(whole: HistoryMonth) -> dict[str, Any]:
    """Return the month as JSON values, a hidden number as null.

    Hidden are counts of 1 to 4 and what gives them away in the sums of a row and of each
    breakdown (the responses of the units sum to the units of the total); rates and lengths that
    rest on them; what was left out of the figures.
    """
    values: dict[str, int] = {}
    sums: list[Sum] = []
    parts = {"total": [whole.total], **_tables(whole)}
    for table, rows in parts.items():
        for n, row in enumerate(rows):
            path = f"{table}/{n}"
            cells, inner = _cells(row.counts)
            values |= {f"{path}/{name}": value for name, value in cells.items()}
            sums += [tuple(f"{path}/{name}" for name in each) for each in inner]
    for table, rows in parts.items():
        if table == "hour" or table.startswith("by."):
            sums += [
                (f"total/0/{name}", *(f"{table}/{n}/{name}" for n in range(len(rows))))
                for name in sorted(_cells(whole.total.counts)[0])
            ]
    if whole.units:
        sums.append(("total/0/units", *(f"units/{n}/cases" for n in range(len(whole.units)))))
    gone = hidden(values, sums)
    found: dict[str, Any] = msgspec.to_builtins(whole, str_keys=True)
    found["published"] = True
    found["received"] = None
    found["left_out"] = None
    for table, rows in parts.items():
        shown = _shown(found, table)
        for n, row in enumerate(rows):
            _cover(
                shown[n],
                row,
                {name for name in _cells(row.counts)[0] if f"{table}/{n}/{name}" in gone},
            )
    return found


def _tables(whole: HistoryMonth) -> Mapping[str, list[Row]]:
    found = {f"by.{dimension}": rows for dimension, rows in whole.by.items()}
    found |= {"hour": whole.by_hour, "units": whole.units, "due": [whole.due_in_month]}
    found |= {
        name: [row]
        for name, row in (("before", whole.before), ("last_year", whole.last_year))
        if row
    }
    return found


def _shown(found: dict[str, Any], table: str) -> list[Any]:
    places: dict[str, Any] = {
        "total": [found["total"]],
        "due": [found["due_in_month"]],
        "hour": found["by_hour"],
        "units": found["units"],
        "before": [found["before"]],
        "last_year": [found["last_year"]],
    }
    if table in places:
        return list(places[table])
    return list(found["by"][table.removeprefix("by.")])


def _cells(c: Counts) -> tuple[dict[str, int], list[Sum]]:
    """Return every count by name, what can be subtracted from them too, and their sums."""
    cells = {
        name: value
        for name in Counts.__struct_fields__
        if isinstance(value := getattr(c, name), int) and name != "never_arrived"
    }
    cells |= {
        "labelled": c.label_overdue + c.label_not_overdue,
        "not_overdue": c.cases - c.overdue,
        "not_dispatched": c.cases - c.dispatched,
        "not_arrived": c.cases - c.arrived,
        "closed_no_due": c.closed - c.closed_by_due - c.closed_after_due,
        "should": c.with_due - c.open_not_due,
    }
    sums = list(_SUMS)
    for name, more, sum_ in (*_limits(c), *_lengths(c)):
        cells |= more
        sums.append((name, *sum_))
    sums += [each for each in _twice(c) if cells[each[0]] == sum(cells[part] for part in each[1:])]
    return cells, sums


_Nested = tuple[str, dict[str, int], Sum]
"""The name of a whole, more cells by name, and the parts it is the sum of."""


def _limits(c: Counts) -> Iterator[_Nested]:
    """Yield limits: each is the one before and what came between them."""
    for stamp, limits in c.within.items():
        steps: dict[str, int] = {}
        last = 0
        for limit, n in sorted(limits.items()):
            own = f"within/{stamp}/{limit}"
            steps[f"{own}/more"] = n - last
            last = n
            yield own, {own: n}, tuple(steps)
        steps[f"within/{stamp}/beyond"] = c.cases - last
        yield "cases", steps, tuple(steps)


def _lengths(c: Counts) -> Iterator[_Nested]:
    """Yield the cases of each length, and its bands."""
    for measure, length in c.lengths.items():
        own = {
            f"{measure}/n": length.n,
            f"{measure}/negative": length.negative,
            f"{measure}/unknown": length.unknown,
        }
        yield "cases", own, tuple(own)
    for measure, bands in c.bands.items():
        counted = {f"{measure}/band/{n}": band.count or 0 for n, band in enumerate(bands)}
        yield f"{measure}/n", counted, tuple(counted)


def _twice(c: Counts) -> Iterator[Sum]:
    """Yield what mostly stands in two places; where it does, who sees the one knows the other.

    Rows are cases where none was grouped; a length that starts with the receipt is known of all
    that have the stamp it ends with; a limit can be the edge of a band.
    """
    yield "units", "cases"
    for stamp, measure in LIMITED.items():
        if ENDS[measure][0] is Stamp.RECEIVED and measure in c.lengths and stamp in _STAMPED:
            yield stamp, f"{measure}/n", f"{measure}/negative"
        found = c.bands.get(measure, [])
        for limit in c.within.get(stamp, {}):
            below = [n for n, band in enumerate(found) if band.up_to_s and band.up_to_s <= limit]
            if below and found[below[-1]].up_to_s == limit:
                yield f"within/{stamp}/{limit}", *(f"{measure}/band/{n}" for n in below)


_STAMPED = frozenset({Stamp.DISPATCHED, Stamp.ARRIVED, Stamp.CLOSED})
"""The stamps whose cases are counted under the name of the stamp."""

_RESTS: Mapping[str, tuple[str, ...]] = {
    "closed": ("closed", "cases"),
    "not_overdue": ("not_overdue", "cases"),
    "closed_by_due": ("closed_by_due", "closed_after_due", "no_due", "open"),
    "by_due_of_should": ("closed_by_due", "should", "no_due", "open_not_due"),
    "closed_of_should": ("closed_by_due", "closed_after_due", "should", "no_due", "open_not_due"),
    "open_past_due_of_should": ("open_past_due", "should", "no_due", "open_not_due"),
    "label_equal": ("label_equal", "labelled", "label_blank"),
    "arrived": ("arrived", "cases"),
}
"""What each rate shows or lets a reader compute."""


def _cover(shown: dict[str, Any], row: Row, gone: set[str]) -> None:
    """Put null in the place of what is in *gone*."""
    counts = shown["counts"]
    for name in gone & counts.keys():
        counts[name] = None
    if "cases" in gone:
        counts["units"] = None
    if "not_arrived" in gone:
        counts["never_arrived"] = None
    for stamp, limits in row.counts.within.items():
        for limit in limits:
            own = f"within/{stamp}/{limit}"
            if gone & {own, f"{own}/more"}:
                counts["within"][stamp][str(limit)] = None
    _cover_lengths(counts, row, gone)
    for name in shown["rates"]:
        if gone & set(_rests(name)):
            shown["rates"][name] = None


def _cover_lengths(counts: dict[str, Any], row: Row, gone: set[str]) -> None:
    for measure, length in row.counts.lengths.items():
        mine = {f"{measure}/{name}" for name in ("n", "negative", "unknown")}
        if mine & gone or 0 < length.n < LEAST:
            counts["lengths"][measure] = None
    for measure, bands in row.counts.bands.items():
        names = {f"{measure}/band/{n}" for n in range(len(bands))}
        # a band's edge may be the limit itself
        if gone & {f"{measure}/n", *names}:
            counts["bands"][measure] = None


def _rests(rate: str) -> tuple[str, ...]:
    stamp, parted, limit = rate.partition("_within_")
    if not parted:
        return _RESTS.get(rate, ())
    own = f"within/{stamp}/{limit[:-1]}"
    return own, f"{own}/more", "cases"
