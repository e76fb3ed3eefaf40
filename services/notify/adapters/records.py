"""Reads topics record by record, as they are: tombstones and what is no event; offsets in PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import groupby

import structlog

from services.notify.adapters.alarms import Alarms
from services.notify.domain.alarm import AlarmKind, Fault
from shared.runtime import metrics
from shared.runtime.bus import Partition, Record, Source, Unreadable
from shared.runtime.distress import AGAIN_S, HALTED, halt_id
from shared.runtime.errors import GuardLost, Halt, Unavailable
from shared.runtime.offsets import Offsets, Position
from shared.runtime.store import OFFSET, Store, Work

BATCH = 500
RETRY_S = 0.5
HALT_RECHECK_S = 2.0

Handle = Callable[[Sequence[Record], Work], Awaitable[None]]
"""Decides on records in order within each partition; fills the work. Must take any bytes."""

_log = structlog.get_logger()


class RecordReader:
    """A part like the runtime's consumer, for topics it cannot read: compacted ones and `.dead` twins.

    Offsets are seeded, checked and advanced with the effects in the same way; what differs: nothing
    is decoded, nothing dropped as seen before, and a compacted log may have gaps. Whatever goes
    wrong, it starts again at the stored offset.
    """

    def __init__(
        self, name: str, source: Source, store: Store, handle: Handle, alarms: Alarms
    ) -> None:
        self.name = name
        self.waiting: str | None = "partitions"
        self._source = source
        self._store = store
        self._handle = handle
        self._alarms = alarms
        self._offsets = Offsets(store.database, name)
        self._position: dict[Partition, Position] = {}
        self._pending: frozenset[Partition] | None = None
        self._cluster = ""
        self._halt = ""
        self._called: dict[str, float] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            await self._source.start(self._assigned)
            while True:
                try:
                    await self._step()
                except GuardLost as lost:
                    metrics.GUARD_LOST.labels(lost.guard).inc()
                    await self._back_to_the_stored_offset(RETRY_S)
                except Unavailable as error:
                    self.waiting = str(error)
                    await self._back_to_the_stored_offset(RETRY_S)
                except Halt as halt:
                    await self._halted(halt)
                    await self._back_to_the_stored_offset(HALT_RECHECK_S)
                except Unreadable as damage:
                    await self._halted(Halt(str(damage)))
                    await self._back_to_the_stored_offset(HALT_RECHECK_S)
        finally:
            await self._source.stop()

    async def _assigned(self, partitions: frozenset[Partition]) -> None:
        self._position, self._pending = {}, partitions
        self.waiting = "checking offsets"

    async def _halted(self, halt: Halt) -> None:
        """Call the desk without the detour by a twin: this may be who reads the twins.

        As often as a halted consumer says it there: once for each halt, and again while it stands.
        """
        if self._halt != halt.standing:
            _log.error("consumer halted", consumer=self.name, why=str(halt))
        self.waiting, self._halt = f"{self.name}: {halt}", halt.standing
        metrics.HALTED.labels(self.name).set(1)
        now = time.monotonic()
        self._called = {said: at for said, at in self._called.items() if now - at < AGAIN_S}
        if halt.standing in self._called:
            return
        reason, which = HALTED.decode(), halt_id(halt.standing)
        fault = Fault(AlarmKind.CONSUMER_HALTED, self.name, reason, which=which)
        with suppress(Unavailable):
            await self._alarms.tell([fault])
            self._called[halt.standing] = now

    async def _back_to_the_stored_offset(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        self._position, self._pending = {}, self._source.owned()

    async def _step(self) -> None:
        if self._pending is not None:
            await self._take(self._pending)
        records = await self._source.fetch(BATCH, 0.5)
        metrics.LAG.labels(self.name).set(self._source.lag())
        if self._pending is None:
            self.waiting = self._source.refused()
        known = [r for r in records if r.partition in self._position]
        if any(r.offset < self._position[r.partition].next for r in known):
            self._pending = frozenset(
                self._position
            )  # a log cut or made again: checked, not skipped
        elif known:
            await self._commit(sorted(known, key=lambda r: (r.partition, r.offset)))

    async def _take(self, partitions: frozenset[Partition]) -> None:
        self._cluster = await self._source.cluster()
        positions = await self._offsets.load(partitions)
        await self._offsets.check(positions, self._source, self._cluster)
        if self._pending is not partitions:
            return  # assigned anew meanwhile
        self._source.seek({p: position.next for p, position in positions.items()})
        self._position, self._pending = positions, None
        self.waiting, self._halt = None, ""
        metrics.HALTED.labels(self.name).set(0)

    async def _commit(self, records: Sequence[Record]) -> None:
        work = Work()
        await self._handle(records, work)
        after = {}
        for partition, group in groupby(records, key=lambda r: r.partition):
            before, last = self._position.get(partition), list(group)[-1]
            if before is None:
                raise GuardLost("partition")
            at = after[partition] = Position(last.offset + 1, last.event_id, self._cluster)
            work.put(
                OFFSET, self.name, partition.topic, partition.number, before.next, at.next,
                at.last_event, at.cluster, 0, 0, 0,
            )  # fmt: skip
        await self._store.commit(work)
        self._position.update({p: at for p, at in after.items() if p in self._position})
        metrics.RECORDS.labels(self.name, "handled").inc(len(records))
        await self._source.show_progress({p: at.next for p, at in after.items()})
