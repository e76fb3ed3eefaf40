"""How many calls are usual: a seasonal baseline by hour of the week, with its over-dispersion.

After Farrington, Andrews, Beale and Catchpole, *A statistical algorithm for the early detection of
outbreaks of infectious disease*, J. R. Statist. Soc. A 159 (1996) 547-563, whose idea of comparing
with the same time of earlier weeks and of giving earlier outbreaks little weight is kept, the latter
as in Noufaily et al., Statistics in Medicine 32 (2013) 1206-1222. Their yearly regression needs years
of history; here an hour of the week borrows from the same hour of like days (gamma-Poisson
shrinkage), so that a few weeks suffice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOURS_OF_WEEK, HOURS_OF_DAY, WORKDAYS = 168, 24, 5
BORROWED_WEEKS = 4.0
"""An hour of the week counts as so many more weeks of the pooled profile (*ours*)."""
OUTLYING = 2.58
"""Anscombe residual above which an hour of the history is given less weight (Noufaily et al.)."""
_LEAST_EXPECTED = 0.5
"""Calls that are taken as expected in the whole history where there were none."""


class HourCount(NamedTuple):
    """Calls of a line in an area (None: unknown) received in the hour that begins at `start`, UTC."""

    line: str
    area: str | None
    start: datetime
    calls: int


class Expected(NamedTuple):
    """What is usual in one hour: its mean and the dispersion a, variance = mean + a mean²."""

    calls: float
    dispersion: float


@dataclass(frozen=True)
class Baseline:
    """Usual calls of every line and area; build it with `fit`. `weeks` of history stand behind it."""

    zone: ZoneInfo
    weeks: float
    means: Mapping[str, Sequence[float]]
    dispersions: Mapping[str, Sequence[float]]
    shares: Mapping[tuple[str, str], Expected]

    def of(self, line: str, area: str | None, at: datetime) -> Expected:
        """Return what is usual in the hour of the week that holds *at*; the whole region without area."""
        hour = hour_of_week(at, self.zone)
        if line not in self.means:
            nothing = _LEAST_EXPECTED / (self.weeks * HOURS_OF_WEEK)
            return Expected(nothing, 1.0)
        whole = Expected(self.means[line][hour], self.dispersions[line][hour])
        if area is None:
            return whole
        share = self.shares.get((line, area), Expected(_LEAST_EXPECTED / 1e3, 1.0))
        return Expected(whole.calls * share.calls, max(whole.dispersion, share.dispersion))


def hour_of_week(at: datetime, zone: ZoneInfo) -> int:
    """Return 0 (Monday 0:00) to 167 in *zone*."""
    local = at.astimezone(zone)
    return local.weekday() * HOURS_OF_DAY + local.hour


def fit(
    counts: Iterable[HourCount],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    areas: Sequence[str],
    *,
    without: tuple[datetime, datetime] | None = None,
) -> Baseline:
    """Return the baseline of the hours [start, end), UTC; hours without a count had no calls.

    *without* leaves out the hours of a stretch, so that it can be judged by the others.
    """
    hours = [h for h in _hours(start, end) if without is None or not without[0] <= h < without[1]]
    of_week = [hour_of_week(hour, zone) for hour in hours]
    by_line: dict[str, Counter[datetime]] = defaultdict(Counter)
    by_area: dict[tuple[str, str], Counter[datetime]] = defaultdict(Counter)
    for row in counts:
        by_line[row.line][row.start] += row.calls
        if row.area is not None:
            by_area[row.line, row.area][row.start] += row.calls
    means, dispersions, shares = {}, {}, {}
    for line, found in by_line.items():
        values = [found[hour] for hour in hours]
        means[line], dispersions[line] = _profile(values, of_week)
        total = sum(values)
        for area in areas:
            own = [by_area[line, area][hour] for hour in hours]
            share = (sum(own) + _LEAST_EXPECTED) / (total + _LEAST_EXPECTED * len(areas))
            usual = [share * means[line][hour] for hour in of_week]
            spread = _dispersion(own, usual, [1.0] * len(own), 1)
            shares[line, area] = Expected(share, spread + 1 / (sum(own) + _LEAST_EXPECTED))
    weeks = len(hours) / HOURS_OF_WEEK
    return Baseline(zone, weeks, means, dispersions, shares)


def _hours(start: datetime, end: datetime) -> Iterable[datetime]:
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hour = hour if hour >= start else hour + timedelta(hours=1)
    while hour + timedelta(hours=1) <= end:
        yield hour
        hour += timedelta(hours=1)


def _profile(
    values: Sequence[int], of_week: Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and dispersion by hour of the week; outlying hours weigh less the second time."""
    weights = [1.0] * len(values)
    means = _means(values, of_week, weights)
    overall = _dispersion(values, [means[hour] for hour in of_week], weights, HOURS_OF_DAY)
    weights = [
        _weight(value, means[hour], overall) for value, hour in zip(values, of_week, strict=True)
    ]
    means = _means(values, of_week, weights)
    seen = Counter(of_week)
    free = sum(n / (n + BORROWED_WEEKS) for n in seen.values()) + HOURS_OF_DAY
    overall = _dispersion(values, [means[hour] for hour in of_week], weights, free)
    # what is not known of the mean itself spreads the counts too (negative binomial as predictive)
    return tuple(means), tuple(
        overall + 1 / ((seen[hour] + BORROWED_WEEKS) * means[hour]) for hour in range(HOURS_OF_WEEK)
    )


def _means(values: Sequence[int], of_week: Sequence[int], weights: Sequence[float]) -> list[float]:
    """Shrink each hour of the week towards the same hour of all workdays, or of the weekend."""
    calls, weight = [0.0] * HOURS_OF_WEEK, [0.0] * HOURS_OF_WEEK
    for value, hour, each in zip(values, of_week, weights, strict=True):
        calls[hour] += each * value
        weight[hour] += each
    floor = _LEAST_EXPECTED / max(len(values), 1)
    pooled = [max(_pooled(calls, weight, hour), floor) for hour in range(HOURS_OF_WEEK)]
    return [
        (calls[hour] + BORROWED_WEEKS * pooled[hour]) / (weight[hour] + BORROWED_WEEKS)
        for hour in range(HOURS_OF_WEEK)
    ]


def _pooled(calls: Sequence[float], weight: Sequence[float], hour: int) -> float:
    """Return the mean of like days at this hour of the day, smoothed with its neighbours (1-2-1)."""
    day, at = divmod(hour, HOURS_OF_DAY)
    like = range(WORKDAYS) if day < WORKDAYS else range(WORKDAYS, 7)
    found = total = 0.0
    for step, share in ((-1, 1), (0, 2), (1, 1)):
        for other in like:
            place = other * HOURS_OF_DAY + (at + step) % HOURS_OF_DAY
            found += share * calls[place]
            total += share * weight[place]
    return found / total if total else sum(calls) / max(sum(weight), 1.0)


def _weight(value: int, mean: float, dispersion: float) -> float:
    """Return 1, less for an hour that lay far above: a surge of the past is not usual."""
    spread = (1 + dispersion * mean) ** 0.5
    residual = 1.5 * (value ** (2 / 3) - mean ** (2 / 3)) / (mean ** (1 / 6) * spread)
    return 1.0 if residual <= OUTLYING else (OUTLYING / residual) ** 2


def _dispersion(
    values: Sequence[int], means: Sequence[float], weights: Sequence[float], free: float
) -> float:
    """Return a of variance = mean + a mean² by moments, *free* parameters allowed for; never below 0."""
    correction = len(values) / max(len(values) - free, 1.0)
    excess = squares = 0.0
    for value, mean, weight in zip(values, means, weights, strict=True):
        excess += weight * (correction * (value - mean) ** 2 - mean)
        squares += weight * mean**2
    return max(0.0, excess / squares) if squares else 0.0
