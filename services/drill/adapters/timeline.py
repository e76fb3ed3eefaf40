"""Does things when their platform time has come: a heap of moments, bounded concurrency."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count

from services.drill.ports import Clock

Action = Callable[[], Awaitable[None]]

AT_ONCE = 64
"""Most actions under way: the doors' own answers, not our number of sockets, set the pace."""
_LOOK_S = 0.25


class HeapTimeline:
    """A part. Actions run in order of their moments, at most AT_ONCE together.

    `latest_s` is the most wall seconds an action began after its moment.

    Nothing is planned after `horizon` (platform, UTC); `beyond` counts by kind what would have been.
    """

    name = "timeline"

    def __init__(self, clock: Clock, horizon: datetime) -> None:
        self.waiting: str | None = None
        self.horizon = horizon
        self.beyond: Counter[str] = Counter()
        self.latest_s = 0.0
        self._clock = clock
        self._heap: list[tuple[datetime, int, Action]] = []
        self._order = count()
        self._changed = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> int:
        """Actions not finished: planned or under way."""
        return len(self._heap) + len(self._running)

    def at(self, moment: datetime, action: Action, what: str) -> bool:
        """Plan *action*; False where *moment* lies after the horizon."""
        if moment > self.horizon:
            self.beyond[what] += 1
            return False
        heapq.heappush(self._heap, (moment, next(self._order), action))
        self._changed.set()
        return True

    async def run(self) -> None:
        """Act until cancelled; an action that raises ends the process."""
        try:
            while True:
                await self._do_due()
                self._raise_failed()
                await self._sleep()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _do_due(self) -> None:
        while self._heap and self._heap[0][0] <= self._clock.now():
            await self._slots.acquire()
            moment, _, action = heapq.heappop(self._heap)
            late = (self._clock.now() - moment).total_seconds() / self._clock.speed
            self.latest_s = max(self.latest_s, late)
            self._running.add(asyncio.create_task(self._act(action)))

    async def _act(self, action: Action) -> None:
        try:
            await action()
        finally:
            self._slots.release()

    def _raise_failed(self) -> None:
        for task in [task for task in self._running if task.done()]:
            self._running.discard(task)
            task.result()

    async def _sleep(self) -> None:
        """Sleep until the next moment, the next change, or for a look at what has finished."""
        self._changed.clear()
        wall = _LOOK_S
        if self._heap:
            until = (self._heap[0][0] - self._clock.now()).total_seconds() / self._clock.speed
            wall = min(wall, max(until, 0.0))
        try:
            async with asyncio.timeout(wall):
                await self._changed.wait()
        except TimeoutError:
            pass
