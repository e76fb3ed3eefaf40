"""Whether calls surge: a cumulative likelihood-ratio chart (CUSUM) of counts around a seasonal baseline.

Höhle and Paul, *Count data regression charts for the monitoring of surveillance time series*,
Computational Statistics & Data Analysis 52 (2008) 4357-4368: the negative binomial CUSUM with a mean
that changes with the time of the week. It asks how much likelier the counts are under `shift` times
the usual mean than under the usual one, and adds that up while it speaks for a surge:
S(t) = max(0, S(t-1) + log f(y; shift m, a) / f(y; m, a)). Several shifts are watched side by side
(Sparks, *CUSUM charts for signalling varying location shifts*, J. Quality Technology 32, 2000).

Theirs are weeks, ours are minutes, and what makes an hour busy makes all its minutes busy: a gamma
factor is shared by a run of up to an hour, within which the ratio is that of the counts so far taken
together (the same negative binomial), and only the sums of whole runs are added (*ours*).

The limit is not tuned to data: Lorden, *Procedures for reacting to a change in distribution*, Ann.
Math. Statist. 42 (1971) 1897-1908: a chart with limit h runs at least e^h bins, on average, before it
raises a false alarm. So h follows from how many false alarms a duty desk bears. The bound is loose:
simulated charts ran e^2 times longer (ADR 0018), which is given back.
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
LOOSE = 2.0
"""By how much Lorden's limit can be lowered at the same rate of false alarms (measured)."""


class Run(NamedTuple):
    """One shift's statistic: what was there when the run began, and the run's counts so far."""

    statistic: float = 0.0
    before: float = 0.0
    calls: int = 0
    usual: float = 0.0
    bins: int = 0


class Chart(NamedTuple):
    """State of one chart: a run for each shift, calls since it last was at zero, since when it alarms."""

    runs: tuple[Run, ...]
    calls: int = 0
    since: datetime | None = None

    @property
    def statistic(self) -> float:
        """Return the highest of the shifts' statistics."""
        return max(run.statistic for run in self.runs)


def new_chart(surge: Surge) -> Chart:
    """Return a chart that has seen nothing."""
    return Chart((Run(),) * len(surge.shifts))


def threshold(surge: Surge, charts: int) -> float:
    """Return the limit for *charts* charts that share half of the false alarms the pack allows.

    The other half is left to the other family: lines on the one hand, lines by area on the other.
    """
    bins = surge.weeks_between_false_alarms * WEEK_MINUTES / surge.bin_minutes
    return max(log(2 * bins * len(surge.shifts) * max(charts, 1)) - LOOSE, 1.0)


def in_bin(hourly: Expected, surge: Surge) -> Expected:
    """Return what is usual in one bin of an hour; the dispersion stays the hour's."""
    return Expected(hourly.calls * surge.bin_minutes / HOUR_MINUTES, hourly.dispersion)


def step(
    chart: Chart, calls: int, usual: Expected, surge: Surge, *, limit: float, at: datetime
) -> Chart:
    """Return the chart after a bin with *calls*, that ended *at* (UTC).

    It alarms from the bin that passes *limit* with at least `least_calls`. The statistics are held at
    the limit meanwhile, so that a long surge ends soon after its calls do: when all of them have
    fallen by BACK_TO_USUAL. Then the chart begins again at zero.
    """
    whole = HOUR_MINUTES // surge.bin_minutes
    after = chart._replace(
        runs=tuple(
            _run(run, calls, usual, shift, limit=limit, whole=whole)
            for run, shift in zip(chart.runs, surge.shifts, strict=True)
        )
    )
    highest = after.statistic
    if chart.since and highest <= max(limit - BACK_TO_USUAL, 0.0):
        return new_chart(surge)
    total = chart.calls + calls if highest > 0 else 0
    begins = highest >= limit and total >= surge.least_calls
    return after._replace(calls=total, since=chart.since or (at if begins else None))


def _run(run: Run, calls: int, usual: Expected, shift: float, *, limit: float, whole: int) -> Run:
    """Return *run* with one bin more; at zero, at the limit and after an hour another one begins."""
    so_far, mean, bins = run.calls + calls, run.usual + usual.calls, run.bins + 1
    statistic = run.before + _ratio(so_far, Expected(mean, usual.dispersion), shift)
    if statistic <= 0:
        return Run()
    if statistic >= limit:
        return Run(limit, limit)
    if bins >= whole:
        return Run(statistic, statistic)
    return Run(statistic, run.before, so_far, mean, bins)


def _ratio(calls: int, usual: Expected, shift: float) -> float:
    """Return the log of how much likelier *calls* are under *shift* times the usual mean."""
    mean, spread = usual
    if spread * mean < 1e-9:  # Poisson is the limit
        return calls * log(shift) - mean * (shift - 1)
    more = log1p(spread * shift * mean) - log1p(spread * mean)
    return calls * log(shift) - (calls + 1 / spread) * more
