"""Incidents as router says them: every event carries the whole state it leads to."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.appeal import Appeal
from shared.contracts.call import Sheet
from shared.contracts.call_back import CallBack
from shared.contracts.deferral import Deferral
from shared.contracts.upward_report import UpwardReport
from shared.contracts.values import Instant, Lane, Line, OpenEnum


class IncidentState(OpenEnum):
    """DOMAIN §3, incident."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    ON_SCENE = "on_scene"
    HANDLED = "handled"
    VERIFYING = "verifying"
    CLOSED = "closed"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    TRANSFERRED = "transferred"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    UNKNOWN = "unknown"


class AssignmentState(OpenEnum):
    """DOMAIN §3, assignment."""

    STANDBY = "standby"
    SENT = "sent"
    ACKED = "acked"
    TURNED_OUT = "turned_out"
    ASSEMBLED = "assembled"
    ARRIVED = "arrived"
    ENDED = "ended"
    FED_BACK = "fed_back"
    RELEASED = "released"
    RETURNED = "returned"
    REASSIGNED = "reassigned"
    REDUNDANT = "redundant"
    UNKNOWN = "unknown"


class Role(OpenEnum):
    """Lead 主办, support 协办, or named as backup."""

    LEAD = "lead"
    SUPPORT = "support"
    STANDBY = "standby"
    UNKNOWN = "unknown"


class Origin(OpenEnum):
    """How the duty came about; self-dispatched is the double track 双轨制 (P12)."""

    DISPATCHED = "dispatched"
    SELF_DISPATCHED = "self_dispatched"
    STANDBY = "standby"
    UNKNOWN = "unknown"


class Relation(OpenEnum):
    """Relation of the unit's base and the scene, on which R01-R04 depend (DOMAIN, traps)."""

    COUNTY_TOWN = "county_town"
    OWN_SEAT = "own_seat"
    TOWN_TO_TOWNSHIP = "town_to_township"
    OWN_TOWNSHIP_OUTSIDE_SEAT = "own_township_outside_seat"
    TOWNSHIP_TO_TOWNSHIP = "township_to_township"
    UNKNOWN = "unknown"


class ChangeKind(OpenEnum):
    """What a change says; the first of an event names its type."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    CALL_LINKED = "call_linked"
    REVISED = "revised"
    ACKED = "acked"
    TURNED_OUT = "turned_out"
    ASSEMBLED = "assembled"
    ARRIVED = "arrived"
    ENDED = "ended"
    FED_BACK = "fed_back"
    PROGRESS_REPORTED = "progress_reported"
    ON_SCENE = "on_scene"
    HANDLED = "handled"
    VERIFYING = "verifying"
    CLOSED = "closed"
    REWORK = "rework"
    REOPENED = "reopened"
    RETURN_REQUESTED = "return_requested"
    RETURNED = "returned"
    RETURN_DENIED = "return_denied"
    ARRIVAL_WAIVED = "arrival_waived"
    RELEASED = "released"
    REASSIGNED = "reassigned"
    REDUNDANT = "redundant"
    ACTIVATED = "activated"
    SELF_DISPATCHED = "self_dispatched"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    TRANSFERRED = "transferred"
    CANCELLED = "cancelled"
    MERGED = "merged"
    ABSORBED = "absorbed"
    REROUTE_SUGGESTED = "reroute_suggested"
    SHORTFALL = "shortfall"
    CALLED_BACK = "called_back"
    APPEALED = "appealed"
    APPEAL_REFUSED = "appeal_refused"
    EXEMPTED = "exempted"
    REPORT_OWED = "report_owed"
    REPORTED_UPWARD = "reported_upward"
    SUSPENSION_ASKED = "suspension_asked"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    EXTENSION_ASKED = "extension_asked"
    EXTENDED = "extended"
    DEFERRAL_REFUSED = "deferral_refused"
    REFUSED = "refused"
    HELD = "held"
    HOLD_RELEASED = "hold_released"
    PURGED = "purged"
    UNKNOWN = "unknown"


class StampKind(OpenEnum):
    """Moments of an assignment."""

    SENT = "sent"
    ACKED = "acked"
    TURNED_OUT = "turned_out"
    ASSEMBLED = "assembled"
    ARRIVED = "arrived"
    ENDED = "ended"
    PROGRESS = "progress"
    FED_BACK = "fed_back"
    ARRIVAL_WAIVED = "arrival_waived"
    RELEASED = "released"
    RETURNED = "returned"
    REASSIGNED = "reassigned"
    REDUNDANT = "redundant"
    UNKNOWN = "unknown"


class StampOrigin(OpenEnum):
    """Who made the stamp; figures show automatic and back-filled ones apart."""

    UNIT = "unit"
    FEED = "feed"
    DESK = "desk"
    AUTOMATIC = "automatic"
    UNKNOWN = "unknown"


class HoldPurpose(OpenEnum):
    """What an incident is kept for past its retention 留存 (突发事件应对法 art. 85)."""

    EVIDENCE = "evidence"
    ASSESSMENT = "assessment"
    UNKNOWN = "unknown"


class Stamp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When it happened and when we learnt of it, UTC; clocks judge by `occurred_at`."""

    kind: StampKind
    occurred_at: Instant
    recorded_at: Instant
    origin: StampOrigin = StampOrigin.UNIT
    back_dated: bool = False


class CallRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that speaks of this incident; the caller's hash only lets repeats be counted."""

    call_id: UUID
    source: str
    source_id: str
    line: Line
    revision: int
    received_at: Instant
    caller: str | None = None


class Scene(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place as units and rules need it (area code, seat or not, scrubbed text, WGS-84)."""

    area: str | None = None
    at_seat: bool | None = None
    text: str = ""
    longitude: float | None = None
    latitude: float | None = None


class Assignment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit's duty in one incident (处警单 / 派遣).

    `reworked_at` is when handling was last taken up again (rework, reopening): an end or a sheet
    recorded before it belongs to the round before.
    """

    assignment_id: UUID
    unit: str
    department: str
    unit_kind: str
    role: Role
    origin: Origin
    state: AssignmentState
    relation: Relation = Relation.UNKNOWN
    capable: bool = False
    stamps: tuple[Stamp, ...] = ()
    sheet: Sheet | None = None
    rework: int = 0
    reworked_at: Instant | None = None
    return_reason: str | None = None
    exempt: tuple[str, ...] = ()

    def stamp(self, kind: StampKind) -> Stamp | None:
        """Return the newest stamp of *kind*."""
        return next((s for s in reversed(self.stamps) if s.kind is kind), None)


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """An alternative the router did not take, and why."""

    what: str
    why: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Decision record: rule, inputs, alternatives, shortfalls (DOMAIN §5)."""

    rule: str
    rule_version: str
    inputs: dict[str, str]
    rejected: tuple[Rejected, ...] = ()
    shortfalls: tuple[str, ...] = ()
    commander: str | None = None
    tell: tuple[str, ...] = ()
    decided_at: Instant


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Full snapshot of an incident (警情 / 事件); `version` is the event's own number.

    `attention` names why the duty desk has to look at it, until it has decided something. `holds`
    keep it past its retention; once `purged`, place and text are gone for good, the grid stays.
    `call_backs`, `appeals`, `deferrals` and `reports` are what has been said of it (ADR 0019).
    """

    incident_id: UUID
    number: str
    version: int
    region: str
    lane: Lane
    line: Line
    state: IncidentState
    affair: str
    category: str
    severity: int
    received_at: Instant
    accepted_at: Instant | None = None
    dispatched_at: Instant | None = None
    on_scene_at: Instant | None = None
    handled_at: Instant | None = None
    ended_at: Instant | None = None
    scene: Scene = Scene()
    calls: tuple[CallRef, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    decision: Decision | None = None
    pack_version: str
    reason: str | None = None
    merged_into: UUID | None = None
    linked: tuple[UUID, ...] = ()
    rework: int = 0
    reopened: int = 0
    purged: bool = False
    exercise: bool = False
    test: bool = False
    attention: tuple[str, ...] = ()
    holds: tuple[HoldPurpose, ...] = ()
    call_backs: tuple[CallBack, ...] = ()
    appeals: tuple[Appeal, ...] = ()
    deferrals: tuple[Deferral, ...] = ()
    reports: tuple[UpwardReport, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that changed: which assignment, when it happened, the named reason, by whom."""

    kind: ChangeKind
    at: Instant
    assignment_id: UUID | None = None
    unit: str | None = None
    reason: str | None = None
    by: str | None = None


class IncidentEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`incident.urgent`, `incident.ordinary`: the state it leads to and what changed."""

    incident: Incident
    changes: tuple[Change, ...]
