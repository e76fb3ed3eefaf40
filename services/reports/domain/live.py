"""The live picture of a region: calls per minute, what is open, units out, and surges.

It is never a source of truth: it forgets when it stops and is told again from the facts. Windows are
of platform time, by the time a call was received; a day that is played in two minutes has the same
1,440 windows. A minute is closed `grace` after its end; a later call still corrects it, but a surge
chart judges a bin once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from services.reports.domain.facts import Population
from services.reports.domain.live_baseline import Baseline
from services.reports.domain.live_calls import (
    CallSeen,
    CallWindows,
    Taken,
    instant_of,
    minute_of,
)
from services.reports.domain.live_open import IncidentSeen, OpenIncidents
from services.reports.domain.live_surge import Chart, in_bin, new_chart, step, threshold
from shared.contracts.pack import Surge
from shared.contracts.stats import Figure, LiveFigure, Verdict
from shared.contracts.values import Line

LINES = tuple(line for line in Line if line is not Line.UNKNOWN)
"""110, 119, 122, 12345 and other, so that the parts sum to the whole."""


GRACE = timedelta(minutes=1)
"""How long a minute waits for calls that come late before it is closed."""


class Place(NamedTuple):
    """Where it is counted: the region's code, its own area code for the whole, its areas."""

    region: str
    whole: str
    areas: tuple[str, ...]


@dataclass(frozen=True)
class LivePolicy:
    """The surge charts' settings, how long a minute is held, how far ahead of now a call may be."""

    surge: Surge
    kept: timedelta = timedelta(hours=2)
    ahead: timedelta = timedelta(hours=1)


class Series(NamedTuple):
    """What one chart watches; without an area the whole region."""

    line: Line
    area: str | None


@dataclass
class _Watch:
    """The charts of one population and what was said of its windows."""

    baseline: Baseline | None = None
    charts: dict[Series, Chart] = field(default_factory=dict)
    judged: int | None = None
    latest: dict[Series, LiveFigure] = field(default_factory=dict)
    said: dict[tuple[int, str], int] = field(default_factory=dict)


class Live:
    """Takes snapshots in any order; `advance` returns what has become true since it was asked last."""

    def __init__(self, place: Place, policy: LivePolicy, populations: Sequence[Population]) -> None:
        self._place, self._policy = place, policy
        self._calls = CallWindows(policy.kept, policy.ahead)
        self._open = OpenIncidents()
        self._watches: dict[Population, _Watch] = {each: _Watch() for each in populations}
        self._limits = (
            threshold(policy.surge, len(LINES)),
            threshold(policy.surge, len(LINES) * len(place.areas)),
        )
        self._now: datetime | None = None
        self._grace = GRACE

    @property
    def populations(self) -> tuple[Population, ...]:
        """Return whose figures there are."""
        return tuple(self._watches)

    @property
    def incidents(self) -> OpenIncidents:
        """Return what is open."""
        return self._open

    def call(self, seen: CallSeen, now: datetime) -> Taken:
        """Take a call's revision."""
        self._watches.setdefault(seen.population, _Watch())
        return self._calls.take(seen, now)

    def incident(self, seen: IncidentSeen) -> Taken:
        """Take an incident's snapshot."""
        self._watches.setdefault(seen.population, _Watch())
        return self._open.take(seen)

    def learn(self, population: Population, baseline: Baseline | None) -> None:
        """Compare the calls of *population* with *baseline* from now on; None: too little history."""
        self._watches.setdefault(population, _Watch()).baseline = baseline

    def advance(self, now: datetime, grace: timedelta = GRACE) -> list[LiveFigure]:
        """Return closed minutes not said yet or said otherwise, and the bins judged by *now* (UTC).

        *grace* is longer where platform time runs fast: two seconds on the way are minutes there.
        """
        if self._now is not None and now < self._now - self._policy.kept:
            self._begin_again()
        self._now, self._grace = now, grace
        self._calls.forget(now)
        figures: list[LiveFigure] = []
        for population, watch in self._watches.items():
            figures += self._closed_minutes(population, watch, now)
            figures += self._judged_bins(population, watch, now)
        return figures

    def standing(self, now: datetime) -> list[LiveFigure]:
        """Return what is open by state and how many units are out, at *now*."""
        figures = []
        for population in self._watches:
            for state, count in self._open.by_state(population).items():
                figures.append(self._figure(population, Figure.OPEN, state, (now, now), count))
            out = self._open.units_out(population)
            figures.append(self._figure(population, Figure.UNITS_OUT, "", (now, now), out))
        return figures

    def last_minute(self, now: datetime) -> list[LiveFigure]:
        """Return the calls of every line in the last closed minute."""
        minute = minute_of(now - self._grace) - 1
        span = (instant_of(minute), instant_of(minute + 1))
        figures = []
        for population in self._watches:
            found = self._calls.by_line(population, range(minute, minute + 1))
            for line in LINES:
                count = found[minute, line]
                figures.append(self._figure(population, Figure.CALLS, line, span, count))
        return figures

    def surges(self) -> list[LiveFigure]:
        """Return the newest verdict of every chart, lines first, then their areas."""
        return [each for watch in self._watches.values() for each in watch.latest.values()]

    def _begin_again(self) -> None:
        """Forget all windows: the platform's clock was set back, another day is played."""
        self._calls = CallWindows(self._policy.kept, self._policy.ahead)
        for watch in self._watches.values():
            watch.charts.clear()
            watch.said.clear()
            watch.judged = None

    def _closed_minutes(
        self, population: Population, watch: _Watch, now: datetime
    ) -> Iterator[LiveFigure]:
        end = minute_of(now - self._grace)
        first = self._calls.first(now)
        watch.said = {key: n for key, n in watch.said.items() if first <= key[0] < end}
        found = self._calls.by_line(population, range(first, end))
        begun = min((minute for minute, _ in (*watch.said, *found)), default=end - 1)
        for minute in range(begun, end):
            span = (instant_of(minute), instant_of(minute + 1))
            for line in LINES:
                count = found[minute, line]
                if watch.said.get((minute, line)) != count:
                    watch.said[minute, line] = count
                    yield self._figure(population, Figure.CALLS, line, span, count)

    def _judged_bins(
        self, population: Population, watch: _Watch, now: datetime
    ) -> Iterator[LiveFigure]:
        size = self._policy.surge.bin_minutes
        end = minute_of(now - self._grace) // size
        first = -(-self._calls.first(now) // size)
        begin = first if watch.judged is None else max(watch.judged, first)
        for number in range(begin, end):
            minutes = range(number * size, (number + 1) * size)
            yield from self._judged(population, watch, minutes)
        watch.judged = max(begin, end)

    def _judged(
        self, population: Population, watch: _Watch, minutes: range
    ) -> Iterator[LiveFigure]:
        found = self._calls.by_area(population, minutes)
        whole: Counter[str] = Counter()
        for (line, _), count in found.items():
            whole[line] += count
        for line in LINES:
            yield self._charted(population, watch, Series(line, None), whole[line], minutes)
            for area in self._place.areas if watch.baseline else ():
                series = Series(line, area)
                before = watch.latest.get(series)
                said = self._charted(population, watch, series, found[line, area], minutes)
                # of a hundred quiet charts nobody wants to hear every five minutes
                if said.verdict is Verdict.SURGE or (before and before.verdict is Verdict.SURGE):
                    yield said

    def _charted(
        self, population: Population, watch: _Watch, series: Series, calls: int, minutes: range
    ) -> LiveFigure:
        span = (instant_of(minutes.start), instant_of(minutes.stop))
        said = self._figure(population, Figure.SURGE, series.line, span, calls)
        if series.area is not None:
            said = replace(said, area=series.area)
        if watch.baseline is None:
            watch.latest[series] = said = replace(said, verdict=Verdict.LEARNING)
            return said
        surge = self._policy.surge
        usual = in_bin(watch.baseline.of(series.line, series.area, span[0]), surge)
        limit = self._limits[series.area is not None]
        chart = watch.charts.get(series) or new_chart(surge)
        chart = step(chart, calls, usual, surge, limit=limit, at=span[1])
        watch.charts[series] = chart
        watch.latest[series] = said = replace(
            said,
            verdict=Verdict.SURGE if chart.since else Verdict.QUIET,
            expected=round(usual.calls, 4),
            statistic=round(chart.statistic, 3),
            threshold=round(limit, 3),
            since=chart.since,
        )
        return said

    def _figure(
        self,
        population: Population,
        figure: Figure,
        of: str,
        span: tuple[datetime, datetime],
        value: int,
    ) -> LiveFigure:
        return LiveFigure(
            region=self._place.region,
            area=self._place.whole,
            figure=figure,
            of=of,
            exercise=population is Population.EXERCISE,
            start=span[0],
            end=span[1],
            value=value,
        )
