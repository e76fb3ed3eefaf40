"""What a row means: read or refused by name, units joined to a case, ids that stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.reports.domain.history_mapping import Dimension, Mapping, Stamp
from services.reports.domain.history_rows import Reading, Reason, Reject, cases, reading
from tests.unit.reports.history_files import ROWS, UNITS, row

T0 = datetime(2015, 11, 2, 13, tzinfo=UTC)
"""08:00 in New York, winter time."""


@pytest.mark.parametrize(
    ("fields", "reason", "about"),
    [
        ({"no": " "}, Reason.NO_KEY, ("", "no", "")),
        ({"no": "NA"}, Reason.NO_KEY, ("", "no", "")),
        ({"in_": "张三 9月"}, Reason.UNREADABLE_TIME, ("received", "in", "** 9*")),
        (
            {"due": "2015-13-01 00:00:00"},
            Reason.UNREADABLE_TIME,
            ("due", "due", "9999-99-99 99:99:99"),
        ),
        ({"verdict": "perhaps"}, Reason.UNKNOWN_LABEL, ("label", "verdict", "aaaaaaa")),
        ({"where": "caf\ufffd"}, Reason.UNDECODABLE, ("", "", "")),
    ],
)
def test_a_row_is_refused_by_name(
    fields: dict[str, str], reason: Reason, about: tuple[str, str, str]
) -> None:
    """The reason, the stamp, its column and what the value looks like; never the text itself."""
    assert Reject(reason, *about) == reading(row(**fields), ROWS)


@pytest.mark.parametrize(
    ("fields", "stamp", "at"),
    [
        ({"there": "2015-11-02 08:05:00"}, Stamp.ARRIVED, T0 + timedelta(minutes=5)),
        ({"there": " 11/02/2015 08:05:00 am\t"}, Stamp.ARRIVED, T0 + timedelta(minutes=5)),
        ({"there": ""}, Stamp.ARRIVED, None),
        ({"there": "NA"}, Stamp.ARRIVED, None),
        ({"there": "1900-01-01 00:00:00"}, Stamp.ARRIVED, None),
        ({"done": "2015-11-02 07:00:00"}, Stamp.CLOSED, T0 - timedelta(hours=1)),
    ],
)
def test_a_stamp_is_an_instant_or_missing(
    fields: dict[str, str], stamp: Stamp, at: datetime | None
) -> None:
    """Sentinels and blanks are missing; closed before received is kept as it is."""
    read = reading(row(**fields), ROWS)

    assert isinstance(read, Reading)
    assert at == read.stamps[stamp]


@pytest.mark.parametrize(
    ("text", "category"), [("ems: fall", "ems"), ("fall", None), (": x", None), ("消防:火", "消防")]
)
def test_a_dimension_can_be_a_part_of_a_column(text: str, category: str | None) -> None:
    """The group of the expression where it is first found; not found is unclassified."""
    read = reading(row(what=text), ROWS)

    assert isinstance(read, Reading)
    assert category == read.values[Dimension.CATEGORY]


@pytest.mark.parametrize(
    ("verdict", "overdue"), [("LATE", True), ("OK", False), ("FINE", False), ("", None)]
)
def test_the_sources_own_verdict(verdict: str, overdue: bool | None) -> None:
    """Blank is no verdict, not a good one."""
    read = reading(row(verdict=verdict), ROWS)

    assert isinstance(read, Reading)
    assert overdue is read.overdue


def test_units_of_a_case_are_joined() -> None:
    """Received, dispatched, arrived, due: the earliest; closed: the latest; values: the first."""
    units = [
        row(there="", done="2015-11-02 09:00:00", due="2015-11-02 12:00:00", where=""),
        row(there="2015-11-02 08:07:00", done="", due="2015-11-02 11:00:00", where="north"),
        row(in_="2015-11-02 07:59:00", there="2015-11-02 08:04:00", done="2015-11-02 08:30:00"),
    ]
    (case,), refused = cases(units, UNITS, "county")

    assert [] == refused
    assert 3 == case.units
    assert "north" == case.values[Dimension.AREA]
    assert {
        Stamp.RECEIVED: T0 - timedelta(minutes=1),
        Stamp.DISPATCHED: None,
        Stamp.ACKED: None,
        Stamp.TURNED_OUT: None,
        Stamp.FED_BACK: None,
        Stamp.ARRIVED: T0 + timedelta(minutes=4),
        Stamp.CLOSED: T0 + timedelta(hours=1),
        Stamp.DUE: T0 + timedelta(hours=3),
    } == case.stamps


def test_a_repeated_key_is_refused_where_a_row_is_a_case() -> None:
    """The first stays; a refused row does not hold the key."""
    rows = [row(in_="soon"), row(where="north"), row(where="south")]
    (case,), refused = cases(rows, ROWS, "county")

    assert "north" == case.values[Dimension.AREA]
    assert [
        (1, Reject(Reason.UNREADABLE_TIME, "received", "in", "aaaa")),
        (3, Reject(Reason.REPEATED_KEY, column="no")),
    ] == refused


@pytest.mark.parametrize("mapping", [ROWS, UNITS])
def test_a_case_without_the_stamp_it_is_counted_by_is_refused(mapping: Mapping) -> None:
    """It belongs to no month; all of its rows say so."""
    found, refused = cases([row(in_="", done="2015-11-02 09:00:00")], mapping, "county")

    assert [] == found
    assert [(1, Reject(Reason.NOT_COUNTED, "received", "in"))] == refused


@pytest.mark.parametrize(
    ("change", "same"),
    [({"where": "south"}, True), ({"no": "2"}, False)],
)
def test_an_id_is_made_of_region_and_key(change: dict[str, Any], same: bool) -> None:
    """uuid5: the same case tomorrow and on another machine, another one in another region."""
    (first,), _ = cases([row()], ROWS, "county")
    (again,), _ = cases([row(**change)], ROWS, "county")
    (elsewhere,), _ = cases([row()], ROWS, "town")

    assert same is (first.id == again.id)
    assert first.id != elsewhere.id
    assert 5 == first.id.version


def test_two_columns_of_a_key_do_not_run_together() -> None:
    """`1` + `23` is another case than `12` + `3`."""
    both = replace(ROWS, key=["no", "where"])
    found, refused = cases([row(no="1", where="23"), row(no="12", where="3")], both, "county")

    assert (2, []) == (len(found), refused)
