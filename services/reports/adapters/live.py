"""Faust hears the topics for the live picture; nothing else of the platform rests on it (ENGINE, Faust).

Bounded on purpose: one agent, concurrency 1, at least once, memory store and no tables, nothing
produced through it. Whatever a record does, it is answered here: an agent that raises would have its
record acknowledged and skipped without a trace.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust
import structlog

from shared.runtime.bus import Partition, Record

GROUP = "reports.live"
_LOOK_S = 0.2
_STOP_S = 5.0
_log = structlog.get_logger()

for _name in ("faust", "mode"):  # what crashes them is raised by us, without what was sent
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class FaustEnded(Exception):
    """Faust stopped or crashed: the process ends and the supervisor starts it again."""


class FaustStream:
    """Hands every new record of *topics* to `hear`; what it raises goes to `bury`, and on to the next.

    Begins at the end of each partition, or where its group was; what it missed stands in the facts.
    """

    name = "live stream"

    def __init__(
        self,
        address: str,
        topics: Sequence[str],
        hear: Callable[[Record], None],
        bury: Callable[[Record, Exception], Awaitable[None]],
        *,
        group: str = GROUP,
    ) -> None:
        self.waiting: str | None = "partitions"
        self._address, self._topics, self._group = address, list(topics), group
        self._hear, self._bury = hear, bury

    async def run(self) -> None:
        """Hear until cancelled; raises FaustEnded."""
        with tempfile.TemporaryDirectory(prefix="liandong-live-") as folder:
            app = self._app(folder)
            try:
                await app.start()
                while not app.should_stop:
                    self.waiting = None if app.consumer.assignment() else "partitions"
                    await asyncio.sleep(_LOOK_S)
                raise FaustEnded(f"Faust ended: {type(app.crash_reason).__name__}")
            finally:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_STOP_S):
                        await app.stop()

    def _app(self, folder: str) -> Any:
        app = faust.App(
            self._group,
            broker=f"kafka://{self._address}",
            store="memory://",
            datadir=folder,
            processing_guarantee="at_least_once",
            consumer_auto_offset_reset="latest",
            broker_session_timeout=6.0,
            broker_heartbeat_interval=1.5,
            topic_disable_leader=True,
            topic_allow_declare=False,
            web_enabled=False,
            stream_wait_empty=False,
        )
        topic = app.topic(*self._topics, key_serializer="raw", value_serializer="raw")
        app.agent(topic, concurrency=1)(self._listen)
        return app

    async def _listen(self, stream: Any) -> None:
        async for event in stream.events():
            record = _record(event.message)
            try:
                self._hear(record)
            except Exception as error:  # noqa: BLE001 - Faust would skip it and say nothing
                await self._bury(record, error)


def _record(message: Any) -> Record:
    return Record(
        Partition(message.topic, message.partition),
        message.offset,
        message.key,
        message.value,
        tuple((name, value or b"") for name, value in message.headers or ()),
    )
