"""Group commit: requests that arrive together are decided and written by one statement."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Generic, TypeVar

import structlog

from shared.runtime import metrics
from shared.runtime.consumer import MAX_REDECIDE
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work
from shared.runtime.tracing import Subjects, about, about_now

PROBE_S = 0.5

T = TypeVar("T")
R = TypeVar("R")

_log = structlog.get_logger()

Asked = tuple[T, asyncio.Future[R], Subjects]
"""A request, where its answer goes, and what it is about."""

Decide = Callable[[Sequence[T], Work], Awaitable[Sequence[R]]]
"""Decides on requests in order and returns one answer for each."""


class Busy(Exception):
    """The bounded queue is full: answer 429."""


class GroupCommit(Generic[T, R]):
    """A part: `submit` returns the answer once it is durable, or raises Busy or Unavailable."""

    def __init__(
        self, name: str, decide: Decide[T, R], store: Store, *, batch: int = 100, queue: int = 2000
    ) -> None:
        self.name = name
        self.waiting: str | None = None
        self._decide = decide
        self._store = store
        self._batch = batch
        self._queue: asyncio.Queue[Asked[T, R]] = asyncio.Queue(queue)

    async def submit(self, item: T) -> R:
        """Return the durable answer to *item*."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((item, answer, about_now()))
        except asyncio.QueueFull:
            raise Busy from None
        return await answer

    async def run(self) -> None:
        """Commit groups one after the other until cancelled."""
        while True:
            group = [await self._next()]
            while len(group) < self._batch and not self._queue.empty():
                group.append(self._queue.get_nowait())
            await self._settle([g for g in group if not g[1].done()])

    async def _next(self) -> Asked[T, R]:
        """Return what comes next; while PostgreSQL is away look for it, so that readiness returns."""
        while self.waiting is not None:
            try:
                async with asyncio.timeout(PROBE_S):
                    return await self._queue.get()
            except TimeoutError:
                with contextlib.suppress(Unavailable):
                    await self._store.database.fetch("select 1")
                    self.waiting = None
        return await self._queue.get()

    async def _settle(self, group: Sequence[Asked[T, R]]) -> None:
        with about(lambda: chain.from_iterable(subjects() for _, _, subjects in group)):
            await self._decide_and_commit(group)

    async def _decide_and_commit(self, group: Sequence[Asked[T, R]]) -> None:
        try:
            answers = await self._commit([item for item, _, _ in group])
        except asyncio.CancelledError:
            self._fail(group, Unavailable("stopping"))
            raise
        except Unavailable as error:
            self.waiting = str(error)
            self._fail(group, error)
        except Exception as error:  # noqa: BLE001 - given to whoever asked
            if len(group) > 1:  # one bad request must not fail the others
                for single in group:
                    await self._settle([single])
                return
            _log.exception("request failed", group=self.name)
            self._fail(group, error)
        else:
            self.waiting = None
            for (_, future, _), answer in zip(group, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _commit(self, items: Sequence[T]) -> Sequence[R]:
        for tries in range(MAX_REDECIDE + 1):
            work = Work()
            answers = await self._decide(items, work)
            try:
                await self._store.commit(work)
            except GuardLost as lost:
                metrics.GUARD_LOST.labels(lost.guard).inc()
                if tries == MAX_REDECIDE:
                    raise Unavailable(f"{lost} {tries} times over") from lost
            else:
                return answers
        raise AssertionError("unreachable")

    @staticmethod
    def _fail(group: Sequence[Asked[T, R]], error: Exception) -> None:
        for _, future, _ in group:
            if not future.done():
                future.set_exception(error)
