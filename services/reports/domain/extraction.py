"""Takes facts out of events: scalar columns only, neither place nor text nor caller."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    IncidentFact,
    LinkFact,
    NoticeFact,
    RejectionFact,
)
from shared.contracts import ids
from shared.contracts.call import CallChange, CallEvent, CallRejected
from shared.contracts.incident import Assignment, Incident, Stamp, StampKind
from shared.contracts.notice import NoticeEvent
from shared.contracts.sla import SlaEvent


def call_fact(said: CallEvent) -> CallFact:
    """Return the fact of a call's newest revision."""
    call = said.call
    return CallFact(
        call_id=call.call_id,
        version=call.revision,
        opens=ids.incident_id(call.call_id),
        source=call.source,
        line=call.line,
        lane=call.lane,
        received_at=call.received_at,
        recorded_at=call.recorded_at,
        category=call.kind.category,
        severity=call.severity,
        area=call.place.area,
        withdrawn=said.change is CallChange.WITHDRAWN,
        exercise=call.exercise,
        test=call.test,
        rang_at=call.rang_at,
        answered_at=call.answered_at,
    )


# fields of the same name are taken in one step: there are thousands a second
_INCIDENT = attrgetter(*("scene.area" if f == "area" else f for f in IncidentFact._fields))
_CLOCK = attrgetter(*ClockFact._fields[:-3])
_NOTICE = attrgetter(*NoticeFact._fields)


def incident_fact(incident: Incident) -> IncidentFact:
    """Return the fact of an incident's newest snapshot."""
    return IncidentFact._make(_INCIDENT(incident))


def link_facts(incident: Incident) -> Iterator[LinkFact]:
    """Yield the calls beyond the one that opened the incident."""
    if len(incident.calls) > 1:
        for call in incident.calls:
            if ids.incident_id(call.call_id) != incident.incident_id:
                yield LinkFact(call.call_id, incident.incident_id)


def assignment_fact(incident: Incident, duty: Assignment) -> AssignmentFact:
    """Return the fact of one duty in *incident*'s newest snapshot; of several stamps the newest."""
    stamps: dict[StampKind, Stamp] = {stamp.kind: stamp for stamp in duty.stamps}
    arrived, ended = stamps.get(StampKind.ARRIVED), stamps.get(StampKind.ENDED)
    return AssignmentFact(
        assignment_id=duty.assignment_id,
        incident_id=incident.incident_id,
        version=incident.version,
        unit=duty.unit,
        department=duty.department,
        unit_kind=duty.unit_kind,
        role=duty.role,
        origin=duty.origin,
        state=duty.state,
        relation=duty.relation,
        sent_at=_when(stamps, StampKind.SENT),
        acked_at=_when(stamps, StampKind.ACKED),
        turned_out_at=_when(stamps, StampKind.TURNED_OUT),
        assembled_at=_when(stamps, StampKind.ASSEMBLED),
        arrived_at=arrived.occurred_at if arrived else None,
        arrived_by=arrived.origin if arrived else None,
        arrived_late_told=bool(arrived and arrived.back_dated),
        ended_at=ended.occurred_at if ended else None,
        ended_by=ended.origin if ended else None,
        ended_late_told=bool(ended and ended.back_dated),
        waived_at=_when(stamps, StampKind.ARRIVAL_WAIVED),
        fed_back_at=_when(stamps, StampKind.FED_BACK),
        released_at=_when(stamps, StampKind.RELEASED),
        rework=duty.rework,
        exempt=" ".join(duty.exempt),
        exercise=incident.exercise,
        test=incident.test,
    )


def _when(stamps: dict[StampKind, Stamp], kind: StampKind) -> datetime | None:
    stamp = stamps.get(kind)
    return stamp.occurred_at if stamp else None


def clock_facts(said: SlaEvent) -> Iterator[ClockFact]:
    """Yield the facts of an incident's set of clocks."""
    incident = (said.incident_id, said.version, said.exercise)
    for clock in said.clocks:
        yield ClockFact._make((*_CLOCK(clock), *incident))


def notice_fact(said: NoticeEvent) -> NoticeFact:
    """Return the fact of a notice's newest state."""
    return NoticeFact._make(_NOTICE(said))


def rejection_fact(rejection_id: UUID, version: int, said: CallRejected) -> RejectionFact:
    """Return the fact of a refused body."""
    return RejectionFact(
        rejection_id=rejection_id,
        version=version,
        source=said.source,
        reasons=" ".join(said.reasons),
        body_bytes=said.body_bytes,
        rejected_at=said.rejected_at,
    )
