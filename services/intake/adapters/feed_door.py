"""The hot doors: hotlines post records, single or as NDJSON; bare ASGI, nothing of a framework."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import Receive, Scope

from services.intake.adapters.body import (
    LINES,
    BadBody,
    TooLarge,
    canonical,
    media_type,
    parse,
    whole,
)
from services.intake.adapters.gate import Admitted, Gate, Headers
from services.intake.adapters.replies import WORDS, Reply, invalid, refused, taken, together
from services.intake.adapters.submissions import OutboxFull
from services.intake.config import Settings
from services.intake.domain.faults import Refused
from services.intake.domain.reading import Hotline
from services.intake.domain.rejection import reasons
from services.intake.domain.times import Horizon
from services.intake.handlers import Answer, Handed, HandedRefusal
from shared.contracts.problems import Problem
from shared.runtime import metrics
from shared.runtime.errors import Unavailable
from shared.runtime.group import Busy
from shared.runtime.tracing import trace_of

_log = structlog.get_logger()
RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Feed:
    """One kind of record: its path, its id's name in the answer, how it is read, who takes it in."""

    name: str
    id_name: str
    read: Callable[[Mapping[str, Any], Hotline, Horizon], Any | Refused]
    submit: Callable[[Any, Handed], Awaitable[Answer]]


@dataclass(frozen=True)
class FeedDoor:
    """Answers FEEDS 5: nothing is lost in silence, nothing is 202 before its commit."""

    gate: Gate
    feeds: Sequence[Feed]
    settings: Settings
    refuse: Callable[[HandedRefusal], Awaitable[None]]
    digest: Callable[[bytes], bytes]
    horizon: Callable[[], Horizon]

    def __post_init__(self) -> None:
        for source in self.gate.sources:
            for word in WORDS:
                _counter(source, word)

    async def post(self, feed: Feed, source: str, scope: Scope, receive: Receive) -> Reply:
        """Answer one request to *feed* of *source*: a record, or a batch of them as NDJSON."""
        began = time.perf_counter()
        headers = dict(reversed(scope["headers"]))  # the first of several counts
        admitted = self.gate.admit(source, headers, trace_of(scope))
        if isinstance(admitted, Reply):
            reply = admitted
        else:
            reply = await self._read(feed, admitted, headers, receive)
        _seconds(feed.name, reply.status).observe(time.perf_counter() - began)
        return reply

    async def _read(
        self, feed: Feed, admitted: Admitted, headers: Headers, receive: Receive
    ) -> Reply:
        try:
            kind = media_type(headers, admitted.hotline.source.charset)
        except BadBody as bad:
            return await self._unreadable(admitted, bad, b"")
        limit = self.settings.batch_limit if kind == LINES else self.settings.body_limit
        try:
            raw = await whole(receive, headers.get(b"content-length", b""), limit)
        except TooLarge:
            return await self._too_large(admitted, limit)
        if kind == LINES:
            return await self._take_lines(feed, admitted, raw)
        return await self._take(feed, admitted, raw)

    async def _take_lines(self, feed: Feed, admitted: Admitted, raw: bytes) -> Reply:
        lines = [line for line in raw.split(b"\n") if line.strip()]
        if len(lines) > self.settings.batch_lines:
            return await self._too_large(admitted, self.settings.batch_limit)
        # an empty batch is refused as the one empty record it holds
        taking = [self._take(feed, admitted, line) for line in lines or [raw]]
        return together(await asyncio.gather(*taking))

    async def _take(self, feed: Feed, admitted: Admitted, raw: bytes) -> Reply:
        source = admitted.hotline.source
        if len(raw) > self.settings.body_limit:
            return await self._too_large(admitted, self.settings.body_limit)
        try:
            body = parse(raw, source.charset)
            digest = self.digest(canonical(body))
        except BadBody as bad:
            return await self._unreadable(admitted, bad, raw)
        handed = Handed(source, digest, body, len(raw), admitted.exercise, admitted.trace)
        reading = feed.read(body, admitted.hotline, self.horizon())
        if isinstance(reading, Refused):
            refusal = HandedRefusal(reading.source_id, reasons(reading.faults), handed)
            return await self._told(refusal, invalid(reading.faults))
        for field in reading.unknown_codes:
            metrics.UNKNOWN_CODES.labels(source.id, field).inc()
        return await self._counted(source.id, self._submitted(feed, reading, handed))

    @staticmethod
    async def _submitted(feed: Feed, reading: Any, handed: Handed) -> Reply:
        return taken(await feed.submit(reading, handed), feed.id_name)

    async def _unreadable(self, admitted: Admitted, bad: BadBody, raw: bytes) -> Reply:
        handed = self._handed(admitted, raw or _unseen(admitted), len(raw))
        refusal = HandedRefusal(None, (str(bad.problem),), handed)
        return await self._told(refusal, refused(bad.problem, bad.detail))

    async def _too_large(self, admitted: Admitted, limit: int) -> Reply:
        handed = self._handed(admitted, _unseen(admitted), limit)
        refusal = HandedRefusal(None, (str(Problem.TOO_LARGE),), handed)
        return await self._told(refusal, refused(Problem.TOO_LARGE, f"at most {limit} bytes"))

    def _handed(self, admitted: Admitted, seen: bytes, size: int) -> Handed:
        return Handed(
            admitted.hotline.source,
            self.digest(seen),
            None,
            size,
            admitted.exercise,
            admitted.trace,
        )

    async def _told(self, refusal: HandedRefusal, reply: Reply) -> Reply:
        """Return *reply* once the refusal itself is durable, so that the desk learns of it."""
        source = refusal.handed.source.id
        _log.warning("refused", source=source, why=refusal.reasons, trace=refusal.handed.trace)
        return await self._counted(source, self._after(refusal, reply))

    async def _after(self, refusal: HandedRefusal, reply: Reply) -> Reply:
        await self.refuse(refusal)
        return reply

    @staticmethod
    async def _counted(source: str, answer: Awaitable[Reply]) -> Reply:
        """Return *answer*, or why it could not be made durable; never an acceptance of that."""
        try:
            reply = await answer
        except Busy:
            detail = "too many requests are waiting"
            reply = refused(Problem.BUSY, detail, retry_after_s=RETRY_AFTER_S)
        except OutboxFull:
            detail = "too much waits to be sent on; this lane is refused for now"
            reply = refused(
                Problem.NOT_DURABLE, detail, reason="outbox_full", retry_after_s=RETRY_AFTER_S
            )
        except Unavailable:
            detail = "whether it was stored is not known; sending it again does no harm"
            reply = refused(Problem.NOT_DURABLE, detail, retry_after_s=RETRY_AFTER_S)
        _counter(source, reply.word).inc()
        return reply


def _unseen(admitted: Admitted) -> bytes:
    """Stand-in for a body that was not read: two of them are two, whatever they held."""
    return admitted.trace.encode()


@cache
def _counter(source: str, word: str) -> Counter:
    return metrics.CALLS.labels(source, word)


@cache
def _seconds(feed: str, status: int) -> Histogram:
    return metrics.HTTP_SECONDS.labels(feed, str(status))
