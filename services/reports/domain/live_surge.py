"""Whether calls surge: a cumulative likelihood-ratio chart (CUSUM) of counts around a seasonal baseline.

Höhle and Paul, *Count data regression charts for the monitoring of surveillance time series*,
Computational Statistics & Data Analysis 52 (2008) 4357-4368: the negative binomial CUSUM with a mean
that changes with the time of the week. It asks, bin by bin, how much likelier the count is under
`shift` times the usual mean than under the usual one, and adds that up while it speaks for a surge:
S(t) = max(0, S(t-1) + log f(y; shift m, a) / f(y; m, a)). Several shifts are watched side by side
(Sparks, *CUSUM charts for signalling varying location shifts*, J. Quality Technology 32, 2000).

The limit is not tuned: Lorden, *Procedures for reacting to a change in distribution*, Ann. Math.
Statist. 42 (1971) 1897-1908: a chart with limit h runs at least e^h bins, on average, before it
raises a false alarm. So h follows from how many false alarms a duty desk bears.
"""

from __future__ import annotations

from datetime import datetime
from math import log, log1p
from typing import NamedTuple

from services.reports.domain.live_baseline import Expected
from shared.contracts.pack import Surge

HOUR_MINUTES, WEEK_MINUTES = 60, 10_080
BACK_TO_USUAL = log(20)
"""An alarm ends when the counts since speak twenty to one for the usual mean (*ours*)."""


class Chart(NamedTuple):
    """State of one chart: a statistic for each shift, calls since it last was at zero, since when it alarms."""

    statistics: tuple[float, ...]
    calls: int = 0
    since: datetime | None = None

    @property
    def statistic(self) -> float:
        """Return the highest of the shifts' statistics."""
        return max(self.statistics)


def new_chart(surge: Surge) -> Chart:
    """Return a chart that has seen nothing."""
    return Chart((0.0,) * len(surge.shifts))


def threshold(surge: Surge, charts: int) -> float:
    """Return the limit for *charts* charts that share half of the false alarms the pack allows.

    The other half is left to the other family: lines on the one hand, lines by area on the other.
    """
    bins = surge.weeks_between_false_alarms * WEEK_MINUTES / surge.bin_minutes
    return log(2 * bins * len(surge.shifts) * max(charts, 1))


def in_bin(hourly: Expected, surge: Surge) -> Expected:
    """Return what is usual in one bin of an hour.

    What varies in an hour varies as a whole: the dispersion is raised so that the bins of an hour,
    taken as independent by the chart, spread together as the hour does.
    """
    bins = HOUR_MINUTES / surge.bin_minutes
    return Expected(hourly.calls / bins, hourly.dispersion * bins)


def step(
    chart: Chart, calls: int, usual: Expected, surge: Surge, *, limit: float, at: datetime
) -> Chart:
    """Return the chart after a bin with *calls*, that ended *at* (UTC).

    It alarms from the bin that passes *limit* with at least `least_calls`. The statistics are held at
    the limit meanwhile, so that a long surge ends soon after its calls do: when all of them have
    fallen by BACK_TO_USUAL. Then the chart begins again at zero.
    """
    statistics = tuple(
        min(max(0.0, held + _ratio(calls, usual, shift)), limit)
        for held, shift in zip(chart.statistics, surge.shifts, strict=True)
    )
    highest = max(statistics)
    if chart.since and highest <= max(limit - BACK_TO_USUAL, 0.0):
        return new_chart(surge)
    total = chart.calls + calls if highest > 0 else 0
    begins = highest >= limit and total >= surge.least_calls
    return Chart(statistics, total, chart.since or (at if begins else None))


def _ratio(calls: int, usual: Expected, shift: float) -> float:
    """Return the log of how much likelier *calls* are under *shift* times the usual mean."""
    mean, spread = usual
    if spread * mean < 1e-9:  # Poisson is the limit
        return calls * log(shift) - mean * (shift - 1)
    more = log1p(spread * shift * mean) - log1p(spread * mean)
    return calls * log(shift) - (calls + 1 / spread) * more
