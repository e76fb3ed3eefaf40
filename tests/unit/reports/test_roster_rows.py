"""A duty roster as a centre keeps it: what cannot be read is named, the rest is taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.reports.domain.roster_rows import RosterFault, roster
from tests.unit.reports.cases import xianju

ROW = {
    "unit": "xj-traffic",
    "begins": "2026-11-01 08:00",
    "ends": "2026-11-02 08:00",
    "people": "4",
}


def test_a_time_without_an_offset_is_the_region_s() -> None:
    """08:00 in Xianju is 00:00 UTC; one with an offset is what it says."""
    spans, _ = roster(
        [ROW, {**ROW, "begins": "2026-11-03T00:00:00+00:00", "ends": "2026-11-04"}], xianju()
    )

    assert [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)] == [
        span.begins for span in spans
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"unit": "nobody"}, RosterFault.UNKNOWN_UNIT),
        ({"unit": None}, RosterFault.UNKNOWN_UNIT),
        ({"begins": "yesterday"}, RosterFault.WRONG_TIME),
        ({"ends": ""}, RosterFault.WRONG_TIME),
        ({"ends": "2026-11-01 08:00"}, RosterFault.ENDS_BEFORE_IT_BEGINS),
        ({"people": "-1"}, RosterFault.WRONG_NUMBER),
        ({"people": "four"}, RosterFault.WRONG_NUMBER),
    ],
)
def test_a_row_left_out_is_named(changes: dict[str, Any], why: RosterFault) -> None:
    """The other rows are taken all the same; the line is the file's."""
    spans, left_out = roster([ROW, {**ROW, **changes}], xianju())

    assert [(3, why)] == left_out
    assert len(spans) == 1


def test_a_correction_replaces_the_span_that_begins_with_it() -> None:
    """The same span imported again has the same id."""
    first, _ = roster([ROW], xianju())
    spans, _ = roster([ROW, {**ROW, "people": "6"}], xianju())

    assert [(first[0].roster_id, 6)] == [(span.roster_id, span.people) for span in spans]
