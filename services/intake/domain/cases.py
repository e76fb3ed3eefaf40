"""Which incidents speak of a call: while one of them is not purged, the call is kept (DOMAIN §7)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from shared.contracts import ids
from shared.contracts.call import Call, Place
from shared.contracts.incident import Incident, IncidentState


class CaseState(StrEnum):
    """Of a call in an incident: kept for it, not kept for it any more, and gone."""

    OPEN = "open"
    PURGED = "purged"
    CLEARED = "cleared"


class Case(NamedTuple):
    """An incident that speaks of a call."""

    call_id: UUID
    incident_id: UUID


def cases_of(incident: Incident) -> dict[Case, CaseState]:
    """Return for each of the incident's calls who keeps it, the heirs of the incident included.

    A transferred incident goes on in a linked one (its id follows from this one's), a merged one
    in another: those may be heard of later than this one's purge.
    """
    own = CaseState.PURGED if incident.purged else CaseState.OPEN
    found: dict[Case, CaseState] = {}
    for call in incident.calls:
        found[Case(call.call_id, incident.incident_id)] = own
        for heir in _heirs(incident):
            found[Case(call.call_id, heir)] = CaseState.OPEN
    return found


def _heirs(incident: Incident) -> list[UUID]:
    heirs = [incident.merged_into] if incident.merged_into else []
    if incident.state is IncidentState.TRANSFERRED:
        heirs.append(ids.incident_id(incident.incident_id))
    return heirs


def news(heard: dict[Case, CaseState], known: dict[Case, CaseState]) -> dict[Case, CaseState]:
    """Return what of *heard* is not *known* yet; a purge is never taken back."""
    return {
        case: state
        for case, state in heard.items()
        if case not in known or (known[case] is CaseState.OPEN and state is CaseState.PURGED)
    }


def without_place_and_text(call: Call) -> Call:
    """Return what is left of a call: number, kind, grid and times; no words, no place, no caller."""
    place = Place(area=call.place.area, at_seat=call.place.at_seat)
    return replace(call, text="", place=place, contact=None, caller=None)
