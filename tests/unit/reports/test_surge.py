"""Baseline and surge charts: what is usual, and when more than that is a surge."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from math import exp, lgamma, log
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.live_baseline import Baseline, Expected, HourCount, fit, hour_of_week
from services.reports.domain.live_surge import (
    LOOSE,
    in_bin,
    new_chart,
    step,
    threshold,
)
from shared.contracts.pack import Surge
from tests.builders import T0, minutes

SURGE = Surge()
SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 10, 4, 16, 0, tzinfo=UTC)
"""Monday 0:00 in the county."""


def history(weeks: int, of_hour: dict[int, int]) -> list[HourCount]:
    """Return calls of line 110 by hour of the day, all in one area."""
    rows = []
    for number in range(weeks * 168):
        start = MONDAY + timedelta(hours=number)
        calls = of_hour.get(number % 24, 0)
        if calls:
            rows.append(HourCount("110", "a", start, calls))
    return rows


def fitted(rows: list[HourCount], weeks: int) -> Baseline:
    """Return the baseline of *rows*."""
    return fit(rows, MONDAY, MONDAY + timedelta(weeks=weeks), SHANGHAI, ["a", "b"])


def test_the_baseline_knows_the_hour_of_the_week_in_the_packs_zone() -> None:
    """A busy hour is expected to be busy, a quiet one quiet."""
    baseline = fitted(history(8, {9: 40, 3: 2, 8: 20, 10: 20, 2: 2, 4: 2}), 8)
    nine = MONDAY + timedelta(days=1, hours=9)

    assert 9 == hour_of_week(nine, SHANGHAI) % 24
    assert baseline.of("110", None, nine).calls == pytest.approx(36.7, abs=2)
    assert baseline.of("110", None, nine - timedelta(hours=6)).calls < 3


def test_an_area_gets_its_share_and_an_area_without_calls_almost_nothing() -> None:
    """Areas borrow the line's week: their own counts are too few for 168 hours."""
    baseline = fitted(history(8, dict.fromkeys(range(24), 5)), 8)

    assert baseline.of("110", "a", MONDAY).calls == pytest.approx(5, rel=0.02)
    assert 0 < baseline.of("110", "b", MONDAY).calls < 0.01


def test_a_line_never_heard_of_is_expected_to_be_silent() -> None:
    """A first call is no error, and many are a surge."""
    usual = fitted(history(8, {9: 5}), 8).of("119", None, MONDAY)

    assert 0 < usual.calls < 0.01


def test_a_surge_of_the_past_weighs_little() -> None:
    """Farrington, Noufaily: an earlier outbreak must not hide the next one."""
    usual = history(8, dict.fromkeys(range(24), 5))
    night = [row._replace(calls=100) if row.start == MONDAY else row for row in usual]
    plain = fitted(usual, 8).of("110", None, MONDAY)
    after = fitted(night, 8).of("110", None, MONDAY)
    mean = (11 * 5 + 100) / 12

    assert plain.calls == pytest.approx(5, rel=0.01)
    assert after.calls < 5 + (mean - 5) / 2


def test_hours_left_out_do_not_count_as_silent() -> None:
    """What is judged is not in its own baseline."""
    rows = [
        row
        for row in history(8, dict.fromkeys(range(24), 5))
        if row.start >= MONDAY + timedelta(weeks=1)
    ]
    week = (MONDAY, MONDAY + timedelta(weeks=1))
    baseline = fit(rows, MONDAY, MONDAY + timedelta(weeks=8), SHANGHAI, ["a"], without=week)

    assert baseline.of("110", None, MONDAY).calls == pytest.approx(5, rel=0.01)


def test_poisson_counts_show_no_dispersion_and_clustered_ones_do() -> None:
    """The a of variance = mean + a mean² comes out as it went in, up to what is not known of the mean."""
    rng = random.Random(7)
    clustered = []
    for number in range(26 * 168):
        mean = rng.gammavariate(1 / 0.5, 0.5 * 10)
        calls = sum(1 for _ in range(200) if rng.random() < mean / 200)
        clustered.append(HourCount("110", "a", MONDAY + timedelta(hours=number), calls))
    usual = fitted(clustered, 26).of("110", None, MONDAY)

    assert usual.dispersion == pytest.approx(0.5, abs=0.15)


usuals = st.builds(Expected, st.floats(0.001, 50), st.one_of(st.just(0.0), st.floats(0.001, 5)))


def density(calls: int, usual: Expected) -> float:
    """Return the log density of the negative binomial, written down another way."""
    mean, spread = usual
    if spread == 0:
        return calls * log(mean) - mean - lgamma(calls + 1)
    size = 1 / spread
    return (
        lgamma(calls + size) - lgamma(size) - lgamma(calls + 1)
        + size * log(size / (size + mean)) + calls * log(mean / (size + mean))
    )  # fmt: skip


@given(st.integers(0, 200), usuals)
def test_a_step_adds_the_log_likelihood_ratio(calls: int, usual: Expected) -> None:
    """Höhle and Paul: S = max(0, S + log f(y; shift m) / f(y; m)), held at the limit."""
    after = step(new_chart(SURGE), calls, usual, SURGE, limit=1e9, at=T0)
    wanted = [
        max(
            0.0,
            density(calls, Expected(usual.calls * shift, usual.dispersion)) - density(calls, usual),
        )
        for shift in SURGE.shifts
    ]

    assert [run.statistic for run in after.runs] == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@given(st.lists(st.integers(1, 20), min_size=2, max_size=11))
def test_within_an_hour_the_counts_so_far_are_taken_together(counts: list[int]) -> None:
    """A busy hour is one busy hour, not twelve independent proofs: its gamma factor is shared."""
    usual, chart = Expected(0.2, 0.4), new_chart(SURGE)
    for calls in counts:
        chart = step(chart, calls, usual, SURGE, limit=1e9, at=T0)
    taken_together = Expected(0.2 * len(counts), 0.4)
    one = step(new_chart(SURGE), sum(counts), taken_together, SURGE, limit=1e9, at=T0)

    assert chart.statistic == pytest.approx(one.statistic)


@given(st.lists(st.integers(0, 30), max_size=60), usuals)
def test_a_chart_alarms_from_its_limit_until_counts_are_usual(
    counts: list[int], usual: Expected
) -> None:
    """The alarm begins at the limit with enough calls; when it ends the chart begins again at zero."""
    limit, chart = 8.0, new_chart(SURGE)
    for number, calls in enumerate(counts):
        before, at = chart, T0 + minutes(5 * number)
        chart = step(chart, calls, usual, SURGE, limit=limit, at=at)

        assert all(0 <= run.statistic <= limit for run in chart.runs)
        if chart.since and not before.since:
            assert at == chart.since
            assert chart.statistic == limit
            assert chart.calls >= SURGE.least_calls
        if before.since:
            assert (chart == new_chart(SURGE)) or (before.since == chart.since)
            assert chart.since or calls < 2 * SURGE.shifts[-1] * usual.calls


def test_fewer_calls_than_the_least_are_no_surge() -> None:
    """Three calls where none is expected are a coincidence, whatever the likelihood says."""
    nothing = Expected(1e-6, 0.0)
    quiet = step(new_chart(SURGE), 4, nothing, SURGE, limit=2.0, at=T0)
    surge = step(quiet, 1, nothing, SURGE, limit=2.0, at=T0 + minutes(5))

    assert quiet.since is None
    assert T0 + minutes(5) == surge.since


def test_the_limit_follows_from_the_false_alarms_borne() -> None:
    """Lorden: e^h bins at least, e^2 times more as measured; both families share what is allowed."""
    charts = 4
    bins_a_week = 10_080 / SURGE.bin_minutes
    a_week = charts * len(SURGE.shifts) * bins_a_week * exp(-threshold(SURGE, charts) - LOOSE)

    assert a_week == pytest.approx(1 / (2 * SURGE.weeks_between_false_alarms))


def test_the_bins_of_an_hour_make_up_the_hour() -> None:
    """A bin has its share of the mean and the hour's dispersion."""
    hour = Expected(12.0, 0.3)
    part = in_bin(hour, SURGE)

    assert (1.0, 0.3) == part
