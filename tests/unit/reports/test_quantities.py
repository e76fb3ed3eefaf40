"""Rates and spreads: exact, nearest rank, nothing without its n."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.reports.domain.quantities import (
    UNSTABLE_BELOW,
    nearest_rank,
    rate,
    seconds,
    spread,
)

SECOND = timedelta(seconds=1)
LENGTHS = st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("numerator", "denominator", "percent"),
    [(911, 972, 93.72), (737, 972, 75.82), (1, 3, 33.33), (2, 3, 66.67), (1, 800, 0.13), (0, 5, 0)],
)
def test_rates_are_exact_to_two_decimals(numerator: int, denominator: int, percent: float) -> None:
    """Tianmen, December 2016: closed 93.72 %, on time 75.82 % of should-close; halves go up."""
    assert percent == rate(numerator, denominator).percent


def test_nothing_divided_by_nothing_is_nothing() -> None:
    """N = 0 → "–": neither 0 % nor 100 %."""
    assert rate(0, 0).percent is None


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_rate_is_the_nearest_hundredth(numerator: int, denominator: int) -> None:
    """No figure is off by a rounding of floats."""
    percent = rate(numerator, denominator).percent

    assert percent is not None
    exact = Fraction(100 * numerator, denominator)
    assert abs(Fraction(str(percent)) - exact) <= Fraction(1, 200)


@given(LENGTHS, st.sampled_from([50, 90, 95, 100]))
def test_nearest_rank_is_a_row_of_the_sorted_list(lengths: list[timedelta], percent: int) -> None:
    """The percentile is the ⌈p·n⌉-th row itself: at least p % of the rows are not above it."""
    ordered = sorted(lengths)

    found = nearest_rank(ordered, percent)

    assert ordered[ceil(Fraction(percent, 100) * len(ordered)) - 1] == found
    assert sum(each <= found for each in ordered) * 100 >= percent * len(ordered)


def test_a_spread_worked_by_hand() -> None:
    """Ten rows 1 to 10 s: P50 is the 5th, P90 the 9th, P95 and the maximum the 10th."""
    found = spread(n * SECOND for n in range(10, 0, -1))

    assert (10, 5.5, 5.0, 9.0, 10.0, 10.0) == (
        found.n,
        found.mean_s,
        found.p50_s,
        found.p90_s,
        found.p95_s,
        found.max_s,
    )


@given(st.lists(st.timedeltas(-SECOND, SECOND), min_size=1, max_size=8))
@example([timedelta(microseconds=500), timedelta(microseconds=501)])
def test_a_mean_is_rounded_as_lengths_divide(lengths: list[timedelta]) -> None:
    """Frozen months are recomputed byte for byte: half a microsecond goes to the even one."""
    mean = sum(lengths, timedelta()) / len(lengths)

    assert seconds(mean) == spread(lengths).mean_s


def test_few_cases_are_marked_unstable() -> None:
    """N < 20 is marked."""
    assert spread([SECOND] * (UNSTABLE_BELOW - 1)).unstable
    assert not spread([SECOND] * UNSTABLE_BELOW).unstable
