"""The live picture of a region: calls per minute, what is open, units out, and surges.

It is never a source of truth: it forgets when it stops and is told again from the facts. Windows are
of platform time, by the time a call was received; a day that is played in two minutes has the same
1,440 windows. A minute is closed `grace` after its end; a later call still corrects it, but a surge
chart judges a bin once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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
from services.reports.domain.live_watch import LINES, Frame, Place, Watch
from shared.contracts.pack import Surge
from shared.contracts.stats import Figure, LiveFigure
from shared.contracts.values import Line

GRACE = timedelta(minutes=1)
"""How long a minute waits for calls that come late before it is closed."""

HELD = 30
"""A minute is held at least so many graces: in a drill at speed 720 a busy machine is hours late."""


@dataclass(frozen=True)
class LivePolicy:
    """The surge charts' settings, how long a minute is held, how far ahead of now a call may be."""

    surge: Surge
    kept: timedelta = timedelta(hours=2)
    ahead: timedelta = timedelta(hours=1)


class Live:
    """Takes snapshots in any order; `advance` returns what has become true since it was asked last."""

    def __init__(self, place: Place, policy: LivePolicy, populations: Sequence[Population]) -> None:
        self._place, self._policy = place, policy
        self._calls = CallWindows(policy.kept, policy.ahead)
        self._open = OpenIncidents()
        self._watches: dict[Population, Watch] = {}
        for population in populations:
            self._watch(population)
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

    def since(self, now: datetime) -> datetime:
        """Return when the oldest window at *now* begins."""
        return now - self._calls.kept

    def call(self, seen: CallSeen, now: datetime) -> Taken:
        """Take a call's revision; a line this version does not know counts as other."""
        self._watch(seen.population)
        known = seen if seen.line in LINES else seen._replace(line=Line.OTHER)
        return self._calls.take(known, now)

    def incident(self, seen: IncidentSeen) -> Taken:
        """Take an incident's snapshot."""
        self._watch(seen.population)
        return self._open.take(seen)

    def learn(self, population: Population, baseline: Baseline | None) -> None:
        """Compare the calls of *population* with *baseline* from now on; None: too little history."""
        self._watch(population).baseline = baseline

    def advance(self, now: datetime, grace: timedelta = GRACE) -> list[LiveFigure]:
        """Return closed minutes not said yet or said otherwise, and the bins judged by *now* (UTC).

        *grace* is longer where platform time runs fast: two seconds on the way are minutes there.
        """
        if self._now is not None and now < self._now - self._policy.kept:
            self._begin_again()
        self._now, self._grace = now, grace
        self._calls.kept = max(self._policy.kept, HELD * grace)
        self._calls.forget(now)
        minutes = range(self._calls.first(now), minute_of(now - grace))
        figures: list[LiveFigure] = []
        for watch in self._watches.values():
            figures += watch.closed(self._calls, minutes)
            figures += watch.judged(self._calls, minutes)
        return figures

    def standing(self, now: datetime) -> list[LiveFigure]:
        """Return what is open by state and how many units are out, at *now*."""
        figures = []
        for population, watch in self._watches.items():
            for state, count in self._open.by_state(population).items():
                figures.append(watch.frame.figure(Figure.OPEN, state, (now, now), count))
            out = self._open.units_out(population)
            figures.append(watch.frame.figure(Figure.UNITS_OUT, "", (now, now), out))
        return figures

    def last_minute(self, now: datetime) -> list[LiveFigure]:
        """Return the calls of every line in the last closed minute."""
        minute = minute_of(now - self._grace) - 1
        span = (instant_of(minute), instant_of(minute + 1))
        figures = []
        for population, watch in self._watches.items():
            found = self._calls.by_line(population, range(minute, minute + 1))
            figures += [
                watch.frame.figure(Figure.CALLS, line, span, found[minute, line]) for line in LINES
            ]
        return figures

    def surges(self) -> list[LiveFigure]:
        """Return the newest verdict of every chart, lines first, then their areas."""
        return [each for watch in self._watches.values() for each in watch.latest.values()]

    def _watch(self, population: Population) -> Watch:
        if population not in self._watches:
            frame = Frame(self._place, population)
            self._watches[population] = Watch(frame, self._policy.surge)
        return self._watches[population]

    def _begin_again(self) -> None:
        """Forget all windows: the platform's clock was set back, another day is played."""
        self._calls = CallWindows(self._policy.kept, self._policy.ahead)
        for watch in self._watches.values():
            watch.begin_again()
