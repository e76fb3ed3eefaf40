"""Supervision: the ladder of reminders 催办, supervision 督办 and notice of criticism 通报 (DOMAIN §4)."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.values import Instant, OpenEnum


class SupervisionKind(OpenEnum):
    """What opened it."""

    TIMEOUT = "timeout"
    LEADER = "leader"
    KEY_CASE = "key_case"
    UNKNOWN = "unknown"


class SupervisionChangeKind(OpenEnum):
    """What happened to a supervision."""

    OPENED = "opened"
    CLIMBED = "climbed"
    ANSWERED = "answered"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Supervision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One supervision of one incident; times UTC.

    `level` is the highest rung reached (1 催办, 2 督办, 3 通报). `due` is by when it has to be closed,
    `answered_at` when the unit acted, `closed_at` when the matter was settled. `clock_id` names
    the breach that opened it, None where a leader did.
    """

    supervision_id: UUID
    kind: SupervisionKind
    level: int
    clock_id: UUID | None = None
    assignment_id: UUID | None = None
    unit: str | None = None
    opened_at: Instant
    due: Instant | None = None
    answered_at: Instant | None = None
    closed_at: Instant | None = None


class SupervisionChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one supervision."""

    kind: SupervisionChangeKind
    supervision_id: UUID
    at: Instant
    level: int | None = None
