"""Clocks in a real database for the tests of sla: kept sets, timers, and what was said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec.structs import replace

from services.sla.adapters.clocks import PostgresClocks
from services.sla.adapters.kept import decoded
from services.sla.domain.clock_set import ClockSet
from services.sla.domain.deriving import derive
from services.sla.domain.firing import next_step
from shared.contracts import ids
from shared.contracts.incident import Incident
from shared.contracts.sla import ClockChangeKind, SlaEvent
from shared.runtime.clock import DatabaseClock
from shared.runtime.database import Database
from shared.runtime.store import Store, Work
from tests.engine import rows
from tests.parts import FreshDatabase
from tests.unit.sla.snapshots import RULES, a_duty, an_incident


@asynccontextmanager
async def sla_database(database: FreshDatabase, instance: str = "1") -> AsyncIterator[Database]:
    """Open the pool one instance of sla uses."""
    opened = Database(database.dsn("sla"), schema="sla", instance=f"sla-{instance}")
    try:
        yield opened
    finally:
        await opened.close()


async def platform_now(database: FreshDatabase) -> datetime:
    """Return the platform's time (UTC)."""
    found = await rows(database.admin, "select platform.now() as now")
    return found[0]["now"]  # type: ignore[no-any-return]


def incident_sent(sent: datetime) -> Incident:
    """Return a new incident whose one duty was sent at *sent*."""
    incident_id = uuid4()
    duty = a_duty(sent, assignment_id=ids.assignment_id(incident_id, "xj-rescue", 1))
    return replace(an_incident(duty, received=sent), incident_id=incident_id)


def clocks_of(incident: Incident) -> ClockSet:
    """Return the clocks that a first event of *incident* starts."""
    return derive(None, incident, RULES, incident.received_at).clocks


async def keep(database: Database, *sets: ClockSet) -> None:
    """Store new sets as the consumer would, without saying anything."""
    clocks, work = PostgresClocks(database, lambda: None), Work()
    for each in sets:
        clocks.save(work, None, each)
    await Store(database).commit(work)


def only_ack(incident: Incident) -> ClockSet:
    """Return the incident's set with its ACK clock alone, warned already: one breach is left to say."""
    kept = clocks_of(incident)
    acks = (replace(c, warned=c.warn_at) for c in kept.clocks if c.kind == "ack")
    return replace(kept, clocks=tuple(acks))


def due_in(now: datetime, after: timedelta) -> Incident:
    """Return an incident whose ACK (3 minutes) falls due *after* now."""
    return incident_sent(now + after - timedelta(minutes=3))


async def started_clock(database: Database) -> DatabaseClock:
    """Return the platform's clock, looked at once."""
    clock = DatabaseClock(database)
    await clock.sync()
    return clock


async def in_outbox(database: FreshDatabase) -> list[SlaEvent]:
    """Return what waits to be published, in order."""
    found = await rows(database.admin, "select value from sla.outbox order by lane, seq")
    return [msgspec.json.decode(row["value"], type=SlaEvent) for row in found]


def breaches(events: Sequence[SlaEvent]) -> Counter[UUID]:
    """Count how often each clock was called breached."""
    return Counter(
        change.clock_id
        for event in events
        for change in event.changes
        if change.kind is ClockChangeKind.BREACHED
    )


async def open_clocks(database: FreshDatabase) -> list[dict[str, Any]]:
    """Return the clocks that can fire, soonest first; each set's row must say when and how many."""
    found = await rows(database.admin, "select next_at, open_clocks, doc from sla.clock_set")
    result = []
    for row in found:
        kept = decoded(row["doc"])
        coming = [(step, clock.clock_id) for clock in kept.clocks if (step := next_step(clock))]
        assert (min(coming, default=(None,))[0], len(coming)) == (
            row["next_at"],
            row["open_clocks"],
        )
        result += [{"next_at": step, "clock_id": clock_id} for step, clock_id in coming]
    return sorted(result, key=lambda each: (each["next_at"], each["clock_id"]))
