"""ARCHITECTURE §4 under real faults: processes killed and stopped in mid-work on the real parts."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from deploy.topics import Topic
from shared.contracts.envelope import decode
from shared.contracts.topics import dead_topic
from shared.runtime.bus import Partition, Record
from shared.runtime.consumer import Consumer
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.store import Store
from tests.engine import (
    Tally,
    beat,
    fresh,
    outgoing,
    prepare,
    router_database,
    rows,
    running,
    seeded,
    tallies,
    until,
)
from tests.faults.worker import Task
from tests.parts import FreshDatabase, SessionKafka

pytestmark = [pytest.mark.infrastructure, pytest.mark.faults]
PARTITIONS = 2
NAME = "router.test"
STOPPED_S = 8.0
"""Longer than the group's session (6 s) and the relay's lock (3 s)."""


class Worker:
    """One process of the tests' service."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.words: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.words.append(line.decode().strip())

    async def said(self, words: str, *, times: int = 1, within_s: float = 30) -> None:
        """Wait until the worker has said *words*."""

        async def heard() -> bool:
            assert self.process.returncode is None, f"died early: {self.words[-5:]}"
            return sum(w.startswith(words) for w in self.words) >= times

        await until(heard, within_s=within_s)

    def count(self, words: str) -> int:
        """Return how often it said *words*."""
        return sum(w.startswith(words) for w in self.words)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.process.pid, number)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self._reading.cancel()


@dataclass
class Arena:
    """Topics, a database, and the processes that fight over them."""

    kafka: SessionKafka
    database: FreshDatabase
    source: str
    target: str
    folder: Path
    group: str = field(default_factory=lambda: uuid4().hex)
    workers: list[Worker] = field(default_factory=list)

    async def worker(self, instance: str, *, hold: str = "", poison: UUID | None = None) -> Worker:
        """Start a process."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        task = Task(
            kafka=self.kafka.address, dsn=self.database.dsn(), source=self.source, target=self.target,
            group=self.group, consumer=NAME, instance=instance, hold=hold,
            release=str(self.folder / "release"), poison=str(poison or ""),
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(task))
        process.stdin.close()
        made = Worker(process)
        self.workers.append(made)
        return made

    def release(self) -> None:
        """Let every holding worker go on."""
        (self.folder / "release").touch()

    async def say(self, aggregates: Sequence[UUID], version: int) -> None:
        """Put one version of each aggregate on the source topic."""
        sink = KafkaSink(self.kafka.address, name="arena")
        assert not any(
            await sink.publish([outgoing(beat(a, version, topic=self.source)) for a in aggregates])
        )
        await sink.stop()

    async def settled(self, aggregates: Sequence[UUID], versions: int) -> None:
        """Wait until all is tallied and the outbox is empty."""

        async def done() -> bool:
            found = await tallies(self.database.admin)
            waiting = await rows(self.database.admin, "select 1 from router.outbox limit 1")
            return not waiting and all(found.get(a, [0])[-1] >= versions for a in aggregates)

        await until(done, within_s=40)

    async def heard(self) -> list[tuple[UUID, int, str]]:
        """Return everything on the target topic: aggregate, version, event id."""
        source = KafkaSource(
            self.kafka.address, group=uuid4().hex, topics=[self.target], instance="reader"
        )
        given: asyncio.Queue[frozenset[Partition]] = asyncio.Queue()
        await source.start(given.put)
        partitions = await asyncio.wait_for(given.get(), 20)
        source.seek(dict.fromkeys(partitions, 0))
        bounds = await source.bounds(sorted(partitions))
        total, found = sum(b.end for b in bounds.values()), list[Record]()
        async with asyncio.timeout(20):
            while len(found) < total:
                found += await source.fetch(500, 0.2)
        await source.stop()
        events = [decode(r.headers, r.value) for r in found]
        return [(e.aggregate, e.version, str(e.event_id)) for e in events]

    async def once_downstream(self, aggregates: Sequence[UUID], versions: int) -> None:
        """Assert that a consumer of the target sees each version exactly once and in order."""
        db = router_database(self.database.dsn())
        await rows(self.database.admin, "truncate router.tally")
        await seeded(db, "router.downstream", self.target, PARTITIONS)
        source = KafkaSource(
            self.kafka.address, group=uuid4().hex, topics=[self.target], instance="down"
        )
        async with running(Consumer("router.downstream", source, Store(db), Tally(db))):
            await self.settled(aggregates, versions)
        await db.close()
        assert {a: list(range(1, versions + 1)) for a in aggregates} == await tallies(
            self.database.admin
        )


@pytest.fixture
async def arena(
    kafka: SessionKafka, database: FreshDatabase, tmp_path: Path
) -> AsyncIterator[Arena]:
    """Everything a fault test needs; no process outlives it."""
    await prepare(database.admin)
    source = await kafka.topic("faults.in", partitions=PARTITIONS)
    target = await kafka.topic("faults.out", partitions=PARTITIONS)
    await kafka.topics(Topic(dead_topic(source), 1, {}, dead=False))
    db = router_database(database.dsn())
    await seeded(db, NAME, source, PARTITIONS)
    await db.close()
    made = Arena(kafka, database, source, target, tmp_path)
    yield made
    for worker in made.workers:
        await worker.kill()


async def test_a_consumer_killed_before_its_store_loses_nothing(arena: Arena) -> None:
    """§4.1-2: offset and effects are one statement, so an unstored batch is handled by the next."""
    aggregates = [fresh() for _ in range(30)]
    await arena.say(aggregates, 1)
    first = await arena.worker("w1", hold="store")
    await first.said("holding store")

    await first.kill()
    arena.release()
    await arena.worker("w2")
    await arena.settled(aggregates, 1)

    assert {a: [1] for a in aggregates} == await tallies(arena.database.admin)


async def test_killed_between_commit_and_publish(arena: Arena) -> None:
    """§4.4: what was committed is published by the next process, once, under the same ids."""
    aggregates = [fresh() for _ in range(30)]
    await arena.say(aggregates, 1)
    first = await arena.worker("w1", hold="publish")
    await first.said("holding publish")
    waiting = await rows(arena.database.admin, "select 1 from router.outbox")
    assert waiting, "the fault met no committed, unpublished event"
    assert [] == await arena.heard()

    await first.kill()
    arena.release()
    await arena.worker("w2")
    await arena.settled(aggregates, 1)

    assert sorted((a, 1) for a in aggregates) == sorted((a, v) for a, v, _ in await arena.heard())


async def test_killed_between_publish_and_delete(arena: Arena) -> None:
    """§4.4: published twice under the same id, so that downstream it happens once."""
    aggregates = [fresh() for _ in range(30)]
    await arena.say(aggregates, 1)
    first = await arena.worker("w1", hold="delete")
    await first.said("holding delete")
    published = await arena.heard()
    assert published, "the fault met no published, undeleted event"

    await first.kill()
    arena.release()
    await arena.worker("w2")
    await arena.settled(aggregates, 1)

    heard = await arena.heard()
    assert len(heard) > len(aggregates)
    assert {e for _, _, e in published} <= {e for _, _, e in heard}
    assert len(aggregates) == len({e for _, _, e in heard})
    await arena.once_downstream(aggregates, 1)


async def test_a_consumer_stopped_in_mid_work_wakes_as_a_zombie(arena: Arena) -> None:
    """§4.2: another takes its partitions after 6 s; woken, its store loses and changes nothing."""
    aggregates = [fresh() for _ in range(30)]
    await arena.say(aggregates, 1)
    zombie = await arena.worker("w1", hold="store")
    await zombie.said("holding store")
    zombie.signal(signal.SIGSTOP)
    arena.release()
    await arena.worker("w2")
    await arena.settled(aggregates, 1)
    await arena.say(aggregates, 2)
    await arena.settled(aggregates, 2)

    zombie.signal(signal.SIGCONT)
    await arena.say(aggregates, 3)
    await arena.settled(aggregates, 3)

    assert zombie.process.returncode is None, "the zombie should have lived and lost, not died"
    assert {a: [1, 2, 3] for a in aggregates} == await tallies(arena.database.admin)
    await arena.once_downstream(aggregates, 3)


async def test_a_relay_holder_stopped_while_publishing_wakes_as_a_zombie(arena: Arena) -> None:
    """§4.4-5: the lock goes over after 3 s; what the zombie publishes late changes nothing downstream."""
    aggregates = [fresh() for _ in range(30)]
    zombie = await arena.worker("w1", hold="publish")
    await arena.say(aggregates, 1)
    await zombie.said("holding publish")
    other = await arena.worker("w2")
    zombie.signal(signal.SIGSTOP)
    stopped = asyncio.get_running_loop().time()
    arena.release()
    await arena.say(aggregates, 2)
    await arena.settled(aggregates, 2)
    assert other.count("publishing") >= 1, "nobody took over"

    await asyncio.sleep(max(0.0, STOPPED_S - (asyncio.get_running_loop().time() - stopped)))
    zombie.signal(signal.SIGCONT)
    await arena.say(aggregates, 3)
    await arena.settled(aggregates, 3)
    await until(lambda: _late(arena, aggregates))

    assert {a: [1, 2, 3] for a in aggregates} == await tallies(arena.database.admin)
    await arena.once_downstream(aggregates, 3)


async def _late(arena: Arena, aggregates: Sequence[UUID]) -> bool:
    """Say whether the zombie's own records have come out beside the successor's."""
    return len(await arena.heard()) > 3 * len(aggregates)


async def test_an_event_that_kills_the_process_is_set_aside_and_the_city_goes_on(
    arena: Arena,
) -> None:
    """§4.6: restarted by its supervisor, the consumer finds the one poison among thirty."""
    poison = fresh()
    healthy = [fresh() for _ in range(29)]
    await arena.say([*healthy[:15], poison, *healthy[15:]], 1)
    deaths = 0
    for life in range(12):
        worker = await arena.worker("w1", poison=poison)
        ended = asyncio.create_task(worker.process.wait())
        done = asyncio.create_task(arena.settled(healthy, 1))
        await asyncio.wait([ended, done], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            ended.cancel()
            done.result()
            break
        deaths = life + 1
        assert 9 == ended.result()
        done.cancel()

    assert deaths >= 3, "the poison met no process"
    assert {a: [1] for a in healthy} == await tallies(arena.database.admin)
    (letter,) = await rows(arena.database.admin, "select reason, event_id from router.dead_letter")
    assert "crash" == letter["reason"]
