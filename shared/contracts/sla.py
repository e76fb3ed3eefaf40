"""Clocks as sla says them: the whole set of an incident's clocks, and what changed."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.supervision import Supervision, SupervisionChange
from shared.contracts.values import Instant, Lane, OpenEnum


class ClockKind(OpenEnum):
    """What a clock limits."""

    ACCEPT = "accept"
    DISPATCH = "dispatch"
    ACK = "ack"
    TURNOUT = "turnout"
    ARRIVAL = "arrival"
    ASSEMBLY = "assembly"
    HANDLE = "handle"
    FEEDBACK = "feedback"
    VERIFY = "verify"
    REPORT_FIRST = "report_first"
    UNKNOWN = "unknown"


class ClockState(OpenEnum):
    """DOMAIN §4."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    CANCELLED = "cancelled"
    VOID = "void"
    UNKNOWN = "unknown"


class ClockChangeKind(OpenEnum):
    """What happened to a clock."""

    STARTED = "started"
    WARNED = "warned"
    BREACHED = "breached"
    MET = "met"
    PAUSED = "paused"
    RESUMED = "resumed"
    EXTENDED = "extended"
    CORRECTED = "corrected"
    VOIDED = "voided"
    REMATCHED = "rematched"
    UNKNOWN = "unknown"


class Clock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One time limit; times UTC, lengths in seconds. `rule` and its version fix why.

    `state` judges: stopped at or before due is met, later is breached (with `stopped` once it came).
    A breach is never deleted: `breached_at` (when it was found) stays when a late stamp proves it
    met (`corrected`). `warn_at` are shares of the limit, `warned` those said; `grace_s` waits before
    firing. `earlier_due` are the due times before a re-match; `paused_s` moved the due time
    (`resumed_at`: when it last went on).
    """

    clock_id: UUID
    kind: ClockKind
    rule: str
    rule_version: str
    assignment_id: UUID | None = None
    unit: str | None = None
    started: Instant
    due: Instant
    limit_s: float
    state: ClockState
    judged: bool = True
    day: bool = True
    warned: tuple[float, ...] = ()
    stopped: Instant | None = None
    breached_at: Instant | None = None
    found_late: bool = False
    corrected: bool = False
    exempt: bool = False
    overdue_s: float = 0.0
    warn_at: tuple[float, ...] = ()
    grace_s: float = 0.0
    paused_s: float = 0.0
    resumed_at: Instant | None = None
    earlier_due: tuple[Instant, ...] = ()


class ClockChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one clock; `share` for warnings, `level` for a breach's supervision level."""

    kind: ClockChangeKind
    clock_id: UUID
    clock: ClockKind
    at: Instant
    assignment_id: UUID | None = None
    unit: str | None = None
    share: float | None = None
    level: int | None = None
    reason: str | None = None


class SlaEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`sla.urgent`, `sla.ordinary`: the incident's set of clocks at `version`.

    `incident_version` is the newest incident event the set was derived from; `supervisions` are the
    incident's, open and closed.
    """

    incident_id: UUID
    number: str
    version: int
    incident_version: int
    region: str
    lane: Lane
    clocks: tuple[Clock, ...]
    changes: tuple[ClockChange, ...]
    exercise: bool = False
    supervisions: tuple[Supervision, ...] = ()
    supervision_changes: tuple[SupervisionChange, ...] = ()


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Said every 10 s of wall time on both lanes, so that silence can be told from peace."""

    instance: str
    beat: int
    said_at: Instant
    open_clocks: int
    oldest_overdue_s: float
