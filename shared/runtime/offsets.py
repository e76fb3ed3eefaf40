"""Where each consumer stands: seeded explicitly, checked against the log, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shared.runtime.bus import Partition, Record, Source, Unreadable
from shared.runtime.database import Database
from shared.runtime.errors import Halt


class Position(NamedTuple):
    """A stored offset with what proves it: the last event before it and the cluster."""

    next: int
    last_event: str | None = None
    cluster: str | None = None
    dead_run: int = 0
    dead_recent: int = 0
    seen_recent: int = 0

    def past(self, record: Record, *, dead: bool, window: int) -> Position:
        """Return the position after *record*, the count of dead letters kept over *window*."""
        seen, recent = self.seen_recent + 1, self.dead_recent + dead
        if seen >= window:
            seen, recent = seen // 2, recent // 2
        return Position(
            record.offset + 1,
            record.event_id,
            self.cluster,
            self.dead_run + 1 if dead else 0,
            recent,
            seen,
        )

    def past_all(self, records: Sequence[Record], *, window: int) -> Position:
        """Return the position after *records*, in order and none of them diverted."""
        seen, recent = self.seen_recent, self.dead_recent
        for _ in records:
            seen += 1
            if seen >= window:
                seen, recent = seen // 2, recent // 2
        last = records[-1]
        return Position(last.offset + 1, last.event_id, self.cluster, 0, recent, seen)


def set_command(consumer: str, partition: Partition, following: int | None = None) -> str:
    """Return what a person types to let a halted consumer go on (at *following* where that is known)."""
    return (
        f"`python -m shared.runtime offsets set --consumer {consumer} --topic {partition.topic} "
        f"--partition {partition.number} --next {'N' if following is None else following}` "
        f"after finding out why"
    )


class Offsets:
    """The stored positions of one consumer."""

    def __init__(self, database: Database, consumer: str) -> None:
        self._database = database
        self._consumer = consumer

    async def load(self, partitions: Iterable[Partition]) -> dict[Partition, Position]:
        """Return stored positions; raises Halt when one was never seeded."""
        wanted = sorted(partitions)
        rows = await self._database.fetch(
            "select topic, partition, next, last_event, cluster, dead_run, dead_recent, seen_recent"
            " from consumer_offset where consumer = $1 and topic = any($2::text[])",
            self._consumer,
            sorted({p.topic for p in wanted}),
        )
        found = {Partition(r[0], r[1]): Position(*list(r)[2:]) for r in rows}
        for partition in wanted:
            if partition not in found:
                raise Halt(
                    f"{self._consumer}: no offset stored for {partition.topic}/{partition.number}; seed it "
                    f"with `python -m shared.runtime offsets seed --consumer {self._consumer} "
                    f"--topic {partition.topic} --at earliest`"
                )
        return {p: found[p] for p in wanted}

    async def check(
        self, positions: Mapping[Partition, Position], source: Source, cluster: str
    ) -> None:
        """Compare positions with the log; raises Halt with the reason and the command to use."""
        for partition, at in positions.items():
            if at.cluster is not None and at.cluster != cluster:
                raise Halt(
                    f"{self._consumer}: the offset of {partition.topic}/{partition.number} belongs to "
                    f"cluster {at.cluster}, this is {cluster}; {set_command(self._consumer, partition)}"
                )
        bounds = await source.bounds(sorted(positions))
        for partition, at in positions.items():
            first, end = bounds[partition]
            if not first <= at.next <= end:
                outside = (
                    f"{self._consumer}: offset {at.next} of {partition.topic}/{partition.number} "
                    f"is outside the log"
                )
                command = set_command(self._consumer, partition)
                raise Halt(f"{outside} ({first} to {end}); {command}", standing=outside)
        await self._check_last(positions, bounds, source)

    async def _check_last(
        self,
        positions: Mapping[Partition, Position],
        bounds: Mapping[Partition, tuple[int, int]],
        source: Source,
    ) -> None:
        before = {
            p: at.next - 1
            for p, at in positions.items()
            if at.last_event is not None and at.next - 1 >= bounds[p][0]
        }
        try:
            found_before = await source.read(before)
        except Unreadable as error:
            raise Halt(
                f"{self._consumer}: what stands before the stored offset cannot be compared: {error}; "
                f"{set_command(self._consumer, error.partition, error.offset + 1)}"
            ) from error
        for partition, record in found_before.items():
            stored = positions[partition].last_event
            found = record.event_id
            if record.offset == before[partition] and found != stored:
                raise Halt(
                    f"{self._consumer}: the record before {partition.topic}/{partition.number}@"
                    f"{positions[partition].next} is event {found or 'without id'}, stored was {stored}: "
                    f"this is another log; {set_command(self._consumer, partition)}"
                )
