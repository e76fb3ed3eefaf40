"""The relay's reading while rows are handed over: bounded, and nothing taken twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from shared.runtime.bus import Outgoing
from shared.runtime.database import Database
from shared.runtime.memory import MemoryBroker, MemorySink
from shared.runtime.relay import BATCH, Relay
from shared.runtime.store import OUTBOX, Work
from tests.engine import beat


class Stuck(MemorySink):
    """A broker that never answers."""

    async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
        await asyncio.Event().wait()
        return [None] * len(records)


class Reading:
    """The relay's connection: while it reads, this process commits *meanwhile*."""

    def __init__(self, relay: Relay, found: Work, meanwhile: Work) -> None:
        self.asked: list[tuple[int, int]] = []
        self._relay = relay
        self._found = found
        self._meanwhile = meanwhile

    async def fetch(self, _: str, urgent: int, ordinary: int, known: list[int]) -> list[Any]:
        """Return what another instance wrote, as rows of the outbox."""
        self.asked.append((urgent, ordinary))
        self._relay.written(self._meanwhile.written(range(10_000, 10_000 + BATCH)))
        names = ("lane", "topic", "key", "headers", "value")
        rows = enumerate(self._found.rows[OUTBOX][:urgent])
        return [
            {"seq": n, **dict(zip(names, row, strict=True))} for n, row in rows if n not in known
        ]


def said(count: int) -> Work:
    """Return *count* first events of as many aggregates."""
    work = Work()
    for _ in range(count):
        work.publish(beat(uuid4(), 1, topic="out"))
    return work


async def test_a_full_queue_asks_for_nothing_instead_of_less_than_nothing() -> None:
    """§4.4: handed over and read at once, more than a batch may wait; then nothing more is read."""
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", schema="router", instance="none")
    relay = Relay(nowhere, Stuck(MemoryBroker({})))
    relay._held = relay._none_parked = True  # noqa: SLF001 - as after the lock was taken
    relay.written(said(1).written([1]))  # in flight, and stays there
    reading = Reading(relay, said(BATCH), said(BATCH))

    for _ in range(2):
        await relay._read(reading)  # noqa: SLF001 - the connection is the relay's own

    assert [(BATCH, BATCH), (0, BATCH)] == reading.asked
