"""Timers on a real PostgreSQL: none lost, none twice, none early (ARCHITECTURE §4.12, §4.13)."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from deploy.database import set_clock
from services.sla.adapters.clocks import PostgresClocks
from services.sla.adapters.kept import encoded
from services.sla.adapters.statements import due
from services.sla.adapters.timer import Timer
from services.sla.domain.deriving import derive
from services.sla.domain.firing import fire
from services.sla.domain.messages import said
from services.sla.handlers import fire_due
from services.sla.ports import Firing
from shared.contracts.incident import Incident, StampKind
from shared.runtime.clock import DatabaseClock
from shared.runtime.errors import GuardLost
from shared.runtime.store import Store, Work
from tests.engine import rows, running, until
from tests.integration.sla.clockwork import (
    breaches,
    clocks_of,
    due_in,
    in_outbox,
    incident_sent,
    keep,
    only_ack,
    open_clocks,
    platform_now,
    sla_database,
    started_clock,
)
from tests.parts import FreshDatabase
from tests.unit.sla.snapshots import RULES, a_duty, a_stamp, minutes, stamped

pytestmark = pytest.mark.infrastructure
_SEC = timedelta(seconds=1)


class HourAhead(DatabaseClock):
    """A process whose own clock is wrong."""

    def now(self) -> datetime:
        """Return platform time and an hour."""
        return super().now() + timedelta(hours=1)


async def test_what_is_due_is_fired_in_one_statement_and_leaves_the_timers(
    database: FreshDatabase,
) -> None:
    """§4.12: the set, when it fires next and the event change together."""
    async with sla_database(database) as db:
        kept = only_ack(due_in(await platform_now(database), -_SEC))
        await keep(db, kept)
        fired = await fire_due(PostgresClocks(db, lambda: None), await started_clock(db))

    assert {kept.clocks[0].clock_id: 1} == breaches(await in_outbox(database))
    assert [] == await open_clocks(database)
    assert [2] == [f.outcome.clocks.version for f in fired.written]


async def test_nothing_fires_before_it_is_due(database: FreshDatabase) -> None:
    """§4.12: never early."""
    async with sla_database(database) as db:
        await keep(db, only_ack(due_in(await platform_now(database), minutes(1))))
        fired = await fire_due(PostgresClocks(db, lambda: None), await started_clock(db))

    assert ([], 1) == (await in_outbox(database), len(await open_clocks(database)))
    assert () == fired.written


async def test_firing_asks_the_databases_clock(database: FreshDatabase) -> None:
    """§4.13: neither wall time nor a process whose own clock is an hour ahead fires anything early."""
    set_clock(database.admin, origin=datetime.now(UTC) - timedelta(hours=2))
    async with sla_database(database) as db:
        await keep(db, only_ack(due_in(await platform_now(database), minutes(10))))
        ahead = HourAhead(db)
        await ahead.sync()
        async with running(Timer(PostgresClocks(db, lambda: None), ahead)) as tasks:
            await asyncio.wait(tasks, timeout=0.3)

    assert [] == await in_outbox(database)


async def test_a_warning_moves_the_row_to_its_next_step(database: FreshDatabase) -> None:
    """§4: warned at half, the row waits for four fifths."""
    async with sla_database(database) as db:
        sent = await platform_now(database) - minutes(2)
        kept = clocks_of(incident_sent(sent))
        await keep(db, kept)
        await fire_due(PostgresClocks(db, lambda: None), await started_clock(db))

    assert sent + minutes(2.4) == (await open_clocks(database))[0]["next_at"]
    assert len(kept.clocks) - 2 == len(await open_clocks(database))  # ACCEPT, DISPATCH are met


async def test_a_set_that_moved_on_is_not_fired_over(database: FreshDatabase) -> None:
    """§4.12: guarded by the version; of a batch the others are written all the same."""
    async with sla_database(database) as db:
        now = await platform_now(database)
        stale, fresh = (only_ack(due_in(now, -_SEC)) for _ in range(2))
        await keep(db, replace(stale, version=2), fresh)
        firings = [Firing(each, fire(each, now)) for each in (stale, fresh)]
        won = await PostgresClocks(db, lambda: None).store(firings, now)

    assert {fresh.incident_id} == won
    assert {fresh.clocks[0].clock_id: 1} == breaches(await in_outbox(database))
    assert [stale.clocks[0].clock_id] == [r["clock_id"] for r in await open_clocks(database)]


async def test_a_set_somebody_is_changing_is_left_to_them(database: FreshDatabase) -> None:
    """§4.12: skip locked; the firing does not wait for another's commit."""
    async with sla_database(database) as db:
        now = await platform_now(database)
        busy, free = (only_ack(due_in(now, -_SEC)) for _ in range(2))
        await keep(db, busy, free)
        other = await asyncpg.connect(database.admin)
        transaction = other.transaction()
        await transaction.start()
        await other.execute(
            "select 1 from sla.clock_set where incident_id = $1 for update", busy.incident_id
        )
        firings = [Firing(each, fire(each, now)) for each in (busy, free)]
        won = await asyncio.wait_for(PostgresClocks(db, lambda: None).store(firings, now), 2)
        await transaction.rollback()
        await other.close()

    assert {free.incident_id} == won


async def test_two_instances_fire_each_clock_once(database: FreshDatabase) -> None:
    """§4.12: two firing loops share what is due by skip locked; none lost, none twice."""
    async with sla_database(database, "1") as one, sla_database(database, "2") as two:
        now = await platform_now(database)
        sets = [only_ack(due_in(now, n * _SEC / 1500)) for n in range(-600, 1200)]
        await keep(one, *sets)
        timers = [
            Timer(PostgresClocks(db, lambda: None), await started_clock(db)) for db in (one, two)
        ]
        async with running(*timers):
            await until(lambda: _all_fired(database))

    assert {each.clocks[0].clock_id: 1 for each in sets} == breaches(await in_outbox(database))


async def test_a_firing_and_an_incident_event_that_meet_do_not_block_each_other(
    database: FreshDatabase,
) -> None:
    """§4.3, ENGINE: both lock sets in key order; versions stay without a gap."""
    async with sla_database(database, "1") as one, sla_database(database, "2") as two:
        now = await platform_now(database)
        incidents = [due_in(now, n * _SEC / 400) for n in range(400)]
        await keep(one, *(clocks_of(each) for each in incidents))
        clocks = PostgresClocks(two, lambda: None)
        timer = Timer(PostgresClocks(one, lambda: None), await started_clock(one))
        async with running(timer):
            for version in (2, 3):
                for start in range(0, 400, 20):
                    await _moved_on(clocks, Store(two), incidents[start : start + 20], version)
    found = await rows(
        database.admin, "select deadlocks from pg_stat_database where datname = $1", database.name
    )
    versions: dict[UUID, list[int]] = {}
    for event in await in_outbox(database):
        versions.setdefault(event.incident_id, []).append(event.version)

    assert 0 == found[0]["deadlocks"]
    assert all(list(range(2, 2 + len(v))) == v for v in versions.values())
    assert {each.incident_id for each in incidents} == versions.keys()


async def _moved_on(
    clocks: PostgresClocks, store: Store, incidents: list[Incident], version: int
) -> None:
    """Write what a further event of *incidents* does to their clocks, again when a firing came between."""
    kind = StampKind.ACKED if version == 2 else StampKind.ARRIVED
    for _ in range(50):
        kept, work = await clocks.load(each.incident_id for each in incidents), Work()
        for each in incidents:
            stamps = [a_stamp(k, each.received_at + minutes(4)) for k in (StampKind.ACKED, kind)]
            duty = stamped(each.assignments[0], *stamps)
            moved = replace(each, version=version, assignments=(duty,))
            before = kept[each.incident_id]
            outcome = derive(before, moved, RULES, each.received_at)
            work.publish(said(outcome, each.received_at))
            clocks.save(work, before, outcome.clocks)
        try:
            return await store.commit(work)
        except GuardLost:
            continue
    raise AssertionError("a firing came between each time")


async def _all_fired(database: FreshDatabase) -> bool:
    return not await open_clocks(database)


async def test_the_timers_wake_for_a_clock_that_was_started_meanwhile(
    database: FreshDatabase,
) -> None:
    """§4.12: another instance's clock is seen within 100 ms, our own at once."""
    async with (
        sla_database(database) as db,
        running(Timer(PostgresClocks(db, lambda: None), await started_clock(db))),
    ):
        await keep(db, only_ack(due_in(await platform_now(database), _SEC / 10)))
        await until(lambda: _all_fired(database), within_s=2)

    events = await in_outbox(database)
    breached_at = events[0].clocks[0].breached_at
    assert breached_at is not None
    assert breached_at - events[0].clocks[0].due < _SEC / 4


async def test_looking_for_what_is_due_reads_the_index_only(database: FreshDatabase) -> None:
    """§4.13: the platform's time is asked once, so that the plan never scans all open clocks."""
    async with sla_database(database) as db:
        now = await platform_now(database)
        await keep(db, *(only_ack(due_in(now, minutes(n))) for n in range(1, 2001)))
        await rows(database.admin, "analyze sla.clock_set")
        for skip in (False, True):
            plan = json.loads((await db.fetch(f"explain (format json) {due(skip=skip)}"))[0][0])
            nodes = list(_nodes(plan[0]["Plan"]))

            scans = [n for n in nodes if n.get("Relation Name") == "clock_set"]
            assert scans
            assert {"clock_set_next"} == {n.get("Index Name") for n in scans}
            assert any("next_at <=" in n.get("Index Cond", "") for n in scans)


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]


async def test_a_set_of_a_usual_incident_stays_in_its_row(database: FreshDatabase) -> None:
    """ENGINE: no out-of-line storage for the row that every firing rewrites, four units sent."""
    async with sla_database(database) as db:
        sent = await platform_now(database)
        duties = (a_duty(sent, assignment_id=uuid4()) for _ in range(4))
        kept = clocks_of(replace(incident_sent(sent), assignments=tuple(duties)))
        await keep(db, kept)
    toast = await rows(
        database.admin,
        "select pg_relation_size(reltoastrelid) as bytes from pg_class"
        " where oid = 'sla.clock_set'::regclass",
    )

    assert len(encoded(kept)) > 2000
    assert 0 == toast[0]["bytes"]
