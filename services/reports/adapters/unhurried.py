"""A source that lets events gather: facts may lag a little, dispatch needs the processor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.runtime.bus import Record
from shared.runtime.kafka import KafkaSource


class UnhurriedSource(KafkaSource):
    """After a fetch that was not full it waits *linger_s* (wall time) before the next.

    Hundreds of statements a second for a few events each become a few for hundreds each; a
    backlog gives full fetches and is not held up.
    """

    def __init__(
        self, address: str, *, group: str, topics: Sequence[str], instance: str, linger_s: float
    ) -> None:
        super().__init__(address, group=group, topics=topics, instance=instance)
        self._linger_s = linger_s
        self._full = True

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        """Return at most *limit* records, gathered for a while."""
        if not self._full:
            await asyncio.sleep(self._linger_s)
        records = await super().fetch(limit, wait_s)
        self._full = len(records) >= limit
        return records
