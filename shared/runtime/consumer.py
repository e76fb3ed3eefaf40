"""The consumer of one lane: fetch, drop what was seen, hand over, commit; offsets in PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

import structlog

from shared.contracts.topics import dead_topic
from shared.contracts.values import Lane
from shared.runtime import metrics
from shared.runtime.ahead import Ahead
from shared.runtime.attempts import Attempts, Count
from shared.runtime.bus import Partition, Record, Source, Unreadable
from shared.runtime.distress import Distress
from shared.runtime.errors import GuardLost, Halt, InvalidEvent, Unavailable
from shared.runtime.events import Event, InvalidEnvelope, decode, ids_of, pack_headers
from shared.runtime.offsets import Offsets, Position, set_command
from shared.runtime.store import (
    CRASH_CLEARED,
    DEAD_LETTER,
    HIGH_WATER,
    OFFSET,
    OUTBOX,
    Store,
    Work,
    dead_letter_row,
)
from shared.runtime.tracing import about

Handler = Callable[[Sequence[Event], Work], Awaitable[None]]
"""Decides on a batch: events in order per key, each newer than what was seen; fills the work."""

_log = structlog.get_logger()

MAX_REDECIDE = 5
BACK_OFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
HALT_RECHECK_S = 2.0


@dataclass(frozen=True)
class DeadLetterLimit:
    """Past this the consumer stops rather than divert an hour of emergencies."""

    run: int = 50
    share: float = 0.5
    window: int = 1000
    least: int = 200

    def exceeded(self, position: Position) -> bool:
        """Say whether too many of the recent records were diverted."""
        many = position.seen_recent >= self.least
        return position.dead_run > self.run or (
            many and position.dead_recent > self.share * position.seen_recent
        )


@dataclass
class Verdict:
    """Why one record of a batch is diverted."""

    reason: str
    stage: str
    detail: str


Verdicts = dict[tuple[Partition, int], Verdict]
"""Diverted records by place in the log."""

Marks = dict[tuple[UUID, str], int]
"""Highest version by (aggregate, producer)."""

Handled = dict[tuple[UUID, str], tuple[int, int]]
"""Highest and lowest version a batch handles, by (aggregate, producer)."""


class Consumer:
    """One task: everything of one lane that one service hears."""

    def __init__(
        self,
        name: str,
        source: Source,
        store: Store,
        handler: Handler,
        *,
        lane: Lane = Lane.URGENT,
        batch: int = 200,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self.name = name
        self.waiting: str | None = "partitions"
        self._source = source
        self._store = store
        self._handler = handler
        self._lane = lane
        self._batch = batch
        self._event = source.event if isinstance(source, Ahead) else decode
        self._limit = limit or DeadLetterLimit()
        self._offsets = Offsets(store.database, name)
        self._attempts = Attempts(store.database, name)
        self._distress = Distress(name, store, lane)
        self._position: dict[Partition, Position] = {}
        self._pending: frozenset[Partition] | None = None
        self._unproven: set[Partition] = set()
        self._counted: dict[Partition, tuple[int, Count]] = {}
        self._gaps: dict[Partition, int] = {}
        self._standing: tuple[Partition, int, str] | None = None
        self._halt = ""
        self._cluster = ""
        self._all_new = False

    async def run(self) -> None:
        """Consume until cancelled; an error that is nobody's fault but the code's ends it."""
        try:
            await self._source.start(self._assigned)
            while True:
                if self._pending is not None:
                    await self._retried(self._take)
                try:
                    records = await self._source.fetch(self._batch, 0.5)
                except Unreadable as damage:
                    await self._stopped_by(damage)
                    continue
                metrics.LAG.labels(self.name).set(self._source.lag())
                if self._gone_back(records):
                    self._check_anew()
                elif gap := self._left_out(records):
                    await self._look_again(*gap)
                elif ready := self._ours(records):
                    await self._until_done(ready)
                elif self._pending is None:
                    self._go_on()
        finally:
            await self._source.stop()

    async def _assigned(self, partitions: frozenset[Partition]) -> None:
        # positions are taken by our own task: the group must not wait for PostgreSQL
        self._position = {}
        self._pending = partitions
        self.waiting = "checking offsets"

    async def _take(self) -> None:
        partitions = self._pending
        if partitions is None:
            return
        self._cluster = await self._source.cluster()
        positions = await self._offsets.load(partitions)
        await self._offsets.check(positions, self._source, self._cluster)
        if self._pending is not partitions:
            await self._take()
            return
        self._pending = None
        self._all_new = False
        self._position = positions
        self._unproven = set(positions)
        self._source.seek({p: position.next for p, position in positions.items()})
        self._go_on()

    async def _retried(self, action: Callable[[], Awaitable[None]]) -> None:
        """Run *action* until it succeeds: waits out what is away and, halted, for a person."""
        tries = 0
        while True:
            try:
                await action()
            except Unavailable as error:
                self.waiting = str(error)
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
            except Halt as halt:
                await self._halted(halt)
            else:
                return

    def _go_on(self) -> None:
        """Wait for nothing any more, unless a place that stopped us is still the next to be handled.

        Steadily not ready: looking there again every few seconds is no recovery.
        """
        if self._standing is not None:
            partition, following, why = self._standing
            at = self._position.get(partition)
            if at is not None and at.next == following:
                self.waiting = why
                return
            self._standing = None
        if self.waiting is not None:
            metrics.HALTED.labels(self.name).set(0)
        self._halt = ""
        self.waiting = self._source.refused()

    async def _halted(self, halt: Halt) -> None:
        if self._halt != halt.standing:
            _log.error("consumer halted", consumer=self.name, why=str(halt))
        self.waiting, self._halt = str(halt), halt.standing
        metrics.HALTED.labels(self.name).set(1)
        await self._distress.call(self._pending or self._position, halt.standing)
        await asyncio.sleep(HALT_RECHECK_S)

    def _check_anew(self) -> None:
        """Have our positions checked and sought again; an assignment that came meanwhile does so itself."""
        if self._pending is None:
            self._pending = frozenset(self._position)

    def _gone_back(self, records: Sequence[Record]) -> bool:
        """Say whether the log gave what lies behind us: it is checked anew, never skipped silently.

        The client library starts over by itself when an offset is out of range (a log cut or made
        again under a running consumer); `Offsets.check` then halts with the reason.
        """
        return any(r.offset < at.next for r in records if (at := self._position.get(r.partition)))

    def _left_out(self, records: Sequence[Record]) -> tuple[Partition, int] | None:
        """Return where records between our position and these are missing.

        Our topics' offsets have no gaps: retention overtook a consumer that was halted for long, or
        the client library lost its place. Neither is skipped in silence.
        """
        first: dict[Partition, int] = {}
        for record in records:
            first.setdefault(record.partition, record.offset)
        for partition, offset in first.items():
            at = self._position.get(partition)
            if at is not None and at.next < offset:
                return partition, at.next
        return None

    async def _look_again(self, partition: Partition, following: int) -> None:
        """Check the offsets and read from there anew; a gap that is met again waits for a person."""
        if self._gaps.get(partition) == following:
            await self._halted_at(
                partition,
                f"{self.name}: the broker gives nothing at {partition.topic}/{partition.number}@"
                f"{following} but what comes later; {set_command(self.name, partition)}",
            )
        self._gaps[partition] = following
        self._check_anew()

    async def _stopped_by(self, damage: Unreadable) -> None:
        """Wait for a person at a batch nobody can read: going past it loses what stood there."""
        command = set_command(self.name, damage.partition, damage.past)
        await self._halted_at(damage.partition, f"{self.name}: {damage}; {command}")
        self._check_anew()

    async def _halted_at(self, partition: Partition, why: str) -> None:
        """Halt until what comes next of *partition* is handled, or a person sets another offset."""
        at = self._position.get(partition)
        if at is not None:  # else it is another's by now
            self._standing = partition, at.next, why
            await self._halted(Halt(why))

    def _ours(self, records: Sequence[Record]) -> list[Record]:
        """Keep what continues our positions; what came before a seek is dropped."""
        return sorted(
            (r for r in records if (at := self._position.get(r.partition)) and r.offset >= at.next),
            key=lambda r: (r.partition, r.offset),
        )

    async def _until_done(self, records: list[Record]) -> None:
        """Handle *records* however often it takes; returns when none of them is left to do."""
        tries = redecided = 0
        while records:
            try:
                await self._attempt(records)
            except GuardLost as lost:
                metrics.GUARD_LOST.labels(lost.guard).inc()
                redecided += 1
                records = await self._resynced(records)
                if redecided > MAX_REDECIDE and len(records) > 1:
                    half = len(records) // 2
                    await self._until_done(records[:half])
                    records, redecided = await self._resynced(records[half:]), 0
            except Unavailable as error:
                self.waiting = str(error)
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
                records = await self._resynced(records)
            except Halt as halt:
                await self._halted(halt)
                records = await self._resynced(records)
            else:
                break
        if self._pending is None:
            self._go_on()

    async def _resynced(self, records: list[Record]) -> list[Record]:
        """Read the stored offsets again: another owner, or our own lost answer, moved them."""
        held = self._position

        async def reload() -> None:
            loaded = await self._offsets.load(held)
            if self._position is held:
                self._position = loaded

        await self._retried(reload)
        if self._pending is not None:
            return []
        moved = {p: at.next for p, at in self._position.items() if held[p].next != at.next}
        self._source.seek(moved)
        kept: list[Record] = []
        for partition, group in groupby(records, key=lambda r: r.partition):
            at = self._position[partition].next
            mine = [r for r in group if r.offset >= at]
            # moved to a place this batch does not continue: its records come again after the seek
            if mine and (partition not in moved or mine[0].offset == at):
                kept += mine
        return kept

    async def _attempt(self, records: list[Record]) -> None:
        suspects = {r.partition for r in records} & self._unproven
        if not suspects:
            await self._crashing_counted(records)
            return
        calm = [r for r in records if r.partition not in suspects]
        if calm:
            await self._crashing_counted(calm)
        for partition in sorted(suspects):
            mine = [r for r in records if r.partition == partition]
            await self._watched(mine)
            self._unproven.discard(partition)

    async def _watched(self, records: list[Record]) -> None:
        """First records after a start: counted before they are tried, so that a death counts too."""
        todo = self._ours(records)
        while todo:
            count = await self._count(todo)
            if count.singly and count.exhausted:
                await self._divert(todo[0], "killed the process each time it was handled")
                todo = todo[1:]
            elif count.singly:
                await self._crashing_counted(todo[:1])
                todo = todo[1:]
            else:
                await self._crashing_counted(todo)
                return

    async def _count(self, records: list[Record]) -> Count:
        """Count this life of the process, once: what is done again for want of a guard or a part is no death."""
        first = records[0]
        offset, count = self._counted.get(first.partition, (-1, None))
        if count is None or offset != first.offset:
            count = await self._attempts.begin(records)
            self._counted[first.partition] = first.offset, count
        return count

    async def _crashing_counted(self, records: list[Record]) -> None:
        with about(lambda: map(ids_of, records)):
            await self._counting_crashes(records)

    async def _counting_crashes(self, records: list[Record]) -> None:
        try:
            await self._handle(records)
        except (GuardLost, Unavailable, Halt):
            raise
        except Exception as error:
            attempts = await self._attempts.crashed(
                records, counted=records[0].partition in self._unproven
            )
            _log.exception("handler crashed", consumer=self.name, attempts=attempts)
            if attempts < Attempts.LIMIT:
                raise
            await self._bisect(records, error)

    async def _bisect(self, records: list[Record], error: Exception) -> None:
        """Third crash: find the one guilty record; all others are handled in order."""
        if len(records) == 1:
            await self._divert(records[0], repr(type(error).__name__))
            return
        half = len(records) // 2
        for part in (records[:half], records[half:]):
            try:
                await self._handle(part)
            except (GuardLost, Unavailable, Halt):
                raise
            except Exception as again:  # noqa: BLE001 - narrowed down until one record is left
                await self._bisect(part, again)

    async def _divert(self, record: Record, detail: str) -> None:
        await self._commit(Work(), [record], {record.place: Verdict("crash", "crash", detail)}, {})

    async def _handle(self, records: list[Record]) -> None:
        """Decide and commit; after a batch that was all new the next one is taken to be new as well.

        The high-water mark's own guard proves it when it is written: what was seen before undoes
        everything, and the batch is decided again on the marks as they stand.
        """
        if self._all_new:
            try:
                await self._decide(records, marks_read=False)
            except (Unavailable, Halt):
                raise
            except GuardLost:
                self._all_new = False
                raise
            except Exception:  # noqa: BLE001 - a handler may stumble over what it has seen before
                self._all_new = False
            else:
                return
        await self._decide(records, marks_read=True)

    async def _decide(self, records: list[Record], *, marks_read: bool) -> None:
        started = time.perf_counter()
        verdicts: Verdicts = {}
        events = self._decoded(records, verdicts)
        while True:
            seen = await self._seen(events) if marks_read else {}
            fresh, handled = _fresh(events, seen)
            work = Work()
            try:
                if fresh:
                    await self._handler(fresh, work)
                break
            except InvalidEvent as invalid:
                if not marks_read:
                    raise
                verdicts[invalid.event.record.place] = Verdict(
                    invalid.reason, "handle", invalid.detail
                )
                events = [e for e in events if e is not invalid.event]
        await self._commit(work, records, verdicts, handled)
        self._all_new = len(fresh) == len(events)
        metrics.BATCH_SECONDS.labels(self.name).observe(time.perf_counter() - started)
        metrics.RECORDS.labels(self.name, "handled").inc(len(fresh))
        metrics.RECORDS.labels(self.name, "seen_before").inc(len(events) - len(fresh))

    def _decoded(self, records: Sequence[Record], verdicts: Verdicts) -> list[Event]:
        events = []
        for record in records:
            try:
                events.append(self._event(record))
            except InvalidEnvelope as error:
                verdicts[record.place] = Verdict(error.reason, "decode", error.detail)
        return events

    async def _seen(self, events: Sequence[Event]) -> Marks:
        return await self._store.marks(self.name, {e.aggregate for e in events}) if events else {}

    async def _commit(
        self,
        work: Work,
        records: Sequence[Record],
        verdicts: Verdicts,
        handled: Handled,
    ) -> None:
        for record in records if verdicts else ():
            if record.place in verdicts:
                self._bury(work, record, verdicts[record.place])
        for (aggregate, producer), (highest, lowest) in handled.items():
            work.put(HIGH_WATER, aggregate, producer, self.name, highest, lowest)
        after = {}
        for partition, group in groupby(records, key=lambda r: r.partition):
            after[partition] = self._advance(work, partition, list(group), verdicts)
        await self._store.commit(work)
        self._position.update({p: at for p, at in after.items() if p in self._position})
        for record in records if verdicts else ():
            if record.place in verdicts:
                self._told(record, verdicts[record.place])
        await self._source.show_progress({p: at.next for p, at in after.items()})

    def _told(self, record: Record, verdict: Verdict) -> None:
        metrics.DEAD_LETTERS.labels(self.name, verdict.reason).inc()
        with about(lambda: (ids_of(record),)):
            _log.error(
                "record diverted", consumer=self.name, reason=verdict.reason, stage=verdict.stage,
                topic=record.partition.topic, partition=record.partition.number,
                offset=record.offset,
            )  # fmt: skip

    def _bury(self, work: Work, record: Record, verdict: Verdict) -> None:
        row = dead_letter_row(self.name, record, verdict.reason, verdict.stage, verdict.detail)
        work.put(DEAD_LETTER, *row)
        headers = [
            *record.headers,
            ("dead_reason", verdict.reason.encode()),
            ("dead_consumer", self.name.encode()),
            ("dead_offset", str(record.offset).encode()),
            ("dead_partition", str(record.partition.number).encode()),
        ]
        work.put(
            OUTBOX, self._lane.number, dead_topic(record.partition.topic),
            record.key or b"", pack_headers(headers), record.value,
        )  # fmt: skip

    def _advance(
        self, work: Work, partition: Partition, records: list[Record], verdicts: Verdicts
    ) -> Position:
        before = self._position.get(partition)
        if before is None:
            raise GuardLost("partition")
        at = before if verdicts else before.past_all(records, window=self._limit.window)
        for record in records if verdicts else ():
            dead = record.place in verdicts
            at = at.past(record, dead=dead, window=self._limit.window)
            if dead and self._limit.exceeded(at):
                raise Halt(
                    f"{self.name}: too many dead letters at "
                    f"{partition.topic}/{partition.number}@{record.offset} "
                    f"({at.dead_run} in a row); look at them with "
                    f"`python -m shared.runtime deadletter list`, then `… deadletter allow`"
                )
        at = at._replace(cluster=self._cluster)
        work.put(
            OFFSET, self.name, partition.topic, partition.number, before.next, at.next,
            at.last_event, at.cluster, at.dead_run, at.dead_recent, at.seen_recent,
        )  # fmt: skip
        if partition in self._unproven:
            work.put(CRASH_CLEARED, self.name, partition.topic, partition.number, at.next)
        return at


def _fresh(events: Sequence[Event], seen: Marks) -> tuple[list[Event], Handled]:
    """Drop what is not above the high-water mark; return the new marks beside."""
    fresh: list[Event] = []
    handled: Handled = {}
    for event in events:
        key = (event.aggregate, event.producer)
        highest, lowest = handled.get(key, (seen.get(key, 0), event.version))
        if event.version > highest:
            fresh.append(event)
            handled[key] = event.version, lowest
    return fresh, handled
