"""Clock sets and timer rows in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.sla.adapters.statements import FIRE, due
from services.sla.domain.clock_set import ClockSet
from services.sla.domain.firing import next_step
from services.sla.domain.messages import said
from services.sla.ports import Due, Firing
from shared.contracts.sla import Clock
from shared.runtime.database import Database
from shared.runtime.store import OUTBOX, Work, Write, guarded

CLOCK_SET = guarded(
    "clock_set",
    "incident_id",
    {"incident_version": "bigint", "lane": "smallint", "doc": "bytea"},
)

# the set's row is locked first (`clock_set` is an earlier part of the same statement): a firing
# and an incident event that meet on one incident would otherwise deadlock on its timer rows
_AFTER_SET = "(select count(*) from clock_set) >= 0"

OPEN_CLOCK = Write(
    "open_clock_put",
    (
        ("clock_id", "uuid"),
        ("incident_id", "uuid"),
        ("lane", "smallint"),
        ("kind", "text"),
        ("next_at", "timestamptz"),
        ("due", "timestamptz"),
    ),
    f"""
open_clock_new as (
  insert into open_clock as o (clock_id, incident_id, lane, kind, next_at, due)
  select i.clock_id, i.incident_id, i.lane, i.kind, i.next_at, i.due from open_clock_put_in i
  where {_AFTER_SET} order by i.clock_id
  on conflict (clock_id) do update set next_at = excluded.next_at, due = excluded.due returning 1),
open_clock_put as (select 1 from open_clock_new)""",
    guard=False,
)

OPEN_CLOCK_GONE = Write(
    "open_clock_gone",
    (("clock_id", "uuid"),),
    f"""
open_clock_done as (
  delete from open_clock o using open_clock_gone_in i
  where o.clock_id = i.clock_id and {_AFTER_SET} returning 1),
open_clock_gone as (select 1 from open_clock_done)""",
    guard=False,
)

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ClockSet)


def encoded(clocks: ClockSet) -> bytes:
    """Return the document kept of *clocks*."""
    return _ENCODER.encode(clocks)


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
        sets = (_DECODER.decode(row["doc"]) for row in rows)
        return {kept.incident_id: kept for kept in sets}

    def save(self, work: Work, before: ClockSet | None, after: ClockSet) -> None:
        """Add the set and those of its timer rows that change."""
        base = before.version if before else 0
        lane = after.lane.number
        work.put(
            CLOCK_SET,
            after.incident_id,
            base,
            after.version,
            after.incident_version,
            lane,
            encoded(after),
        )
        had, has = _steps(before), _steps(after)
        for clock_id, (clock, step) in has.items():
            if clock_id not in had or had[clock_id][1] != step or had[clock_id][0].due != clock.due:
                row = (clock_id, after.incident_id, lane, clock.kind.value, step, clock.due)
                work.put(OPEN_CLOCK, *row)
        for clock_id in had.keys() - has.keys():
            work.put(OPEN_CLOCK_GONE, clock_id)

    async def due(self, *, skip: bool = False) -> Due:
        """Return what is due by the database's clock; raises Unavailable."""
        rows = await self._database.fetch(due(skip=skip))
        sets, steps = [], {}
        for row in rows:
            if row["doc"] is not None:
                kept = _DECODER.decode(row["doc"])
                sets.append(kept)
                steps[kept.incident_id] = row["next_at"]
        return Due(now=rows[0]["now"], steps=steps, sets=sets, earliest=rows[0]["earliest"])

    async def store(self, firings: Sequence[Firing], now: datetime) -> frozenset[UUID]:
        """Write *firings* and their events in one statement; raises Unavailable (outcome unknown)."""
        events = Work()
        sets, steps = [], []
        for firing in sorted(firings, key=lambda f: f.before.incident_id):
            after = firing.outcome.clocks
            events.publish(said(firing.outcome, now))
            sets.append((after.incident_id, firing.before.version, after.version, encoded(after)))
            steps += _changed_steps(firing)
        columns = [[*pair[0], *pair[1]] for pair in zip(sets, events.rows[OUTBOX], strict=True)]
        rows = await self._database.write(
            FIRE, *map(list, zip(*columns, strict=True)), *map(list, zip(*steps, strict=True))
        )
        self._wake_relay()
        return frozenset(row["incident_id"] for row in rows)


def _steps(clocks: ClockSet | None) -> Mapping[UUID, tuple[Clock, datetime]]:
    if clocks is None:
        return {}
    steps = ((clock, next_step(clock)) for clock in clocks.clocks)
    return {clock.clock_id: (clock, step) for clock, step in steps if step is not None}


def _changed_steps(firing: Firing) -> list[tuple[UUID, UUID, datetime | None]]:
    """Return clock, incident and next step (None: no more) of each clock that was fired."""
    fired = {change.clock_id for change in firing.outcome.changes}
    incident = firing.before.incident_id
    after = firing.outcome.clocks.clocks
    return [(c.clock_id, incident, next_step(c)) for c in after if c.clock_id in fired]
