"""The senders: one per channel; what is ready leaves in one request, what comes meanwhile in the next."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from uuid import UUID

import structlog

from services.notify.domain.delivery import Failure, Verdict, judge
from services.notify.domain.line import Held, Line
from services.notify.ports import Provider
from shared.contracts.notice import NoticeState
from shared.contracts.order import MAX_ORDERS, Receipt
from shared.contracts.pack import ChannelPolicy
from shared.runtime.tracing import about, trace_id

MAX_REQUESTS = 4
"""Requests in flight per provider."""
SLOW_S = 0.01
"""A second request is opened while one is out only for a full batch, or when that one is slow.

A request costs the gateway and us the same whatever it holds: waiting for the answer of the one that
is out lets what arrives meanwhile share the next.
"""
MAX_HELD = 20_000
"""Notices in memory; more wait in the ledger until there is room."""

_log = structlog.get_logger()

Settle = Callable[[Held, Verdict], None]
"""Told what became of a notice."""

Ours = Callable[[], Awaitable[None]]
"""Awaited before a request: makes sure that the rows are still this process's (a stopped one lost them)."""


class Sender:
    """Sends the notices of one channel until cancelled."""

    def __init__(
        self, channel: str, provider: Provider, policy: ChannelPolicy, settle: Settle, ours: Ours
    ) -> None:
        self.name = f"send.{channel}"
        self.waiting: str | None = None
        self.line = Line()
        self._provider = provider
        self._policy = policy
        self._settle = settle
        self._ours = ours
        self._awake = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()
        self._last_start = 0.0
        self._running = False
        self._broken: BaseException | None = None

    def add(self, *notices: Held) -> None:
        """Take *notices* in; those whose line is free leave at once, in one request."""
        now = time.monotonic()
        for held in notices:
            if held.pointless is not None:
                self._settle(held, Verdict(NoticeState.SUPERSEDED, reason=held.pointless))
            else:
                self.line.add(held, now)
        self._go_on()

    def overtaken(self, notice_id: UUID, reason: str) -> None:
        """Do not send this one any more, unless it is out just now."""
        held = self.line.overtaken(notice_id, reason, time.monotonic())
        if held is not None:
            self._settle(held, Verdict(NoticeState.SUPERSEDED, reason=reason))
            self._awake.set()

    def forget(self, notice_id: UUID) -> None:
        """Let go of one that is another process's now."""
        held = self.line.get(notice_id)
        if held is not None:
            self.line.done(held, time.monotonic())
            self._awake.set()

    async def run(self) -> None:
        """Send until cancelled; what is out then is sent again by whoever takes the rows over."""
        self._running = True
        try:
            while True:
                self._awake.clear()
                if self._broken is not None:
                    raise self._broken
                self._open_requests()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._awake.wait()
        finally:
            self._running = False
            for task in self._requests:
                task.cancel()
            await asyncio.gather(*self._requests, return_exceptions=True)

    def _open_requests(self) -> None:
        now = time.monotonic()
        while self._may_open(now):
            batch = self.line.take(now, MAX_ORDERS)
            if not batch:
                return
            self._last_start = now
            task = asyncio.create_task(self._request(batch))
            self._requests.add(task)
            task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        if not task.cancelled():  # another request that ends well at this moment hides nothing
            self._broken = self._broken or task.exception()
        self._go_on()

    def _go_on(self) -> None:
        """Open what may be opened, at once: by way of our own task it would be a turn of everybody's later.

        That one is woken for what has to wait for its moment, and to fail.
        """
        if self._running and self._broken is None:
            self._open_requests()
        if self._broken is not None or self._pause() is not None:
            self._awake.set()

    def _may_open(self, now: float) -> bool:
        if not self._requests:
            return True
        if len(self._requests) >= MAX_REQUESTS:
            return False
        return self.line.ready >= MAX_ORDERS or now - self._last_start >= SLOW_S

    def _pause(self) -> float | None:
        """Return the seconds until something may change by itself, None if only a wake can."""
        moments = []
        if self._requests and self.line.ready and len(self._requests) < MAX_REQUESTS:
            moments.append(self._last_start + SLOW_S)
        due = self.line.next_due()
        if due is not None and len(self._requests) < MAX_REQUESTS:
            moments.append(due)
        if not moments:
            return None
        return max(0.0, min(moments) - time.monotonic()) + 0.001

    async def _request(self, batch: Sequence[Held]) -> None:
        await self._ours()
        kept = [held for held in batch if held.notice_id in self.line]
        if not kept:
            return
        started = time.monotonic()
        with about(lambda: map(_ids_of, kept)):
            answer = await self._provider.send([held.body for held in kept])
            _log.debug("notices sent", channel=self.name, answered=not isinstance(answer, Failure))
        now = time.monotonic()
        for held in kept:
            held.first_tried = held.first_tried or started
            held.attempts += 1
            receipt = answer if isinstance(answer, Failure) else answer.get(held.notice_id)
            self._answered(held, receipt, now)

    def _answered(self, held: Held, receipt: Receipt | Failure | None, now: float) -> None:
        tried_for = now - (held.first_tried or now)
        verdict = judge(receipt, held.attempts, tried_for, self._policy)
        if verdict.state is NoticeState.QUEUED and held.pointless is not None:
            verdict = Verdict(NoticeState.SUPERSEDED, reason=held.pointless)
        if verdict.state is NoticeState.QUEUED:
            held.alone = held.alone or verdict.alone
            self.line.again(held, now + verdict.wait_s)
        else:
            self.line.done(held, now)
        self._settle(held, verdict)


class Senders:
    """All channels of this process: the port `Office`. `settling` holds what is answered, not yet written."""

    def __init__(self, senders: Mapping[str, Sender], settling: Container[UUID] = ()) -> None:
        self.by_channel = senders
        self._settling = settling

    @property
    def has_room(self) -> bool:
        """Whether more may be taken into memory."""
        return sum(len(sender.line) for sender in self.by_channel.values()) < MAX_HELD

    def __contains__(self, notice_id: UUID) -> bool:
        return notice_id in self._settling or any(
            notice_id in sender.line for sender in self.by_channel.values()
        )

    def accept(self, notices: Sequence[Held]) -> None:
        """Take notices whose rows are committed."""
        by_channel: dict[str, list[Held]] = {}
        for held in notices:
            by_channel.setdefault(held.order.channel, []).append(held)
        for channel, mine in by_channel.items():
            self.by_channel[channel].add(*mine)

    def overtake(self, reasons: Mapping[UUID, str]) -> None:
        """Take out what need not be sent any more."""
        for notice_id, reason in reasons.items():
            for sender in self.by_channel.values():
                sender.overtaken(notice_id, reason)

    def forget(self, notice_id: UUID) -> None:
        """Let go of one that is another process's now."""
        for sender in self.by_channel.values():
            sender.forget(notice_id)

    def held(self) -> list[UUID]:
        """Return the ids of all notices in memory."""
        return [key for sender in self.by_channel.values() for key in sender.line.ids()]


def _ids_of(held: Held) -> dict[str, str]:
    ids = {"notice": str(held.notice_id), "incident": str(held.order.incident_id)}
    if (trace := trace_id(held.trace)) is not None:
        ids["trace"] = trace
    return ids
