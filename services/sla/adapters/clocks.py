"""Clock sets and when they fire, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from heapq import nsmallest
from typing import NamedTuple
from uuid import UUID

from services.sla.adapters.kept import decoded, encoded
from services.sla.adapters.statements import BEGUN, COMING, FIRE, MOVED, due
from services.sla.domain.clock_set import ClockSet
from services.sla.domain.firing import steps
from services.sla.domain.messages import said
from services.sla.ports import Due, Firing
from shared.contracts.sla import Clock
from shared.contracts.values import Lane
from shared.runtime.database import Database
from shared.runtime.store import OUTBOX, Work

READ_TOGETHER = 200
"""Sets decoded without a pause: firings wait so long."""

Place = tuple[datetime, UUID]
START: Place = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Coming(NamedTuple):
    """An open clock and its next step, as they are put in order."""

    next_at: datetime
    clock_id: UUID
    incident_id: UUID
    lane: Lane
    clock: Clock


class PostgresClocks:
    """Keeps the promises of `ClockSets` and `DueClocks`."""

    def __init__(self, database: Database, wake_relay: Callable[[], None]) -> None:
        self._database = database
        self._wake_relay = wake_relay

    async def load(self, incidents: Iterable[UUID]) -> dict[UUID, ClockSet]:
        """Return the kept sets of *incidents*; raises Unavailable."""
        rows = await self._database.fetch(
            "select doc from clock_set where incident_id = any($1::uuid[])", list(incidents)
        )
        sets = (decoded(row["doc"]) for row in rows)
        return {kept.incident_id: kept for kept in sets}

    def save(self, work: Work, before: ClockSet | None, after: ClockSet) -> datetime | None:
        """Add the set; return when it wants to be fired first (UTC)."""
        key, kept = after.incident_id, _kept(after)
        if before is None:
            work.put(BEGUN, key, *kept)
        else:
            work.put(MOVED, key, before.version, *kept)
        return kept[1]

    async def due(self, *, skip: bool = False) -> Due:
        """Return what is due by the database's clock; raises Unavailable."""
        rows = await self._database.fetch(due(skip=skip))
        sets, moments = [], {}
        for row in rows:
            if row["doc"] is not None:
                kept = decoded(row["doc"])
                sets.append(kept)
                moments[kept.incident_id] = row["next_at"]
        return Due(now=rows[0]["now"], steps=moments, sets=sets, earliest=rows[0]["earliest"])

    async def store(self, firings: Sequence[Firing], now: datetime) -> frozenset[UUID]:
        """Write *firings* and their events in one statement; raises Unavailable (outcome unknown)."""
        events, sets = Work(), []
        for firing in sorted(firings, key=lambda f: f.before.incident_id):
            after = firing.outcome.clocks
            events.publish(said(firing.outcome, now))
            sets.append((after.incident_id, firing.before.version, *_kept(after)))
        columns = [(*kept, *event) for kept, event in zip(sets, events.rows[OUTBOX], strict=True)]
        rows = await self._database.write(FIRE, *map(list, zip(*columns, strict=True)))
        self._wake_relay()
        return frozenset(row["incident_id"] for row in rows)

    async def coming(self, before: datetime, after: Place, count: int) -> list[Coming]:
        """Return the first *count* open clocks past *after*, due by *before* (UTC), by their next step.

        Sets are read by their first step until no further one can hold an earlier clock.
        """
        found: list[Coming] = []
        place = START
        while True:
            rows = await self._database.fetch(COMING, before, *place, READ_TOGETHER)
            more = (each for row in rows for each in _coming(decoded(row["doc"]), before))
            found = nsmallest(count, (*found, *(each for each in more if each[:2] > after)))
            if len(rows) < READ_TOGETHER:
                return found
            place = rows[-1]["next_at"], rows[-1]["incident_id"]
            if len(found) == count and found[-1].next_at < place[0]:
                return found


def _kept(clocks: ClockSet) -> tuple[int, datetime | None, int, bytes]:
    """Return a set's row but for its key: version, first step, open clocks, document."""
    moments = [step for step, _ in steps(clocks)]
    return clocks.version, min(moments, default=None), len(moments), encoded(clocks)


def _coming(clocks: ClockSet, before: datetime) -> list[Coming]:
    return [
        Coming(step, clock.clock_id, clocks.incident_id, clocks.lane, clock)
        for step, clock in steps(clocks)
        if step <= before and clock.due <= before
    ]
