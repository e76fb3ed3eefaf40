"""Windows of calls: how many a line received in each minute, whatever order the events come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.reports.domain.facts import Population

MINUTE_S = 60


class Taken(StrEnum):
    """What became of a snapshot."""

    COUNTED = "counted"
    CORRECTED = "corrected"
    SEEN_BEFORE = "seen_before"
    OUTSIDE = "outside"


class CallSeen(NamedTuple):
    """One revision of a call: `counts` is false of a test and of what was withdrawn; time UTC."""

    call_id: UUID
    version: int
    line: str
    area: str | None
    received_at: datetime
    population: Population
    counts: bool = True


class Cell(NamedTuple):
    """Where a call is counted; `minute` counts from the epoch, so windows are of platform time."""

    population: Population
    minute: int
    line: str
    area: str | None


def minute_of(at: datetime) -> int:
    """Return the number of the minute that holds *at*."""
    return int(at.timestamp() // MINUTE_S)


def instant_of(minute: int) -> datetime:
    """Return when *minute* begins, UTC."""
    return datetime.fromtimestamp(minute * MINUTE_S, UTC)


class CallWindows:
    """Calls of the last `kept`, each once and under its newest revision; counted by event time.

    A call older than what is held, or further ahead of now than `ahead`, is outside: it stands in
    the facts, not here.
    """

    def __init__(self, kept: timedelta, ahead: timedelta) -> None:
        self.kept, self._ahead = kept, ahead
        self._held: dict[UUID, CallSeen] = {}
        self._counts: Counter[Cell] = Counter()

    def take(self, call: CallSeen, now: datetime) -> Taken:
        """Count *call* in its minute; a newer revision moves it, an older one changes nothing."""
        before = self._held.get(call.call_id)
        if before is not None and before.version >= call.version:
            return Taken.SEEN_BEFORE
        if before is not None:
            self._add(before, -1)
        inside = self.first(now) <= minute_of(call.received_at) <= minute_of(now + self._ahead)
        # held either way: an older revision that comes later must not count
        self._held[call.call_id] = held = call if inside else call._replace(counts=False)
        self._add(held, 1)
        if not inside:
            return Taken.OUTSIDE
        return Taken.COUNTED if before is None else Taken.CORRECTED

    def first(self, now: datetime) -> int:
        """Return the oldest minute held at *now*."""
        return minute_of(now - self.kept)

    def forget(self, now: datetime) -> None:
        """Drop what is older than is held."""
        first = self.first(now)
        self._held = {k: c for k, c in self._held.items() if minute_of(c.received_at) >= first}
        self._counts = Counter(
            {cell: n for cell, n in self._counts.items() if cell.minute >= first}
        )

    def by_line(self, population: Population, minutes: range) -> Counter[tuple[int, str]]:
        """Return calls by minute and line of *minutes*."""
        found: Counter[tuple[int, str]] = Counter()
        for cell, count in self._within(population, minutes):
            found[cell.minute, cell.line] += count
        return found

    def by_area(self, population: Population, minutes: range) -> Counter[tuple[str, str | None]]:
        """Return calls by line and area (None: unknown) of *minutes* together."""
        found: Counter[tuple[str, str | None]] = Counter()
        for cell, count in self._within(population, minutes):
            found[cell.line, cell.area] += count
        return found

    def populations(self) -> set[Population]:
        """Return whose calls are held."""
        return {cell.population for cell in self._counts}

    def _within(self, population: Population, minutes: range) -> Iterator[tuple[Cell, int]]:
        for cell, count in self._counts.items():
            if cell.population is population and cell.minute in minutes:
                yield cell, count

    def _add(self, call: CallSeen, change: int) -> None:
        if call.counts:
            cell = Cell(call.population, minute_of(call.received_at), call.line, call.area)
            self._counts[cell] += change
            if not self._counts[cell]:
                del self._counts[cell]
