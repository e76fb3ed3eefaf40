"""The bus in memory: the same promises as Kafka, held to the same suite, for tests without a broker."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from shared.runtime.bus import (
    Assigned,
    Bounds,
    Outgoing,
    Partition,
    PermanentRefusal,
    Record,
    partition_of,
)


class MemoryBroker:
    """Topics as lists, consumer groups that spread partitions eagerly over their members."""

    def __init__(self, topics: Mapping[str, int], *, cluster: str = "memory") -> None:
        self.cluster = cluster
        self.logs: dict[Partition, list[Record]] = {
            Partition(topic, n): [] for topic, count in topics.items() for n in range(count)
        }
        self.counts = dict(topics)
        self.members: dict[str, list[MemorySource]] = defaultdict(list)
        self.grown = asyncio.Condition()
        self.down = False

    async def append(self, record: Outgoing) -> Exception | None:
        """Add *record* at the end of its partition."""
        if record.topic not in self.counts:
            return PermanentRefusal(f"topic {record.topic} does not exist: run the topics step")
        partition = Partition(record.topic, partition_of(record.key, self.counts[record.topic]))
        log = self.logs[partition]
        log.append(Record(partition, len(log), record.key, record.value, tuple(record.headers)))
        async with self.grown:
            self.grown.notify_all()
        return None

    async def rebalance(self, group: str) -> None:
        """Spread the group's partitions over its members, as after a join or a leave."""
        members = self.members[group]
        shares: dict[int, set[Partition]] = defaultdict(set)
        if members:
            topics = {t for m in members for t in m.topics}
            for partition in sorted(p for p in self.logs if p.topic in topics):
                shares[partition.number % len(members)].add(partition)
        for index, member in enumerate(members):
            await member.give(frozenset(shares[index]))


class MemorySink:
    """Writes at once; refuses while the broker is `down` by waiting, as an idempotent producer does."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def start(self) -> None:
        """Nothing to connect."""

    async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
        """Append *records* once the broker is up."""
        async with self._broker.grown:
            await self._broker.grown.wait_for(lambda: not self._broker.down)
        return [await self._broker.append(r) for r in records]

    async def stop(self) -> None:
        """Nothing to close."""


class MemorySource:
    """One member of a group in memory."""

    def __init__(self, broker: MemoryBroker, *, group: str, topics: Sequence[str]) -> None:
        self.topics = tuple(topics)
        self._broker = broker
        self._group = group
        self._assigned: Assigned | None = None
        self._positions: dict[Partition, int] = {}

    async def start(self, assigned: Assigned) -> None:
        """Join; everybody's partitions are spread anew."""
        self._assigned = assigned
        self._broker.members[self._group].append(self)
        await self._broker.rebalance(self._group)

    async def give(self, partitions: frozenset[Partition]) -> None:
        """Take over *partitions*; positions start at the beginning until sought."""
        self._positions = dict.fromkeys(sorted(partitions), 0)
        if self._assigned is not None:
            await self._assigned(partitions)

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        """Return what is there, or wait for the log to grow."""
        if found := self._take(limit):
            return found
        try:
            async with asyncio.timeout(wait_s), self._broker.grown:
                await self._broker.grown.wait()
        except TimeoutError:
            return []
        return self._take(limit)

    def _take(self, limit: int) -> list[Record]:
        found: list[Record] = []
        for partition, at in self._positions.items():
            more = self._broker.logs[partition][at : at + limit - len(found)]
            self._positions[partition] = at + len(more)
            found += more
        return found

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Continue each owned partition at its offset."""
        self._positions |= {p: at for p, at in positions.items() if p in self._positions}

    def owned(self) -> frozenset[Partition]:
        """Partitions assigned now."""
        return frozenset(self._positions)

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, Bounds]:
        """Return the ends of the logs."""
        return {p: Bounds(0, len(self._broker.logs[p])) for p in partitions}

    async def read(self, positions: Mapping[Partition, int]) -> dict[Partition, Record]:
        """Return single records."""
        return {p: self._broker.logs[p][at] for p, at in positions.items()}

    async def cluster(self) -> str:
        """Name given to the broker."""
        return self._broker.cluster

    async def show_progress(self, positions: Mapping[Partition, int]) -> None:
        """Nobody looks."""

    def refused(self) -> str | None:
        """Nothing: a list can always be read."""
        return None

    def lag(self) -> int:
        """Records not yet fetched."""
        return sum(len(self._broker.logs[p]) - at for p, at in self._positions.items())

    async def stop(self) -> None:
        """Leave; the others take over."""
        members = self._broker.members[self._group]
        if self in members:
            members.remove(self)
            await self._broker.rebalance(self._group)
