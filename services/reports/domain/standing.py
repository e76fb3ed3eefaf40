"""Whether a call counts: valid, invalid, a duplicate, or only a test."""

from __future__ import annotations

from enum import StrEnum

from services.reports.domain.facts import CallFact, IncidentFact
from shared.contracts.incident import IncidentState


class Standing(StrEnum):
    """What a call counts as in the flow figures."""

    VALID = "valid"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    TEST = "test"


def standing(call: CallFact, incident: IncidentFact | None, *, linked: bool) -> Standing:
    """Say what *call* counts as, by the *incident* it opened; `linked`: it joined another's.

    A call withdrawn by its source is invalid. A false alarm that was handled (CANCELLED) or sent
    on (TRANSFERRED) was a real contact and stays valid; so does one nobody has decided yet.
    """
    if call.test or (incident and incident.test):
        return Standing.TEST
    if call.withdrawn:
        return Standing.INVALID
    if incident is None:
        return Standing.DUPLICATE if linked else Standing.VALID
    if incident.state == IncidentState.INVALID:
        return Standing.INVALID
    if incident.state == IncidentState.DUPLICATE or incident.merged_into:
        return Standing.DUPLICATE
    return Standing.VALID
