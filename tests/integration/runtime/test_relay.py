"""The relay's promises on a real PostgreSQL: in order, deleted only when acknowledged, one holder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec
import pytest

from shared.contracts.envelope import decode
from shared.contracts.values import Lane
from shared.runtime import operations
from shared.runtime.bus import Outgoing, Partition, PermanentRefusal
from shared.runtime.database import Database
from shared.runtime.errors import TooLarge
from shared.runtime.memory import MemoryBroker, MemorySink
from shared.runtime.relay import Relay
from shared.runtime.store import MAX_EVENT_BYTES, Store, Work
from tests.engine import beat, fresh, router_database, rows, running, until
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure
OUT = "out"


@pytest.fixture
async def db(database: FreshDatabase) -> AsyncIterator[Database]:
    """A schema with an empty outbox."""
    opened = router_database(database.dsn())
    yield opened
    await opened.close()


async def commit(db: Database, *events: tuple[UUID, int]) -> None:
    """Put events into the outbox in one statement."""
    work = Work()
    for aggregate, version in events:
        work.publish(beat(aggregate, version, topic=OUT, producer="router"))
    await Store(db).commit(work)


async def left(database: FreshDatabase) -> int:
    """Return how many rows wait."""
    return len(await rows(database.admin, "select 1 from router.outbox"))


def versions(broker: MemoryBroker) -> list[tuple[UUID, int]]:
    """Return what stands on the topic."""
    found = [decode(r.headers, r.value) for log in broker.logs.values() for r in log]
    return [(e.aggregate, e.version) for e in found]


async def test_events_are_published_in_order_and_deleted(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: by sequence, then deleted."""
    broker, one = MemoryBroker({OUT: 1}), fresh()
    for version in range(1, 6):
        await commit(db, (one, version))

    async with running(Relay(db, MemorySink(broker))):
        await until(lambda: _empty(database))

    assert [(one, v) for v in range(1, 6)] == versions(broker)


async def _empty(database: FreshDatabase) -> bool:
    return await left(database) == 0


async def test_nothing_is_deleted_before_the_broker_acknowledged_it(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: awaits every delivery, then deletes; the other lane's row shows that it deletes meanwhile."""
    broker, urgent, ordinary = MemoryBroker({OUT: 1}), fresh(), fresh()
    asked, release = asyncio.Event(), asyncio.Event()

    class UrgentUnanswered(MemorySink):
        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            if records[0].key == str(urgent).encode():
                asked.set()
                await release.wait()
            return await super().publish(records)

    await commit(db, (urgent, 1), (urgent, 2))
    async with running(Relay(db, UrgentUnanswered(broker))):
        await asyncio.wait_for(asked.wait(), 10)
        await commit_ordinary(db, ordinary)
        await until(lambda: _gone(database, ordinary))
        assert 2 == await left(database)
        release.set()
        await until(lambda: _empty(database))

    assert [(ordinary, 1), (urgent, 1), (urgent, 2)] == versions(broker)


async def commit_ordinary(db: Database, aggregate: UUID) -> None:
    """Put one event of the ordinary lane into the outbox."""
    said = beat(aggregate, 1, topic=OUT, producer="router")
    work = Work()
    work.publish(msgspec.structs.replace(said, lane=Lane.ORDINARY))
    await Store(db).commit(work)


async def _gone(database: FreshDatabase, aggregate: UUID) -> bool:
    key = str(aggregate).encode()
    return not await rows(database.admin, "select 1 from router.outbox where key = $1", key)


async def test_a_failed_delivery_stays_and_is_published_again(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: an error of the moment costs nothing but time."""
    broker, one = MemoryBroker({OUT: 1}), fresh()
    failures = 2

    class Failing(MemorySink):
        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            nonlocal failures
            if failures:
                failures -= 1
                return [ConnectionError("gone")] * len(records)
            return await super().publish(records)

    await commit(db, (one, 1), (one, 2))
    async with running(Relay(db, Failing(broker))):
        await until(lambda: _empty(database))

    assert [(one, 1), (one, 2)] == versions(broker)


async def test_a_key_the_broker_refuses_is_parked_and_the_lane_goes_on(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: a permanent error parks that key, its later events wait behind it, others pass."""
    broker, refused, other = MemoryBroker({OUT: 1}), fresh(), fresh()

    class Choosy(MemorySink):
        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            outcomes: list[Exception | None] = []
            for record in records:
                if record.key == str(refused).encode():
                    outcomes.append(PermanentRefusal("too large"))
                else:
                    outcomes += await super().publish([record])
            return outcomes

    await commit(db, (refused, 1), (other, 1), (refused, 2), (other, 2))
    async with running(Relay(db, Choosy(broker))):
        await until(lambda: _left_is(database, 2))
        await commit(db, (refused, 3), (other, 3))
        await until(lambda: _left_is(database, 3))

    assert [(other, 1), (other, 2), (other, 3)] == versions(broker)
    assert [("too large",)] == [
        tuple(r) for r in await rows(database.admin, "select reason from router.outbox_parked")
    ]


async def test_a_parked_key_is_no_backlog_and_goes_out_when_released(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: the lane goes on, so the outbox's ceiling must not count what waits for a person."""
    broker, refused = MemoryBroker({}), fresh()
    await commit(db, (refused, 1))
    relay = Relay(db, MemorySink(broker))
    async with running(relay):
        await until(lambda: _parked(database, 1))
        await until(lambda: _measured(relay, 0))
        broker.counts[OUT] = 1
        broker.logs[Partition(OUT, 0)] = []
        assert 1 == await operations.release_parked(db)
        await until(lambda: _empty(database))

    assert [(refused, 1)] == versions(broker)


async def _parked(database: FreshDatabase, count: int) -> bool:
    return count == len(await rows(database.admin, "select 1 from router.outbox_parked"))


async def _measured(relay: Relay, count: int) -> bool:
    return count == relay.backlog.rows[Lane.URGENT]


async def _left_is(database: FreshDatabase, count: int) -> bool:
    return await left(database) == count


async def test_only_one_of_two_relays_publishes_and_the_other_takes_over(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: one relay per schema holds the lock; when it goes, the next one holds it."""
    broker = MemoryBroker({OUT: 1})
    publishers: list[str] = []

    class Named(MemorySink):
        def __init__(self, name: str) -> None:
            super().__init__(broker)
            self._name = name

        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            publishers.extend([self._name] * len(records))
            return await super().publish(records)

    async with running(Relay(db, Named("second"))) as seconds:
        await commit(db, (fresh(), 1))
        await until(lambda: _empty(database))
        async with running(Relay(db, Named("third"))):
            await commit(db, (fresh(), 1))
            await until(lambda: _empty(database))
            seconds[0].cancel()
            await commit(db, (fresh(), 1))
            await until(lambda: _empty(database))

    assert ["second", "second", "third"] == publishers


async def test_what_was_committed_here_is_published_unread(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: woken in-process by the committer; another instance's row waits for the next look."""
    broker, first, own, foreign = MemoryBroker({OUT: 1}), fresh(), fresh(), fresh()
    await commit(db, (first, 1))
    relay = Relay(db, MemorySink(broker), alone_poll_s=600)
    async with running(relay):
        await until(lambda: _empty(database))
        await commit(db, (foreign, 1))
        await hand(db, relay, (own, 1), (own, 2))
        await until(lambda: _left_is(database, 1))

        assert [(first, 1), (own, 1), (own, 2)] == versions(broker)
        relay.wake()
        await until(lambda: _empty(database))

    assert [(first, 1), (own, 1), (own, 2), (foreign, 1)] == versions(broker)


async def hand(db: Database, relay: Relay, *events: tuple[UUID, int]) -> None:
    """Commit events as a service does: the relay is handed what was written."""
    work = Work()
    for aggregate, version in events:
        work.publish(beat(aggregate, version, topic=OUT, producer="router"))
    await Store(db, relay.written).commit(work)


async def test_an_aggregate_s_order_holds_over_instances(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: what another instance wrote before is read and published first."""
    broker, first, one = MemoryBroker({OUT: 1}), fresh(), fresh()
    await commit(db, (first, 1))
    relay = Relay(db, MemorySink(broker), alone_poll_s=600)
    async with running(relay):
        await until(lambda: _empty(database))
        await hand(db, relay, (one, 1))
        await commit(db, (one, 2))
        await hand(db, relay, (one, 3), (one, 4))
        await commit(db, (one, 5))
        await hand(db, relay, (one, 6))
        await until(lambda: _empty(database))

    assert [(first, 1), *((one, v) for v in range(1, 7))] == versions(broker)


async def test_nothing_overtakes_a_parked_event_by_being_handed_over(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: a parked key's later events wait behind it, those committed in this process too."""
    broker, first, refused, other = MemoryBroker({OUT: 1}), fresh(), fresh(), fresh()

    class Choosy(MemorySink):
        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            if records[0].key == str(refused).encode():
                return [PermanentRefusal("too large"), *await super().publish(records[1:])]
            return await super().publish(records)

    await commit(db, (first, 1))
    relay = Relay(db, Choosy(broker))
    async with running(relay):
        await until(lambda: _empty(database))
        await hand(db, relay, (refused, 1))
        await until(lambda: _parked(database, 1))
        await hand(db, relay, (refused, 2), (other, 1))
        await hand(db, relay, (other, 2))
        await until(lambda: _left_is(database, 2))

    assert [(first, 1), (other, 1), (other, 2)] == versions(broker)


async def test_what_the_broker_did_not_take_is_read_and_sent_again_in_order(
    db: Database, database: FreshDatabase
) -> None:
    """§4.4: after a failure nothing handed over meanwhile goes ahead of what failed."""
    broker, first, one = MemoryBroker({OUT: 1}), fresh(), fresh()
    asked, release = asyncio.Event(), asyncio.Event()

    class FailsOnce(MemorySink):
        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            if records[0].key == str(one).encode() and not asked.is_set():
                asked.set()
                await release.wait()
                return [ConnectionError("gone")] * len(records)
            return await super().publish(records)

    await commit(db, (first, 1))
    relay = Relay(db, FailsOnce(broker), alone_poll_s=600)
    async with running(relay):
        await until(lambda: _empty(database))
        await hand(db, relay, (one, 1))
        await asked.wait()
        await hand(db, relay, (one, 2))
        release.set()
        await until(lambda: _empty(database))

    assert [(first, 1), (one, 1), (one, 2)] == versions(broker)


async def test_urgent_events_do_not_wait_for_a_stuck_ordinary_batch(
    db: Database, database: FreshDatabase
) -> None:
    """§3 lanes: a flood of 12345 orders cannot stand in front of a fire."""
    broker, urgent, ordinary = MemoryBroker({OUT: 1}), fresh(), fresh()
    release = asyncio.Event()

    class Slow(MemorySink):
        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            if records[0].key == str(ordinary).encode():
                await release.wait()
            return await super().publish(records)

    await commit_ordinary(db, ordinary)
    async with running(Relay(db, Slow(broker))):
        await commit(db, (urgent, 1))
        await until(lambda: _left_is(database, 1))
        assert [(urgent, 1)] == versions(broker)
        release.set()
        await until(lambda: _empty(database))


def test_an_event_too_large_is_refused_when_written() -> None:
    """§4.4: refused at the decision, with sizes, not found out by the relay."""
    large = beat(fresh(), 1, topic=OUT)
    data = msgspec.structs.replace(large.data, instance="x" * MAX_EVENT_BYTES)  # type: ignore[type-var]

    with pytest.raises(TooLarge, match="at most"):
        Work().publish(msgspec.structs.replace(large, data=data))
