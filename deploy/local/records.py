"""What a demo's account is made of: the drill's journal, and the services' own records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from msgspec import Struct

from shared.contracts.incident import Incident


class SentCall(Struct, kw_only=True):
    """A request as the drill's journal has it; `sent_at` wall seconds since the epoch."""

    name: str
    source: str
    number: str | None
    sent_at: float
    answered: str
    status: int
    expected: bool
    feed: str = "calls"
    malformed: str | None = None
    call_id: UUID | None = None
    feedback_id: UUID | None = None


class SentCommand(Struct, kw_only=True):
    """A command as the drill's journal has it."""

    command: str
    step: str
    assignment: UUID
    answered: str
    status: int
    reason: str | None = None
    feedback_id: UUID | None = None


class SeenNotice(Struct, kw_only=True):
    """A notice as the played provider saw it."""

    notice_id: UUID
    incident_id: UUID
    assignment_id: UUID | None
    channel: str
    purpose: str
    first_at: float
    times: int
    accepted: bool


class Journal(Struct, kw_only=True):
    """The drill's own account of a run."""

    calls: dict[str, SentCall]
    commands: dict[str, SentCommand]
    notices: dict[UUID, SeenNotice]


class LedgerRow(Struct, frozen=True, kw_only=True):
    """A row of notify's ledger."""

    notice_id: UUID
    incident_id: UUID
    cause: UUID
    recipient: str
    channel: str
    purpose: str
    state: str
    assignment_id: UUID | None


@dataclass(frozen=True)
class Records:
    """What the services wrote down themselves."""

    calls: frozenset[UUID]
    feedback: frozenset[UUID]
    parked: frozenset[UUID]
    incidents: Mapping[UUID, Incident]
    ledger: Sequence[LedgerRow]
