"""What waits for a decision of the duty desk."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from services.router.domain.unit_rows import returned_before
from shared.contracts.incident import AssignmentState, Incident, IncidentState

_RETURNABLE = (AssignmentState.SENT, AssignmentState.ACKED)


class Awaits(StrEnum):
    """What the desk is asked for."""

    RETURN = "return"
    CHECK = "check"


class Matter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to decide; `assignment_id` of a return (退单), a second one needs arbitration."""

    kind: Awaits
    incident_id: UUID
    number: str
    assignment_id: UUID | None = None
    reason: str | None = None
    arbitration: bool = False


def awaits(incident: Incident) -> Awaits | None:
    """Return what the incident waits for, a unit's return before anything else."""
    found = matters(incident)
    return found[0].kind if found else None


def matters(incident: Incident) -> list[Matter]:
    """Return everything the desk has to decide about *incident*."""
    found = [
        Matter(
            kind=Awaits.RETURN,
            incident_id=incident.incident_id,
            number=incident.number,
            assignment_id=duty.assignment_id,
            reason=duty.return_reason,
            arbitration=returned_before(incident),
        )
        for duty in incident.assignments
        if duty.return_reason and duty.state in _RETURNABLE
    ]
    if incident.state is IncidentState.VERIFYING:
        found.append(
            Matter(kind=Awaits.CHECK, incident_id=incident.incident_id, number=incident.number)
        )
    return found
