"""One suite for the bus in memory and on Kafka: what a consumer and a relay may rely on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.runtime.bus import Outgoing, Partition, PermanentRefusal, Record, Sink, Source
from shared.runtime.consumer import Consumer
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.memory import MemoryBroker, MemorySink, MemorySource
from shared.runtime.store import Store
from tests.engine import (
    Tally,
    beat,
    fresh,
    outgoing,
    prepare,
    router_database,
    running,
    seeded,
    tallies,
    until,
)
from tests.parts import FreshDatabase, SessionKafka

PARTITIONS = 4
pytestmark = pytest.mark.infrastructure


@dataclass
class Bus:
    """The bus under test, with one topic nobody else uses."""

    topic: str
    sink: Sink
    kafka: str | None = None
    broker: MemoryBroker | None = None
    members: int = 0
    sources: list[Source] = field(default_factory=list)

    def source(self, group: str) -> Source:
        """Return a new member of *group*."""
        self.members += 1
        if self.broker is not None:
            return MemorySource(self.broker, group=group, topics=[self.topic])
        assert self.kafka is not None
        return KafkaSource(self.kafka, group=group, topics=[self.topic], instance=str(self.members))


@pytest.fixture(params=["memory", "kafka"])
async def bus(request: pytest.FixtureRequest, kafka: SessionKafka) -> AsyncIterator[Bus]:
    """The bus in both kinds."""
    if request.param == "memory":
        broker = MemoryBroker({"test": PARTITIONS})
        made = Bus("test", MemorySink(broker), broker=broker)
    else:
        topic = await kafka.topic(partitions=PARTITIONS)
        made = Bus(topic, KafkaSink(kafka.address, name="test"), kafka=kafka.address)
    await made.sink.start()
    yield made
    await made.sink.stop()


async def joined(source: Source) -> frozenset[Partition]:
    """Start *source* and return what it was given, all sought to the beginning."""
    given: asyncio.Queue[frozenset[Partition]] = asyncio.Queue()
    await source.start(given.put)
    partitions = await asyncio.wait_for(given.get(), 20)
    source.seek(dict.fromkeys(partitions, 0))
    return partitions


async def collect(source: Source, count: int) -> list[Record]:
    """Fetch until *count* records have come."""
    found: list[Record] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += await source.fetch(100, 0.2)
    return found


def records(topic: str, count: int, *, keys: int = 8) -> list[Outgoing]:
    """Return plain records, value = their number."""
    return [
        Outgoing(topic, f"key-{n % keys}".encode(), str(n).encode(), [("h", b"1")])
        for n in range(count)
    ]


async def test_records_of_a_key_come_in_the_order_they_were_published(bus: Bus) -> None:
    """§4.4: order is promised per aggregate, headers and bytes arrive as they were."""
    source = bus.source("order")
    await joined(source)

    assert [None] * 200 == await bus.sink.publish(records(bus.topic, 200))
    found = await collect(source, 200)

    by_key: dict[bytes | None, list[int]] = {}
    for record in found:
        by_key.setdefault(record.key, []).append(int(record.value or b""))
        assert record.headers == (("h", b"1"),)
    assert all(numbers == sorted(numbers) and len(numbers) == 25 for numbers in by_key.values())
    await source.stop()


async def test_records_are_delivered_again_after_a_seek(bus: Bus) -> None:
    """Redelivery: what was not stored is read again, the same bytes at the same offsets."""
    source = bus.source("again")
    partitions = await joined(source)
    await bus.sink.publish(records(bus.topic, 40))
    first = await collect(source, 40)

    source.seek(dict.fromkeys(partitions, 0))
    second = await collect(source, 40)

    assert sorted(first) == sorted(second)
    await source.stop()


async def test_a_second_member_shares_the_partitions_and_gives_them_back(bus: Bus) -> None:
    """Rebalance: every partition has exactly one owner before, during the share, and after."""
    one, two = bus.source("shared"), bus.source("shared")
    everything = await joined(one)

    await joined(two)
    pump = asyncio.create_task(_pump(one))
    await until(lambda: _owned(one, two, everything, both=True))
    await two.stop()
    await until(lambda: _owned(one, one, everything, both=False))

    assert one.owned() == everything
    pump.cancel()
    await one.stop()


async def _pump(source: Source) -> None:
    while True:
        await source.fetch(10, 0.1)


async def _owned(one: Source, two: Source, everything: frozenset[Partition], *, both: bool) -> bool:
    shared = one.owned() | two.owned() == everything
    return shared and (not both or (bool(one.owned()) and not one.owned() & two.owned()))


async def test_bounds_and_single_reads_show_what_the_log_holds(bus: Bus) -> None:
    """§4.2: a stored offset can be compared with the record before it."""
    source = bus.source("bounds")
    partitions = await joined(source)
    await bus.sink.publish(records(bus.topic, 8, keys=1))
    (filled,) = {r.partition for r in await collect(source, 8)}

    bounds = await source.bounds(sorted(partitions))
    read = await source.read({filled: 7})

    assert (0, 8) == bounds[filled]
    assert b"7" == read[filled].value
    await source.stop()


async def test_an_unknown_topic_is_a_permanent_refusal(bus: Bus) -> None:
    """§4.4: a permanent error is told apart, so that only its key is parked."""
    (outcome,) = await bus.sink.publish([Outgoing("nobody.made.this", b"k", b"v", [])])

    assert isinstance(outcome, PermanentRefusal)


async def test_a_stale_owner_changes_nothing(bus: Bus, database: FreshDatabase) -> None:
    """§4.2: two consumers claim one partition; the offset's compare-and-set lets one effect through."""
    await prepare(database.admin)
    db = router_database(database.dsn())
    await seeded(db, "router.test", bus.topic, PARTITIONS)
    aggregates = [fresh() for _ in range(20)]
    held, release = asyncio.Event(), asyncio.Event()
    stale_tally, owner_tally = Tally(db), Tally(db)

    async def hold(_: Any) -> None:
        held.set()
        await release.wait()

    stale_tally.before_store = hold
    # two groups: both believe they own every partition, and both store as `router.test`
    stale = Consumer("router.test", bus.source("a"), Store(db), stale_tally)
    owner = Consumer("router.test", bus.source("b"), Store(db), owner_tally)
    await bus.sink.publish(
        [outgoing(beat(a, v, topic=bus.topic)) for v in (1, 2) for a in aggregates]
    )

    async with running(stale):
        await asyncio.wait_for(held.wait(), 20)
        async with running(owner):
            await until(lambda: _complete(database.admin, aggregates))
        stale_tally.before_store = None
        release.set()
        await bus.sink.publish([outgoing(beat(a, 3, topic=bus.topic)) for a in aggregates])
        await until(lambda: _complete(database.admin, aggregates, versions=3))

    assert {a: [1, 2, 3] for a in aggregates} == await tallies(database.admin)
    await db.close()


async def _complete(admin: str, aggregates: list[Any], versions: int = 2) -> bool:
    found = await tallies(admin)
    return len(found) == len(aggregates) and all(v[-1] == versions for v in found.values())
