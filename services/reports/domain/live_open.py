"""What is open now and which units are out: of each incident the newest snapshot decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from services.reports.domain.facts import Population
from services.reports.domain.live_calls import Taken
from shared.contracts.incident import AssignmentState, Incident, IncidentState

CLOSED = frozenset(
    {
        IncidentState.CLOSED,
        IncidentState.INVALID,
        IncidentState.DUPLICATE,
        IncidentState.TRANSFERRED,
        IncidentState.CANCELLED,
    }
)
"""States in which nobody has anything left to do; a state we do not know counts as open."""

OPEN_STATES = tuple(state for state in IncidentState if state not in CLOSED)

OUT = frozenset({AssignmentState.TURNED_OUT, AssignmentState.ASSEMBLED, AssignmentState.ARRIVED})
"""A unit is out 在外 from its turnout until it has ended; what it still has to write is done inside."""

CLOSED_KEPT = 20_000
"""Closed incidents whose version is remembered, so that a zombie's older snapshot opens none again."""


class IncidentSeen(NamedTuple):
    """What a snapshot says: `counts` is false of a test, `out` names the units that are out."""

    incident_id: UUID
    version: int
    state: IncidentState
    population: Population
    out: frozenset[str]
    counts: bool = True


def seen(incident: Incident) -> IncidentSeen:
    """Return what is counted of *incident*."""
    return IncidentSeen(
        incident.incident_id,
        incident.version,
        incident.state,
        Population.of(exercise=incident.exercise),
        frozenset(duty.unit for duty in incident.assignments if duty.state in OUT),
        not incident.test,
    )


class OpenIncidents:
    """The newest snapshot of every open incident; level-triggered, so a lost event heals with the next."""

    def __init__(self) -> None:
        self._open: dict[UUID, IncidentSeen] = {}
        self._closed: dict[UUID, int] = {}

    def take(self, incident: IncidentSeen) -> Taken:
        """Let *incident* replace what is held if its version is higher."""
        held = self._open.get(incident.incident_id)
        known = held.version if held else self._closed.get(incident.incident_id)
        if known is not None and known >= incident.version:
            return Taken.SEEN_BEFORE
        if incident.state in CLOSED:
            self._open.pop(incident.incident_id, None)
            self._closed.pop(incident.incident_id, None)  # put at the end: the oldest goes first
            self._closed[incident.incident_id] = incident.version
            if len(self._closed) > CLOSED_KEPT:
                del self._closed[next(iter(self._closed))]
        else:
            self._closed.pop(incident.incident_id, None)
            self._open[incident.incident_id] = incident
        return Taken.COUNTED if known is None else Taken.CORRECTED

    def ids(self) -> list[UUID]:
        """Return the open incidents, in order."""
        return sorted(self._open)

    def by_state(self, population: Population) -> Counter[IncidentState]:
        """Return open incidents of *population* by state; every open state is there, 0 too."""
        found: Counter[IncidentState] = Counter(dict.fromkeys(OPEN_STATES, 0))
        found.update(incident.state for incident in self._of(population))
        return found

    def units_out(self, population: Population) -> int:
        """Return how many units of *population* are out, each once."""
        return len({unit for incident in self._of(population) for unit in incident.out})

    def populations(self) -> set[Population]:
        """Return whose incidents are open."""
        return {incident.population for incident in self._open.values() if incident.counts}

    def _of(self, population: Population) -> Iterable[IncidentSeen]:
        return (i for i in self._open.values() if i.counts and i.population is population)
