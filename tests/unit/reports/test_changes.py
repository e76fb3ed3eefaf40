"""Which changes are told: a named score, no claim on few cases, ties in a fixed order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.changes import (
    SIGNIFICANT,
    TOLD,
    Change,
    Measured,
    Step,
    Subject,
    most_important,
    step,
)
from services.reports.domain.quantities import UNSTABLE_BELOW


def cases(count: int, days: int = 30) -> Measured:
    """Return a count of a month."""
    return Measured(count, None, days)


def share(kept: int, owed: int) -> Measured:
    """Return a rate of a month."""
    return Measured(kept, owed, 30)


def compared(now: Measured, then: Measured) -> Step:
    """Return the comparison, which has to be possible."""
    found = step(now, then)
    assert found is not None
    return found


def a_change(name: str, now: int, then: int, subject: Subject = Subject.CATEGORY) -> Change:
    """Return a count on the period before."""
    on_before = step(cases(now), cases(then))
    return Change(
        subject=subject, id=name, name=name, now=cases(now), on_before=on_before, on_year=None
    )


def test_a_change_is_scored_by_its_cases_and_its_z() -> None:
    """100 to 160 in months of the same length: 60 cases, z = 60 / sqrt(260) = 3.72."""
    found = compared(cases(160), cases(100))

    assert (60, 60.0, 3.72, True) == (found.moved, found.percent, found.z, found.significant)
    assert pytest.approx(60 * 60 / 260**0.5, abs=0.01) == found.score


def test_months_of_unlike_length_are_compared_per_day() -> None:
    """310 in 31 days and 280 in 28 are the same rate: no change, though 30 more cases."""
    found = compared(cases(3100, 31), cases(2800, 28))

    assert (300, 0.0, False) == (found.moved, found.z, found.significant)


def test_rates_are_compared_as_two_proportions() -> None:
    """90 % of 200 after 75 % of 200: +15 points, z = 3.95."""
    found = compared(share(180, 200), share(150, 200))

    assert (15.0, None, 3.95, True) == (found.moved, found.percent, found.z, found.significant)
    assert pytest.approx(30 * 3.95, abs=0.2) == found.score


@given(st.integers(0, UNSTABLE_BELOW - 1), st.integers(0, UNSTABLE_BELOW - 1))
def test_few_cases_never_make_a_change(now: int, then: int) -> None:
    """FIGURES: n < 20 is unstable, so 1 to 19 is no news, and no percent is said of it."""
    found = step(cases(now), cases(then))

    assert found is None or (not found.significant and found.score == 0 and found.percent is None)


@given(st.integers(0, 19), st.integers(1, 19), st.integers(0, 500), st.integers(1, 500))
def test_a_rate_of_few_never_changes(kept: int, few: int, other: int, many: int) -> None:
    """A rate whose denominator is below 20 in either period is not called better or worse."""
    small, large = share(min(kept, few), few), share(min(other, many), many)

    for found in (step(small, large), step(large, small)):
        assert found is None or not found.significant


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(28, 31), st.integers(28, 31))
def test_what_is_called_a_change_is_beyond_chance(
    now: int, then: int, days: int, before: int
) -> None:
    """Significant means |z| >= 3.29 in the direction of the numbers that are printed."""
    found = step(cases(now, days), cases(then, before))

    if found is not None and found.significant:
        assert abs(found.z) >= SIGNIFICANT
        assert (found.z > 0) == (found.moved > 0)
        assert max(now, then) >= UNSTABLE_BELOW


def test_nothing_then_and_now_is_not_compared() -> None:
    """N = 0 is –."""
    assert step(cases(0), cases(0)) is None
    assert step(share(0, 0), share(1, 2)) is None
    assert step(cases(5), None) is None


def test_three_are_told_the_highest_score_first() -> None:
    """Absolute contribution before percent: 1000 to 1300 stands before 20 to 80."""
    told = most_important(
        [
            a_change("small", 80, 20),
            a_change("large", 1300, 1000),
            a_change("none", 101, 100),
            a_change("down", 500, 700),
            a_change("fourth", 60, 20),
        ]
    )

    assert ["large", "down", "small"] == [change.id for change in told]
    assert len(told) == TOLD


def test_ties_stand_in_a_fixed_order() -> None:
    """Equal scores: categories before areas, then by id, however they came."""
    equal = [
        a_change("b", 200, 100, Subject.AREA),
        a_change("a", 200, 100, Subject.AREA),
        a_change("z", 200, 100),
    ]

    assert ["z", "a", "b"] == [change.id for change in most_important(equal)]
    assert most_important(equal) == most_important(equal[::-1])
