"""The drill's own account: how every item it sent ended, and every notice it was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from services.drill.domain.plan import Answered, Feed
from shared.contracts.order import Order


@dataclass(slots=True, kw_only=True)
class SentCall:
    """One request to intake: wall times in seconds since the epoch, ids as intake answered them."""

    name: str
    source: str
    number: str | None
    sent_at: float
    answered: Answered
    status: int
    attempts: int
    expected: bool
    feed: str
    malformed: str | None = None
    call_id: UUID | None = None
    feedback_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class SentCommand:
    """One command to router; `reason` is the problem's named reason where it was refused.

    One that was passed on by a hotline has the id intake gave it.
    """

    command: str
    step: str
    assignment: UUID
    answered: Answered
    status: int
    attempts: int
    reason: str | None = None
    feedback_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class Received:
    """One notice as the provider saw it: `first_at` wall seconds since the epoch, `times` seen."""

    notice_id: UUID
    incident_id: UUID
    assignment_id: UUID | None
    channel: str
    purpose: str
    unit: str | None
    first_at: float
    times: int = 1
    accepted: bool = False


@dataclass
class Journal:
    """Everything of one run; nothing that was sent is ever missing here.

    `kept` limits the notices remembered, oldest forgotten first; None keeps all.
    """

    kept: int | None = None

    calls: dict[str, SentCall] = field(default_factory=dict)
    commands: dict[str, SentCommand] = field(default_factory=dict)
    notices: dict[UUID, Received] = field(default_factory=dict)
    not_played: Counter[str] = field(default_factory=Counter)

    def received(self, order: Order, at: float) -> Received:
        """Note that *order* came at wall time *at*; returns its entry."""
        entry = self.notices.get(order.notice_id)
        if entry is None:
            entry = self.notices[order.notice_id] = Received(
                notice_id=order.notice_id,
                incident_id=order.incident_id,
                assignment_id=order.assignment_id,
                channel=order.channel,
                purpose=order.purpose,
                unit=order.unit,
                first_at=at,
            )
            if self.kept is not None and len(self.notices) > self.kept:
                del self.notices[next(iter(self.notices))]
        else:
            entry.times += 1
        return entry

    def progress(self) -> dict[str, object]:
        """Return the counts a person watches."""
        records = [call for call in self.calls.values() if call.feed == Feed.CALLS]
        calls = Counter(call.answered.value for call in records)
        commands = Counter(command.answered.value for command in self.commands.values())
        return {
            "calls": dict(calls) | {"sent": len(records)},
            "commands": dict(commands) | {"sent": len(self.commands)},
            "notices": {
                "received": len(self.notices),
                "accepted": sum(entry.accepted for entry in self.notices.values()),
                "repeated": sum(entry.times - 1 for entry in self.notices.values()),
            },
            "not_played": dict(self.not_played),
        }
