"""A consumer that waits for a person, or for a broker, goes on with what it is given meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from aiokafka import TopicPartition

from shared.runtime import consumer as consuming
from shared.runtime import kafka
from shared.runtime.ahead import Ahead
from shared.runtime.bus import Bounds, Partition, Record, Unreadable
from shared.runtime.consumer import Consumer, DeadLetterLimit, Verdict
from shared.runtime.database import Database
from shared.runtime.distress import Distress
from shared.runtime.errors import Halt, Unavailable
from shared.runtime.events import Event, ids_of
from shared.runtime.kafka import REFUSALS, KafkaSource
from shared.runtime.memory import MemoryBroker, MemorySource
from shared.runtime.offsets import Offsets, Position
from shared.runtime.store import DEAD_LETTER, OFFSET, OUTBOX, Store, Work
from shared.runtime.tracing import about
from tests.engine import beat, fresh, outgoing, running, until
from tests.parts import Lines

NAME, TOPIC = "router.test", "in"
BROKEN, SOUND = Partition(TOPIC, 0), Partition(TOPIC, 1)


class Rows(Database):
    """The rows of one consumer, in memory."""

    def __init__(self) -> None:
        self.next = dict.fromkeys((BROKEN, SOUND), 0)

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        if "consumer_offset" not in sql:
            return []
        return [(*partition, at, None, None, 0, 0, 0) for partition, at in self.next.items()]

    async def write(self, sql: str, *args: Any) -> list[Any]:
        return [{"attempts": 1, "singly": False}]


class Memory(Store):
    """A store in memory; `on_distress` is awaited while a halted consumer calls."""

    def __init__(self) -> None:
        self.rows = Rows()
        super().__init__(self.rows)
        self.letters: list[tuple[Any, ...]] = []
        self.called = 0
        self.on_distress: Callable[[], Awaitable[None]] | None = None

    async def commit(self, work: Work) -> None:
        self.letters += work.rows.get(DEAD_LETTER, [])
        for row in work.rows.get(OFFSET, []):
            self.rows.next[Partition(row[1], row[2])] = row[4]
        if OUTBOX in work.rows and OFFSET not in work.rows:
            self.called += 1
            if self.on_distress is not None:
                await self.on_distress()


class Damaged(MemorySource):
    """A member whose log is damaged at the beginning of BROKEN; a broker may refuse to read."""

    damaged = False
    in_fetch: Callable[[], Awaitable[None]] | None = None
    refusal: str | None = None

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        if self.damaged and BROKEN in self.owned():
            if self.in_fetch is not None:
                await self.in_fetch()
            raise Unreadable(BROKEN, 0, 1, "its checksum (CRC) does not match")
        return await super().fetch(limit, min(wait_s, 0.02))

    def refused(self) -> str | None:
        return self.refusal


class Bench:
    """A consumer on the bus in memory, reading *ahead* or not; `heard` is what its handler was given."""

    def __init__(self, *, ahead: bool) -> None:
        self.broker = MemoryBroker({TOPIC: 2})
        self.source = Damaged(self.broker, group="g", topics=[TOPIC])
        self.store = Memory()
        self.heard: list[Event] = []
        source = Ahead(self.source) if ahead else self.source
        self.consumer = Consumer(NAME, source, self.store, self._handle)

    async def _handle(self, events: Sequence[Event], _: Work) -> None:
        self.heard += events

    def put(self, partition: Partition, offset: int, **other: Any) -> None:
        """Let a record stand at this offset."""
        out = outgoing(beat(fresh(), 1, topic=TOPIC))
        record = Record(partition, offset, out.key, out.value, tuple(out.headers))
        self.broker.logs[partition].append(record._replace(**other))

    async def given_away(self) -> None:
        """Rebalance: the other partition is all that is ours."""
        await self.source.give(frozenset({SOUND}))

    async def hears(self, count: int) -> bool:
        """Say whether the handler was given so many."""
        return len(self.heard) == count


@pytest.fixture(params=[False, True], ids=["plain", "ahead"])
def bench(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Bench:
    """A consumer that looks again soon."""
    monkeypatch.setattr(consuming, "HALT_RECHECK_S", 0.01)
    return Bench(ahead=request.param)


async def test_a_rebalance_while_a_damaged_batch_halts_is_taken(bench: Bench) -> None:
    """§4.2: the new partitions are checked and read; a deaf consumer would say that it is ready."""
    bench.source.damaged = True
    bench.store.on_distress = bench.given_away
    bench.put(SOUND, 0)

    async with running(bench.consumer):
        await until(lambda: bench.hears(1), within_s=3)

    assert bench.consumer.waiting is None


async def test_a_rebalance_while_a_gap_halts_is_taken(bench: Bench) -> None:
    """§4.2: the same where the broker gives only what comes later."""
    bench.store.on_distress = bench.given_away
    bench.put(BROKEN, 3)

    async with running(bench.consumer):
        await until(lambda: _called(bench))
        bench.put(SOUND, 0)
        await until(lambda: bench.hears(1), within_s=3)

    assert bench.consumer.waiting is None


async def _called(bench: Bench) -> bool:
    return bench.store.called == 1


async def test_a_rebalance_within_the_fetch_that_meets_the_damage_is_taken(bench: Bench) -> None:
    """§4.2: the damage is another member's by then."""
    bench.source.damaged = True
    bench.source.in_fetch = bench.given_away
    bench.put(SOUND, 0)

    async with running(bench.consumer):
        await until(lambda: bench.hears(1), within_s=3)

    assert 0 == bench.store.called


async def test_a_record_nested_beyond_measure_is_one_dead_letter(bench: Bench) -> None:
    """§4.6: a depth that no parser takes is named; what stands behind it is handled."""
    bench.put(SOUND, 0, value=b'{"zz":' + b"[" * 5000 + b"]" * 5000 + b"}")
    bench.put(SOUND, 1)

    async with running(bench.consumer):
        await until(lambda: bench.hears(1), within_s=3)

    assert ["malformed_data"] == [
        reason for letter in bench.store.letters for reason in letter if reason == "malformed_data"
    ]


def test_a_log_line_never_fails_over_what_it_is_about(lines: Lines) -> None:
    """The line tells less, the work goes on."""
    strange = Record(SOUND, 0, b"k", b"{}", (("ce_type",),))  # type: ignore[arg-type]

    def unanswerable() -> list[dict[str, str]]:
        raise RecursionError

    with about(lambda: (ids_of(strange),)):
        structlog.get_logger().error("record diverted")
    with about(unanswerable):
        structlog.get_logger().error("handler crashed")

    assert ["record diverted", "handler crashed"] == [line["event"] for line in lines()]


class Moving(MemorySource):
    """A log that goes on while the stored offset is outside it."""

    end = 10

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, Bounds]:
        self.end += 1
        return dict.fromkeys(partitions, Bounds(5, self.end))


async def test_a_halt_is_the_same_while_the_log_goes_on() -> None:
    """The end of the log moves with each look; people are called once, not each time."""
    store = Memory()
    distress = Distress(NAME, store, beat(fresh(), 1, topic=TOPIC).lane, monotonic=lambda: 0.0)
    source, offsets = Moving(MemoryBroker({TOPIC: 2}), group="g", topics=[TOPIC]), Offsets(store.rows, NAME)  # fmt: skip
    texts = set()
    for _ in range(3):
        with pytest.raises(Halt) as halted:
            await offsets.check({SOUND: Position(2)}, source, "memory")
        texts.add(str(halted.value))
        await distress.call([SOUND], halted.value.standing)

    assert (3, 1) == (len(texts), store.called)


def test_too_many_letters_are_another_halt_at_another_place(bench: Bench) -> None:
    """Allowed to go on, it stops at the next hundred: whoever allowed it hears of that too."""
    limit, halts = DeadLetterLimit().run, set()
    for first in (0, 5000):
        bench.consumer._position = {SOUND: Position(first)}  # noqa: SLF001 - as read from its row
        records = [Record(SOUND, first + n, b"k", b"{}", ()) for n in range(limit + 1)]
        verdicts = {record.place: Verdict("malformed_data", "decode", "") for record in records}
        with pytest.raises(Halt) as halted:
            bench.consumer._advance(Work(), SOUND, records, verdicts)  # noqa: SLF001
        halts.add(halted.value.standing)

    assert 2 == len(halts)


async def test_two_halts_in_turn_are_said_once_each() -> None:
    """Two partitions stand still: looking at one and the other says nothing new."""
    store = Memory()
    distress = Distress(NAME, store, beat(fresh(), 1, topic=TOPIC).lane, monotonic=lambda: 0.0)
    for why in ("gap", "damage", "gap", "damage"):
        await distress.call([SOUND], why)

    assert 2 == store.called


async def test_what_the_broker_refuses_is_said_by_ready_until_it_no_longer_does(
    bench: Bench,
) -> None:
    """§4.2: not ready without an error of ours; the other partitions are handled all the same."""
    bench.source.refusal = "in/0: KafkaStorageError"
    async with running(bench.consumer):
        bench.put(SOUND, 0)
        await until(lambda: bench.hears(1), within_s=3)
        await until(lambda: _waits(bench, "in/0: KafkaStorageError"), within_s=3)
        bench.source.refusal = None
        await until(lambda: _waits(bench, None), within_s=3)


async def _waits(bench: Bench, what: str | None) -> bool:
    return bench.consumer.waiting == what


class Library:
    """The client library's consumer: SOUND gives a record at each call, BROKEN never one."""

    _client = None

    def __init__(self) -> None:
        self.given = 0
        self._fetcher = SimpleNamespace(_records={})

    def assignment(self) -> set[Any]:
        return {TopicPartition(*p) for p in (BROKEN, SOUND)}

    def highwater(self, _: Any) -> int:
        return 1000

    def seek(self, tp: Any, offset: int) -> None: ...

    async def getmany(self, **_: Any) -> dict[Any, list[Any]]:
        self.given += 1
        message = SimpleNamespace(offset=self.given, key=b"k", value=b"{}", headers=())
        return {TopicPartition(*SOUND): [message]}


async def test_a_partition_the_broker_refuses_is_named_although_another_has_traffic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any error of one partition, some stalls in a row; none when the broker reads it again.

    A partition whose records lie ready only waits for its turn: reading it anew would throw them away.
    """
    asked: list[set[Partition]] = []

    async def refuse(_: Any, positions: dict[Partition, int]) -> dict[Partition, Any]:
        asked.append(set(positions))
        raise Unavailable("in/0: KafkaStorageError")

    async def read(*_: Any) -> dict[Partition, Any]:
        return {}

    monkeypatch.setattr(kafka, "STALLED_S", 0.0)
    monkeypatch.setattr(kafka, "CONNECT_RETRY_S", 0.0)
    monkeypatch.setattr(kafka, "fetch_batches", refuse)
    source = KafkaSource("nowhere", group="g", topics=[TOPIC], instance="1")
    library = source._consumer = Library()  # noqa: SLF001 - in place of a connection
    source.seek({BROKEN: 0, SOUND: 0})
    library._fetcher._records[TopicPartition(*BROKEN)] = "fetched, its turn has not come"  # noqa: SLF001
    assert await source.fetch(10, 0.0)
    assert await source.fetch(10, 0.0)
    assert not asked
    library._fetcher._records.clear()  # noqa: SLF001
    said = []
    for _ in range(REFUSALS):
        assert await source.fetch(10, 0.0)
        said.append(source.refused())
    monkeypatch.setattr(kafka, "fetch_batches", read)
    await source.fetch(10, 0.0)

    assert [None] * (REFUSALS - 1) + ["in/0: KafkaStorageError"] == said
    assert [{BROKEN}] * REFUSALS == asked
    assert source.refused() is None
