"""Fakes the drill plays on in tests: a clock that jumps, a timeline run by hand, doors that note."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import UUID

from services.drill.domain.plan import Answered, Send
from services.drill.domain.unit_play import Act
from services.drill.ports import Answer, Awaiting
from shared.contracts import ids
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.values import Lane
from shared.runtime.packs import load_pack

T0 = datetime(2026, 11, 23, 1, tzinfo=UTC)
PACK = load_pack(Path(__file__).parents[3] / "deploy" / "regions" / "xianju")


@dataclass
class HandClock:
    """Platform time that stands still until it is moved."""

    at: datetime = T0
    speed: float = 1.0

    def now(self) -> datetime:
        """Return platform time, UTC."""
        return self.at


@dataclass
class HandTimeline:
    """Does everything planned, in order, moving the clock; nothing after `horizon`."""

    clock: HandClock
    horizon: datetime | None = None
    _heap: list[tuple[datetime, int, Callable[[], Awaitable[None]]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def at(self, moment: datetime, action: Callable[[], Awaitable[None]], what: str) -> bool:
        """Plan *action*."""
        del what
        if self.horizon is not None and moment > self.horizon:
            return False
        heapq.heappush(self._heap, (moment, next(self._order), action))
        return True

    async def play(self) -> None:
        """Do everything."""
        while self._heap:
            moment, _, action = heapq.heappop(self._heap)
            self.clock.at = max(self.clock.at, moment)
            await action()


def answer(answered: Answered = Answered.ACCEPTED, **fields: object) -> Answer:
    """Return what a door said."""
    body = fields.pop("body", {})
    assert isinstance(body, dict)
    reason = fields.pop("reason", None)
    return Answer(
        answered=answered,
        status=202,
        attempts=1,
        sent_at=1.0,
        body=body,
        reason=str(reason) if reason else None,
    )


@dataclass
class NotingDoors:
    """Both services: notes what it is asked, refuses what `refuses` says."""

    refuses: Callable[[Act], bool] = lambda _: False
    waiting: list[Awaiting] = field(default_factory=list)
    sent: list[Send] = field(default_factory=list)
    records: list[tuple[str, bytes]] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    waived: list[UUID] = field(default_factory=list)
    decided: list[Awaiting] = field(default_factory=list)

    async def send(self, send: Send) -> Answer:
        """Note a record; the call id is made as intake makes it."""
        self.sent.append(send)
        return answer(body={"call_id": str(ids.call_id(send.source, send.number or ""))})

    async def handling(self, source: str, body: bytes) -> Answer:
        """Note a handling record."""
        self.records.append((source, body))
        return answer()

    async def command(self, act: Act) -> Answer:
        """Note an act."""
        self.acts.append(act)
        return answer(Answered.REJECTED, reason="no") if self.refuses(act) else answer()

    async def awaiting(self) -> Sequence[Awaiting]:
        """Return what waits."""
        return tuple(self.waiting)

    async def decide(self, matter: Awaiting) -> Answer:
        """Note a decision."""
        self.decided.append(matter)
        return answer()

    async def waive_arrival(self, assignment: UUID, command: str) -> Answer:
        """Note a waiver."""
        del command
        self.waived.append(assignment)
        return answer()


def an_order(**fields: object) -> Order:
    """Return a webhook order that sends xj-rescue to the county town."""
    plain: dict[str, object] = {
        "notice_id": UUID(int=1),
        "incident_id": UUID(int=2),
        "number": "XJ-1",
        "recipient": "xj-rescue",
        "address": "/units/xj-rescue",
        "channel": "webhook",
        "purpose": Purpose.DISPATCH,
        "lane": Lane.URGENT,
        "text": "演练",
        "assignment_id": UUID(int=3),
        "unit": "xj-rescue",
        "area": "331024001",
        "longitude": 120.728,
        "latitude": 28.851,
        "queued_at": T0,
    }
    return Order(**(plain | fields))  # type: ignore[arg-type]
