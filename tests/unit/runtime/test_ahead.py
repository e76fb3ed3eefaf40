"""Reading ahead gives what a plain source gives, whatever is sought meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime import ahead as reading
from shared.runtime.ahead import Ahead
from shared.runtime.bus import Outgoing, Partition, Record, Unreadable
from shared.runtime.events import InvalidEnvelope, decode
from shared.runtime.memory import MemoryBroker, MemorySource
from shared.runtime.offsets import Position
from tests.engine import beat, fresh, outgoing

TOPIC = "in"
PARTITIONS = [Partition(TOPIC, n) for n in range(3)]
ANY = st.sets(st.sampled_from(PARTITIONS))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.lists(st.sampled_from(PARTITIONS), max_size=9)),
        st.tuples(st.just("handle"), st.integers(1, 6)),
        st.tuples(st.just("fail"), ANY),
        st.tuples(st.just("skip"), ANY),
        st.tuples(st.just("rebalance"), ANY),
        st.tuples(st.just("wait"), st.integers(1, 9)),
    ),
    max_size=25,
)


class Member:
    """A consumer's side: its positions, and what it was given since."""

    def __init__(self) -> None:
        self.broker = MemoryBroker({TOPIC: len(PARTITIONS)})
        self.inner = MemorySource(self.broker, group="g", topics=[TOPIC])
        self.source = Ahead(self.inner)
        self.next: dict[Partition, int] = {}

    def say(self, partitions: list[Partition]) -> None:
        """Let events come."""
        for partition in partitions:
            stand(self.broker, partition)

    async def handle(self, limit: int) -> int:
        """Take what comes of our partitions: each record follows the one before it."""
        records = [r for r in await self.source.fetch(limit, 0.001) if r.partition in self.next]
        for record in records:
            assert self.next[record.partition] == record.offset
            assert decode(record) == self.source.event(record)
            self.next[record.partition] += 1
        return len(records)

    async def fail(self, partitions: set[Partition]) -> None:
        """Take a batch of which nothing was stored of *partitions*: it is wanted again."""
        before = dict(self.next)
        await self.handle(4)
        self.seek({p: before[p] for p in partitions if p in before})

    def skip(self, partitions: set[Partition]) -> None:
        """Go on where another owner stopped."""
        ends = {p: len(self.broker.logs[p]) for p in partitions if p in self.next}
        self.seek({p: (self.next[p] + end + 1) // 2 for p, end in ends.items()})

    async def rebalance(self, partitions: set[Partition]) -> None:
        """Be given others: all positions are checked and sought, as the consumer does."""
        await self.inner.give(frozenset(partitions))
        stood = {p: self.next.get(p, 0) for p in partitions}
        self.next = {}
        self.seek(stood)

    async def wait(self, turns: int) -> None:
        """Be busy for some turns of the loop, the next batch being read meanwhile."""
        for _ in range(turns):
            await asyncio.sleep(0)

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Continue there."""
        self.next.update(positions)
        self.source.seek(positions)


def stand(broker: MemoryBroker, partition: Partition, **other: Any) -> Record:
    """Let an event stand at the end of *partition*."""
    out: Outgoing = outgoing(beat(fresh(), 1, topic=TOPIC))
    log = broker.logs[partition]
    log.append(
        Record(partition, len(log), out.key, out.value, tuple(out.headers))._replace(**other)
    )
    return log[-1]


async def nothing(_: frozenset[Partition]) -> None:
    """Take an assignment."""


@given(STEPS)
def test_each_record_comes_once_and_in_order_after_each_seek(
    steps: list[tuple[str, Any]],
) -> None:
    """§4.2: positions are ours; what was read before a seek is never handed over after it."""

    async def lives() -> None:
        member = Member()
        await member.source.start(nothing)
        member.seek(dict.fromkeys(PARTITIONS, 0))
        for name, what in steps:
            done = getattr(member, name)(what)
            if done is not None:
                await done
        for _ in range(3):  # a batch that is not ours, or was left by a seek, is an empty one
            while await member.handle(100):
                pass
        ends = {p: len(member.broker.logs[p]) for p in member.next}
        await member.source.stop()

        assert ends == member.next

    asyncio.run(lives())


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Offsets of what was decoded ahead."""
    found: list[int] = []

    def noted(record: Record) -> Any:
        found.append(record.offset)
        return decode(record)

    monkeypatch.setattr(reading, "decode", noted)
    return found


async def test_nothing_is_decoded_ahead_before_a_batch_was_handled(decoded: list[int]) -> None:
    """§4.6: a record that kills the process is counted first; a batch that fails proves nothing."""
    member = Member()
    member.say(PARTITIONS[:1] * 6)
    await member.source.start(nothing)
    member.seek(dict.fromkeys(PARTITIONS, 0))

    await member.source.fetch(1, 0.01)
    await member.wait(20)
    assert not decoded
    await member.source.fetch(1, 0.01)
    await member.wait(20)
    assert [2] == decoded
    member.seek({PARTITIONS[0]: 1})
    await member.source.fetch(1, 0.01)
    await member.wait(20)
    await member.source.stop()

    assert [2] == decoded


async def test_what_is_no_event_is_told_when_it_is_asked_for() -> None:
    """The verdict on it belongs to its own batch."""
    member = Member()
    member.say(PARTITIONS[:1])
    broken = stand(member.broker, PARTITIONS[0], headers=())
    await member.source.start(nothing)
    member.seek(dict.fromkeys(PARTITIONS, 0))

    await member.source.fetch(1, 0.01)
    await member.wait(20)
    assert [broken] == await member.source.fetch(1, 0.01)
    await member.source.stop()

    with pytest.raises(InvalidEnvelope):
        member.source.event(broken)


class Damaged(MemorySource):
    """A log damaged from offset 1 on."""

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        if self._positions[PARTITIONS[0]] == 1:
            raise Unreadable(PARTITIONS[0], 1, 2, "its checksum (CRC) does not match")
        return await super().fetch(limit, wait_s)


async def test_damage_is_told_unless_a_seek_has_left_it() -> None:
    """A person went past it: what is there is read, and the damage is not told afterwards."""
    member = Member()
    member.say(PARTITIONS[:1] * 3)
    await member.inner.stop()
    member.inner = Damaged(member.broker, group="g", topics=[TOPIC])
    member.source = Ahead(member.inner)
    await member.source.start(nothing)
    member.seek(dict.fromkeys(PARTITIONS, 0))

    await member.source.fetch(1, 0.01)
    await member.wait(20)
    with pytest.raises(Unreadable):
        await member.source.fetch(1, 0.01)
    member.seek({PARTITIONS[0]: 0})
    await member.source.fetch(1, 0.01)
    await member.wait(20)
    member.seek({PARTITIONS[0]: 2})
    assert [] == await member.source.fetch(1, 0.01)
    found = await member.source.fetch(1, 0.01)
    await member.source.stop()

    assert [2] == [record.offset for record in found]


@given(
    st.integers(0, 30), st.integers(0, 30), st.integers(0, 9), st.integers(1, 40), st.integers(1, 9)
)
def test_a_clean_batch_moves_a_position_as_its_records_one_by_one(
    seen: int, recent: int, run: int, count: int, window: int
) -> None:
    """What counts dead letters forgets at the same places."""
    broker = MemoryBroker({TOPIC: 1})
    records = [stand(broker, PARTITIONS[0]) for _ in range(count)]
    at = before = Position(0, "e", "c", run, recent, seen)
    for record in records:
        at = at.past(record, dead=False, window=window)

    assert at == before.past_all(records, window=window)
