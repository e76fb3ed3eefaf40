"""What a decision comes to: the new state and its changes, or the named reason why not."""

from __future__ import annotations

from msgspec import Struct

from shared.contracts.incident import Change, Incident
from shared.contracts.refusals import Refusal


class Decided(Struct, frozen=True):
    """The state led to and what changed; without changes nothing is said and the version stays."""

    incident: Incident
    changes: tuple[Change, ...] = ()

    def then(self, incident: Incident, *changes: Change) -> Decided:
        """Go on to *incident*, adding *changes*."""
        return Decided(incident, (*self.changes, *changes))


class Refused(Struct, frozen=True):
    """Nothing happens, and why."""

    reason: Refusal


Outcome = Decided | Refused
