"""Calls diverted to another line (110, 119, 122 to 12345 and back), answered in time, or followed by a repeat."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from msgspec import Struct

from services.reports.domain.facts import Facts, IncidentFact, Population
from services.reports.domain.period import Period
from services.reports.domain.standing import Standing, standing
from shared.contracts.incident import IncidentState
from shared.contracts.values import Line

ANSWER_WITHIN = timedelta(seconds=15)
_URGENT = frozenset({Line.POLICE, Line.FIRE, Line.TRAFFIC})


class Diversion(Struct, frozen=True, kw_only=True):
    """Received calls of the urgent lines and of 12345, and those whose incident was transferred.

    A transferred incident of an urgent line went to 12345, one of 12345 to an urgent line (row 4).
    `stamped` calls have ring and answer stamps; `in_time`: answered within 15 s of ringing.
    `repeated` of the `valid` ones were followed by a call of the same caller 8 min to 72 h later.
    """

    urgent: int
    to_government: int
    government: int
    to_urgent: int
    stamped: int
    in_time: int
    valid: int
    repeated: int


def diversion(facts: Facts, period: Period, population: Population) -> Diversion:
    """Count the calls received in *period*, tests left out."""
    opened = {incident.incident_id: incident for incident in facts.incidents}
    received = [
        (call, opened.get(call.opens))
        for call in facts.calls
        if call.received_at in period
        and Population.of(exercise=call.exercise) is population
        and not call.test
    ]
    real = [(call, incident) for call, incident in received if not (incident and incident.test)]
    urgent = [incident for call, incident in real if call.line in _URGENT]
    government = [incident for call, incident in real if call.line == Line.GOVERNMENT]
    linked = {link.call_id for link in facts.links}
    valid = {
        call.call_id
        for call, incident in real
        if standing(call, incident, linked=call.call_id in linked) is Standing.VALID
    }
    waits = [
        call.answered_at - call.rang_at
        for call, _ in real
        if call.rang_at is not None and call.answered_at is not None
    ]
    return Diversion(
        urgent=len(urgent),
        to_government=_transferred(urgent),
        government=len(government),
        to_urgent=_transferred(government),
        stamped=len(waits),
        in_time=sum(wait <= ANSWER_WITHIN for wait in waits),
        valid=len(valid),
        repeated=len(valid & {link.call_id for link in facts.repeats}),
    )


def _transferred(incidents: Iterable[IncidentFact | None]) -> int:
    return sum(each is not None and each.state == IncidentState.TRANSFERRED for each in incidents)
