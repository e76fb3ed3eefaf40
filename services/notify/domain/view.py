"""What notify remembers of one incident: the newest state, who was told, what each feed last said."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Change,
    Incident,
    IncidentState,
    Origin,
    Role,
    Scene,
)
from shared.contracts.pack import Recipient
from shared.contracts.sla import SlaEvent
from shared.contracts.values import Lane, Line

OVER = frozenset(
    {
        AssignmentState.RELEASED,
        AssignmentState.RETURNED,
        AssignmentState.REASSIGNED,
        AssignmentState.REDUNDANT,
    }
)
"""The duty was taken off the unit."""


class Duty(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One assignment, without stamps and sheet."""

    assignment_id: UUID
    unit: str
    department: str
    role: Role
    state: AssignmentState
    origin: Origin = Origin.DISPATCHED

    @property
    def active(self) -> bool:
        """Say whether the unit is accountable for it now: neither over nor merely standing by."""
        return self.state not in OVER and self.state is not AssignmentState.STANDBY

    @property
    def over(self) -> bool:
        """Say whether it was taken off the unit."""
        return self.state in OVER


class Told(Struct, frozen=True):
    """Somebody who was told of a breach, and in which part."""

    to: Recipient
    id: str


class FeedSaid(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a department's feed last said of the incident; `gone` after its tombstone.

    `changes` (redacted), `at` (platform time, UTC) and `trace` are of that record: with the view they
    make it again, byte for byte.
    """

    version: int
    digest: str = ""
    gone: bool = False
    changes: tuple[Change, ...] = ()
    at: datetime | None = None
    trace: str | None = None


class View(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The stored document; `incident_version` 0 when only sla has spoken of the incident yet.

    `received_at` (UTC) is missing then too, and in documents older than this field.
    """

    incident_id: UUID
    number: str
    lane: Lane
    incident_version: int = 0
    state: IncidentState = IncidentState.UNKNOWN
    line: Line = Line.UNKNOWN
    received_at: datetime | None = None
    merged_into: UUID | None = None
    category: str | None = None
    severity: int | None = None
    scene: Scene = Scene()
    duties: tuple[Duty, ...] = ()
    told: dict[str, tuple[Told, ...]] = {}
    feeds: dict[str, FeedSaid] = {}
    purged: bool = False
    exercise: bool = False

    def duty(self, assignment_id: UUID | None) -> Duty | None:
        """Return the duty with this id."""
        return next((d for d in self.duties if d.assignment_id == assignment_id), None)


def duty_of(assignment: Assignment) -> Duty:
    """Return what is remembered of *assignment*."""
    return Duty(
        assignment_id=assignment.assignment_id,
        unit=assignment.unit,
        department=assignment.department,
        role=assignment.role,
        state=assignment.state,
        origin=assignment.origin,
    )


def seen(before: View | None, incident: Incident) -> View:
    """Return the view after *incident*; once purged nothing of the place is kept."""
    return View(
        incident_id=incident.incident_id,
        number=incident.number,
        lane=incident.lane,
        incident_version=incident.version,
        state=incident.state,
        line=incident.line,
        received_at=incident.received_at,
        merged_into=incident.merged_into,
        category=incident.category,
        severity=incident.severity,
        scene=Scene() if incident.purged else incident.scene,
        duties=tuple(duty_of(a) for a in incident.assignments),
        told=before.told if before else {},
        feeds=before.feeds if before else {},
        purged=incident.purged,
        exercise=incident.exercise,
    )


def known_by_clocks(event: SlaEvent) -> View:
    """Return the view of an incident that sla has spoken of before router's event was read."""
    return View(
        incident_id=event.incident_id,
        number=event.number,
        lane=event.lane,
        exercise=event.exercise,
    )


def with_told(view: View, clock: UUID, told: tuple[Told, ...]) -> View:
    """Remember who was told that *clock* was breached, so that they hear of a correction."""
    known = view.told.get(str(clock), ())
    merged = known + tuple(t for t in told if t not in known)
    return replace(view, told={**view.told, str(clock): merged})


def without_told(view: View, clock: UUID) -> View:
    """Forget it once the correction was said."""
    return replace(view, told={k: v for k, v in view.told.items() if k != str(clock)})
