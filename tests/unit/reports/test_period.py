"""Days, months and what is longer in the region's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.reports.domain import period
from services.reports.domain.earlier import period_before, year_before
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


@pytest.mark.parametrize(
    ("label", "months", "title"),
    [
        ("2026-Q1", ("2026-01", "2026-03", 3), "2026年第1季度"),
        ("2026-Q4", ("2026-10", "2026-12", 3), "2026年第4季度"),
        ("2026-H1", ("2026-01", "2026-06", 6), "2026年上半年"),
        ("2026-H2", ("2026-07", "2026-12", 6), "2026年下半年"),
        ("2026", ("2026-01", "2026-12", 12), "2026年"),
    ],
)
def test_a_longer_period_is_made_of_whole_months(
    label: str, months: tuple[str, str, int], title: str
) -> None:
    """It begins with its first month and ends with its last, to the instant."""
    found = period.longer(label, ZONE)

    assert months == (found.months[0], found.months[-1], len(found.months))
    assert period.month(months[0], ZONE).start == found.start
    assert period.month(months[1], ZONE).end == found.end
    assert title == found.title


@pytest.mark.parametrize(
    "label", ["2026-Q5", "2026-Q0", "2026-H3", "2026-11", "26", "2026-", "", "0000", "2026-q1"]
)
def test_what_is_no_longer_period_is_refused_with_the_form(label: str) -> None:
    """The message says how one is written."""
    with pytest.raises(WrongPeriod, match="YYYY-Q1 to YYYY-Q4"):
        period.longer(label, ZONE)


@pytest.mark.parametrize(
    ("label", "before", "last_year"),
    [
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-Q3", "2026-Q2", "2025-Q3"),
        ("2026-H1", "2025-H2", "2025-H1"),
        ("2026", "2025", "2025"),
    ],
)
def test_a_longer_period_is_compared_with_its_like(label: str, before: str, last_year: str) -> None:
    """环比 with the one before, 同比 with that of last year."""
    found = period.longer(label, ZONE)

    assert before == period_before(found).label
    assert last_year == getattr(year_before(found), "label", None)
