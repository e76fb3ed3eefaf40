"""What the drill needs: a clock, a timeline to act on, and the platform's public doors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.drill.domain.plan import Answered, Send
from services.drill.domain.unit_play import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a door answered in the end: `sent_at` is when it was first asked (wall, epoch seconds).

    `status` is 0 where nobody answered; `reason` the problem's named reason.
    """

    answered: Answered
    status: int
    attempts: int
    sent_at: float
    body: dict[str, Any]
    reason: str | None = None


class Clock(Protocol):
    """Platform time."""

    speed: float

    def now(self) -> datetime:
        """Return platform time, UTC."""


class Timeline(Protocol):
    """Does things when their platform time has come."""

    def at(self, moment: datetime, action: Callable[[], Awaitable[None]], what: str) -> bool:
        """Plan *action*; False where *moment* lies after the horizon, so that it is never done."""


class Hotlines(Protocol):
    """Intake's doors."""

    async def send(self, send: Send) -> Answer:
        """Send one record with the source's key; never raises for an answer."""

    async def handling(self, source: str, body: bytes) -> Answer:
        """Send a unit's handling record with its hotline's key; never raises for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """Something the desk has to decide: `kind` is `check` or `return`."""

    kind: str
    incident: UUID
    assignment: UUID | None = None


class Centre(Protocol):
    """Router's doors, for units and for the desk."""

    async def command(self, act: Act) -> Answer:
        """Send a unit's act; never raises for an answer."""

    async def awaiting(self) -> Sequence[Awaiting]:
        """Return what waits for the desk."""

    async def decide(self, matter: Awaiting) -> Answer:
        """Close a checked incident, or decide on a return."""

    async def waive_arrival(self, assignment: UUID, command: str) -> Answer:
        """Say that a duty is handled remotely (DOMAIN §3, row 10)."""
