"""Takes the facts of what follows the handling out of events: named words and times, no text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from services.reports.domain.later_facts import (
    AppealFact,
    CallBackFact,
    DeferralFact,
    RepeatFact,
    SupervisionFact,
    UpwardReportFact,
)
from shared.contracts.call import Call
from shared.contracts.incident import Incident
from shared.contracts.sla import SlaEvent


def repeat_facts(call: Call) -> Iterator[RepeatFact]:
    """Yield the link from the earlier call of the same caller, where there is one."""
    if call.repeats is not None:
        yield RepeatFact(call_id=call.repeats, again_id=call.call_id)


def later_facts(
    incident: Incident,
) -> Iterator[CallBackFact | AppealFact | DeferralFact | UpwardReportFact]:
    """Yield the facts beside *incident*'s own; most incidents have none."""
    if not (incident.call_backs or incident.appeals or incident.deferrals or incident.reports):
        return
    units = {duty.assignment_id: duty.unit for duty in incident.assignments}
    yield from _call_backs(incident, units)
    yield from _appeals(incident, units)
    yield from _deferrals(incident, units)
    yield from _reports(incident)


def _call_backs(incident: Incident, units: Mapping[UUID, str]) -> Iterator[CallBackFact]:
    for said in incident.call_backs:
        yield CallBackFact(
            call_back_id=said.call_back_id,
            incident_id=incident.incident_id,
            version=incident.version,
            call_id=said.call_id,
            assignment_id=said.assignment_id,
            unit=units.get(said.assignment_id) if said.assignment_id else None,
            again=said.round,
            attempts=said.attempts,
            at=said.at,
            reached=said.reached,
            responded=said.responded,
            resolved=said.resolved,
            satisfied=said.satisfied,
            after=said.after,
            exercise=incident.exercise,
            test=incident.test,
        )


def _appeals(incident: Incident, units: Mapping[UUID, str]) -> Iterator[AppealFact]:
    for said in incident.appeals:
        yield AppealFact(
            appeal_id=said.appeal_id,
            incident_id=incident.incident_id,
            version=incident.version,
            assignment_id=said.assignment_id,
            unit=units.get(said.assignment_id),
            about=" ".join(said.about),
            ground=said.ground,
            state=said.state,
            asked_at=said.asked_at,
            decided_at=said.decided_at,
            exercise=incident.exercise,
            test=incident.test,
        )


def _deferrals(incident: Incident, units: Mapping[UUID, str]) -> Iterator[DeferralFact]:
    for said in incident.deferrals:
        yield DeferralFact(
            deferral_id=said.deferral_id,
            incident_id=incident.incident_id,
            version=incident.version,
            assignment_id=said.assignment_id,
            unit=units.get(said.assignment_id),
            kind=said.kind,
            state=said.state,
            approvals=len(set(said.approved_by)),
            asked_at=said.asked_at,
            decided_at=said.decided_at,
            until=said.until,
            resumed_at=said.resumed_at,
            exercise=incident.exercise,
            test=incident.test,
        )


def _reports(incident: Incident) -> Iterator[UpwardReportFact]:
    for said in incident.reports:
        yield UpwardReportFact(
            report_id=said.report_id,
            incident_id=incident.incident_id,
            version=incident.version,
            stage=said.stage,
            sequence=said.sequence,
            level=said.level,
            unit=said.unit,
            medium=said.medium,
            due=said.due,
            submitted_at=said.submitted_at,
            carries=" ".join(said.carries),
            supersedes=said.supersedes,
            fault=said.fault,
            exercise=incident.exercise,
            test=incident.test,
        )


def supervision_facts(said: SlaEvent) -> Iterator[SupervisionFact]:
    """Yield the facts of an incident's supervisions."""
    for each in said.supervisions:
        yield SupervisionFact(
            supervision_id=each.supervision_id,
            incident_id=said.incident_id,
            version=said.version,
            kind=each.kind,
            level=each.level,
            clock_id=each.clock_id,
            assignment_id=each.assignment_id,
            unit=each.unit,
            opened_at=each.opened_at,
            due=each.due,
            answered_at=each.answered_at,
            closed_at=each.closed_at,
            exercise=said.exercise,
        )
