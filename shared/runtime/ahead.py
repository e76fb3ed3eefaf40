"""Reads the next batch while the last one is being committed, for consumers that have much to catch up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from shared.runtime.bus import Assigned, Bounds, Partition, Record, Source, Unreadable
from shared.runtime.events import Event, decode

AT_ONCE = 50
"""Records decoded before the loop is given back: others wait at most a millisecond."""
TURNS = 3
"""Turns of the loop after which a statement that is about to be sent has been sent."""


class Ahead:
    """A source that has fetched and decoded the next batch by the time it is asked for.

    What was read before a seek is never handed over after it: records of a partition that was
    sought meanwhile are dropped, and it is sought again. Nothing of a partition is decoded before
    a batch of it was handled, so that a record that kills the process is still counted as guilty.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reading: asyncio.Task[list[Record]] | None = None
        self._sought: dict[Partition, int] = {}
        self._given: set[Partition] = set()
        self._proven: set[Partition] = set()
        self._known: dict[tuple[Partition, int], Event] = {}

    async def start(self, assigned: Assigned) -> None:
        """Join the group; waits until the broker answers."""
        await self._source.start(assigned)

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        """Return what has come since; asked again only when that is handled. Raises Unreadable."""
        self._proven |= self._given
        try:
            records = await self._read(limit, wait_s)
        finally:
            sought, self._sought = self._sought, {}
            if sought:
                self._source.seek(sought)
        records = [r for r in records if r.partition not in sought]
        self._given = {r.partition for r in records}
        self._reading = asyncio.create_task(self._next(limit, wait_s))
        return records

    async def _read(self, limit: int, wait_s: float) -> list[Record]:
        reading, self._reading = self._reading, None
        if reading is None:
            return await self._source.fetch(limit, wait_s)
        try:
            return await reading
        except Unreadable:
            if self._sought:  # it may lie behind us: what is there is read again
                return []
            raise

    async def _next(self, limit: int, wait_s: float) -> list[Record]:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        records = await self._source.fetch(limit, wait_s)
        mine = [r for r in records if r.partition in self._proven]
        known: dict[tuple[Partition, int], Event] = {}
        for first in range(0, len(mine), AT_ONCE):
            for record in mine[first : first + AT_ONCE]:
                with contextlib.suppress(Exception):  # told when it is asked for
                    known[record.place] = decode(record)
            await asyncio.sleep(0)
        self._known = known
        return records

    def event(self, record: Record) -> Event:
        """Return *record* as an event or raise InvalidEnvelope: what a consumer decodes with."""
        known = self._known.get(record.place)
        return known if known is not None and known.record is record else decode(record)

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Continue at these offsets, of the partitions still assigned."""
        self._source.seek(positions)
        if self._reading is not None:
            self._sought.update(positions)
        self._proven.difference_update(positions)
        self._given.difference_update(positions)

    def owned(self) -> frozenset[Partition]:
        """Partitions assigned now."""
        return self._source.owned()

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, Bounds]:
        """Return first and end offsets; raises Unavailable."""
        return await self._source.bounds(partitions)

    async def read(self, positions: Mapping[Partition, int]) -> dict[Partition, Record]:
        """Read single records, or the first after them; raises Unreadable."""
        return await self._source.read(positions)

    async def cluster(self) -> str:
        """Id of the cluster."""
        return await self._source.cluster()

    async def show_progress(self, positions: Mapping[Partition, int]) -> None:
        """Tell the broker how far we are."""
        await self._source.show_progress(positions)

    def refused(self) -> str | None:
        """Say what the broker has refused to read some times in a row."""
        return self._source.refused()

    def lag(self) -> int:
        """Records behind the high-water marks last heard of, less those read ahead."""
        return self._source.lag()

    async def stop(self) -> None:
        """Leave the group; what was read ahead is read again by whoever comes next."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            if not self._reading.cancelled():
                self._reading.exception()
        await self._source.stop()
