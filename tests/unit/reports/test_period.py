"""Months and days in the region's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.reports.domain import period
from services.reports.domain.period import WrongPeriod
from tests.unit.reports.cases import ZONE


def test_a_month_is_bounded_by_local_midnights() -> None:
    """December in Shanghai begins and ends at 16:00 UTC, across the year."""
    december = period.month("2026-12", ZONE)

    assert datetime(2026, 11, 30, 16, tzinfo=UTC) == december.start
    assert datetime(2026, 12, 31, 16, tzinfo=UTC) == december.end
    assert 31 == len(december.days)
    assert "2026年12月" == december.title


def test_a_day_of_23_hours_is_one_day() -> None:
    """Where clocks change a day is what the calendar says, not 24 hours."""
    day = period.day("2026-03-08", ZoneInfo("America/New_York"))

    assert 23 * 3600 == (day.end - day.start).total_seconds()
    assert ["2026-03-08"] == [str(each) for each in day.days]


@pytest.mark.parametrize("label", ["2026-13", "2026-1", "26-11", "2026-11-01", "", "0000-01"])
def test_what_is_no_month_is_refused_with_the_form(label: str) -> None:
    """The message says how a month is written."""
    with pytest.raises(WrongPeriod, match="write YYYY-MM"):
        period.month(label, ZONE)


@pytest.mark.parametrize("label", ["2026-02-29", "2026-11", "2026-W47-1", "20261122"])
def test_what_is_no_day_is_refused_with_the_form(label: str) -> None:
    """A day that the calendar does not have is none."""
    with pytest.raises(WrongPeriod, match="write YYYY-MM-DD"):
        period.day(label, ZONE)
