"""The clocks of one incident as they stand, and the event that says so."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec.structs import fields

from shared.contracts.sla import Clock, ClockChange, SlaEvent
from shared.contracts.values import Lane

ZERO: float = next(field.default for field in fields(Clock) if field.name == "overdue_s")
"""No seconds, as a clock has them by default: only this very number is left out when it is written."""


class ClockSet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All clocks of an incident, settled ones too, at `version` (+1 per event said).

    `incident_version` is the newest incident event that changed a clock, `trace` its `traceparent`:
    what is fired later is told under it.
    """

    incident_id: UUID
    number: str
    version: int
    incident_version: int
    region: str
    lane: Lane
    clocks: tuple[Clock, ...] = ()
    exercise: bool = False
    trace: str | None = None

    def event(self, changes: tuple[ClockChange, ...]) -> SlaEvent:
        """Return what is said when *changes* have led to this set."""
        return SlaEvent(
            incident_id=self.incident_id,
            number=self.number,
            version=self.version,
            incident_version=self.incident_version,
            region=self.region,
            lane=self.lane,
            clocks=self.clocks,
            changes=changes,
            exercise=self.exercise,
        )


class Outcome(msgspec.Struct, frozen=True):
    """A decision: the set it leads to and what to say; no changes means nothing to write."""

    clocks: ClockSet
    changes: tuple[ClockChange, ...] = ()
