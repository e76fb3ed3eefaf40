"""Clears what nobody keeps any more, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.intake.adapters.retained import BATCH, RetainedCalls
from services.intake.retention_handlers import Retention
from shared.runtime import metrics
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work

PAUSE_S = 0.5
ROUND_S = 60.0
OVERDUE = timedelta(days=1)
COUNTED = 10_000
"""The gauge counts no further: at that many somebody has to look anyway."""
TRIES = 5


class RetentionSweep:
    """A part: one round a minute. Two instances may be at the same rows: one of them loses the guard."""

    name = "retention"

    def __init__(
        self, store: Store, retention: Retention, rows: RetainedCalls, period: timedelta
    ) -> None:
        self.waiting: str | None = None
        self._store = store
        self._retention = retention
        self._rows = rows
        self._period = period
        for kind in ("call", "record"):  # shown as 0 until it happens
            metrics.PURGED.labels(kind)

    async def run(self) -> None:
        """Sweep until cancelled; a round that meets a missing database is left for the next one.

        Not at once: how much there is to hear is known only after the first answers of the broker.
        """
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                await self.once()
                self.waiting = None
            except Unavailable as error:
                self.waiting = str(error)

    async def once(self) -> int:
        """Clear all that is to be cleared now; return how many calls. Raises Unavailable."""
        gone = await self._all(self._retention.clear_ended)
        gone += await self._all(self._retention.clear_unopened)
        while cleared := await self._retention.clear_records():
            metrics.PURGED.labels("record").inc(cleared)
            await asyncio.sleep(PAUSE_S if cleared == BATCH else 0)
        standing = await self._rows.standing(self._period + OVERDUE, COUNTED)
        metrics.OVERDUE_PURGE.labels("call").set(standing)
        return gone

    async def _all(self, decide: Callable[[Work], Awaitable[int]]) -> int:
        gone = 0
        while count := await self._batch(decide):
            gone += count
            await asyncio.sleep(PAUSE_S if count == BATCH else 0)
        return gone

    async def _batch(self, decide: Callable[[Work], Awaitable[int]]) -> int:
        """Commit one batch; what another changed meanwhile is looked at anew."""
        for _ in range(TRIES):
            work = Work()
            count = await decide(work)
            try:
                await self._store.commit(work)
            except GuardLost as lost:
                metrics.GUARD_LOST.labels(lost.guard).inc()
            else:
                return count
        return 0
