"""A consumer that waits for a person says so: once for each reason, and again while it stands."""

from __future__ import annotations

from typing import Any

from shared.contracts.values import Lane
from shared.runtime.bus import Partition
from shared.runtime.distress import AGAIN_S, Distress, halt_id
from shared.runtime.errors import Unavailable
from shared.runtime.events import unpack_headers
from shared.runtime.store import OUTBOX, Store, Work

PLACES = [Partition("sla.urgent.v1", 3), Partition("incident.urgent.v1", 7)]


class Outbox(Store):
    """A store in memory: remembers what was said, or is away."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.away = False

    async def commit(self, work: Work) -> None:
        if self.away:
            raise Unavailable("PostgreSQL")
        self.said += work.rows[OUTBOX]


class Caller:
    """A halted consumer under a hand-driven clock."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.now = 0.0
        self._distress = Distress(
            "notify.urgent", self.outbox, Lane.URGENT, monotonic=lambda: self.now
        )

    async def calls(self, why: str, at: float) -> int:
        """Call at this moment; return how often it was said by now."""
        self.now = at
        await self._distress.call(PLACES, why)
        return len(self.outbox.said)


async def test_it_is_said_once_for_each_reason_and_again_while_it_stands() -> None:
    """It looks every two seconds; people hear of it, not the log of every look."""
    caller = Caller()
    steps = [("gap", 0.0), ("gap", 2.0), ("limit", 4.0), ("limit", AGAIN_S), ("limit", AGAIN_S + 4)]

    assert [1, 1, 2, 2, 3] == [await caller.calls(why, at) for why, at in steps]


async def test_what_cannot_be_written_is_said_later() -> None:
    """The database may be what is broken."""
    caller = Caller()
    caller.outbox.away = True
    early = await caller.calls("gap", 0.0)
    caller.outbox.away = False

    assert (0, 1) == (early, await caller.calls("gap", 2.0))


async def test_the_word_is_no_letter() -> None:
    """On a twin of what it hears, by its own outbox: who stands still, and nothing of any record."""
    caller = Caller()
    await caller.calls("13800138000 is no event", 0.0)
    ((lane, topic, key, headers, value),) = caller.outbox.said

    assert (0, "incident.urgent.v1.dead", b"notify.urgent", None) == (lane, topic, key, value)
    assert {
        "dead_reason": b"halted",
        "dead_consumer": b"notify.urgent",
        "dead_halt": halt_id("13800138000 is no event").encode(),
    } == dict(unpack_headers(headers))
    assert "13800138000" not in halt_id("13800138000 is no event")
