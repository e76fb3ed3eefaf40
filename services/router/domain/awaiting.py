"""What waits for a decision of the duty desk.

A return (退单) waits until it is granted or denied, what was handled until it was checked. Besides,
an incident is to be looked at (`Incident.attention`) where something came up that the rules do
not act on by themselves: an emergency renewed after handling had ended, or a suggestion to send
others while units are moving. That waits until the desk has decided anything about the incident,
or the incident has ended.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.router.domain.unit_rows import returned_before
from shared.contracts.incident import AssignmentState, Incident, IncidentState

_RETURNABLE = (AssignmentState.SENT, AssignmentState.ACKED)


class Awaits(StrEnum):
    """What the desk is asked for."""

    RETURN = "return"
    ATTENTION = "attention"
    CHECK = "check"


class Attention(StrEnum):
    """Why the desk has to look at an incident.

    CALLED_AGAIN: a repeat call after all units had reported. The others go with REROUTE_SUGGESTED,
    since units are moving or others still call: REVISED (the facts now ask for other units),
    CALL_WITHDRAWN (its source took the call back), PROVED_URGENT (an urgent incident was opened
    in its place).
    """

    CALLED_AGAIN = "called_again"
    REVISED = "revised"
    CALL_WITHDRAWN = "call_withdrawn"
    PROVED_URGENT = "proved_urgent"


class Matter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to decide; `assignment_id` of a return (退单), a second one needs arbitration.

    `reason` is the unit's of a return, an `Attention` of what is to be looked at.
    """

    kind: Awaits
    incident_id: UUID
    number: str
    assignment_id: UUID | None = None
    reason: str | None = None
    arbitration: bool = False


def drawn_to(incident: Incident, why: Attention) -> Incident:
    """Return the incident with the desk's attention drawn to it, once for each reason."""
    if why in incident.attention:
        return incident
    return replace(incident, attention=(*incident.attention, str(why)))


def awaits(incident: Incident) -> Awaits | None:
    """Return what the incident waits for: a unit's return, then being looked at, then a check."""
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
    found += [
        Matter(
            kind=Awaits.ATTENTION,
            incident_id=incident.incident_id,
            number=incident.number,
            reason=why,
        )
        for why in incident.attention
    ]
    if incident.state is IncidentState.VERIFYING:
        found.append(
            Matter(kind=Awaits.CHECK, incident_id=incident.incident_id, number=incident.number)
        )
    return found
