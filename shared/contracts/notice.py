"""Notices with their proof, and the redacted feed of a department."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.incident import AssignmentState, Change, IncidentState, Role
from shared.contracts.values import Instant, Lane, Line, OpenEnum


class NoticeState(OpenEnum):
    """Where a notice stands."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    ACKNOWLEDGED = "acknowledged"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


class Purpose(OpenEnum):
    """Why somebody is told."""

    DISPATCH = "dispatch"
    STANDBY = "standby"
    RELEASE = "release"
    WARNING = "warning"
    BREACH = "breach"
    CORRECTION = "correction"
    WIDEN = "widen"
    SHORTFALL = "shortfall"
    LEADERS = "leaders"
    FALLBACK = "fallback"
    WATCHDOG = "watchdog"
    DIGEST = "digest"
    UNKNOWN = "unknown"


class NoticeEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`notice.events`: one notice at one version; times UTC (platform), `at` since when it is so.

    `provider_ref` is the provider's own number: a token of up to 64 letters, digits and `._:^~+/=-`
    that shows no person, or `sha256:` and 32 hex digits in place of anything else. A delivered order is
    acknowledged once its unit has taken the duty, `at` the unit's own stamp. A notice that waited too
    long is superseded with reason `digested`: another one (purpose digest) stands for it.
    """

    notice_id: UUID
    version: int
    incident_id: UUID
    cause: UUID
    assignment_id: UUID | None = None
    recipient: str
    channel: str
    purpose: Purpose
    state: NoticeState
    attempts: int
    queued_at: Instant
    at: Instant
    provider_ref: str | None = None
    reason: str | None = None
    region: str
    lane: Lane
    exercise: bool = False


class FeedAssignment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the department's own units in the incident."""

    assignment_id: UUID
    unit: str
    role: Role
    state: AssignmentState


class FeedState(OpenEnum):
    """Whether the department still has the incident."""

    CURRENT = "current"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    UNKNOWN = "unknown"


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`feed.<department>`: redacted current state; highest version wins (compacted topic).

    Holds the grid (area) but neither caller nor narrative nor exact place.
    """

    incident_id: UUID
    number: str
    version: int
    department: str
    feed_state: FeedState
    state: IncidentState
    line: Line
    category: str
    severity: int
    area: str | None
    received_at: Instant
    assignments: tuple[FeedAssignment, ...]
    changes: tuple[Change, ...]
    merged_into: UUID | None = None
    exercise: bool = False
