"""Rows 6 to 12 and 26: what units report."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.router.domain import duties
from services.router.domain.changes import change, change_of
from services.router.domain.commands import AskReturn, Report, SelfDispatch
from services.router.domain.duties import a_duty, put_back
from services.router.domain.outcome import Decided, Outcome, Refused
from services.router.domain.policy import Policy
from shared.contracts.call import Sheet
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    ChangeKind,
    Incident,
    IncidentState,
    Origin,
    Role,
    Stamp,
    StampKind,
    StampOrigin,
)
from shared.contracts.refusals import Refusal

SYSTEM = "router"
BEING_HANDLED = frozenset(
    {IncidentState.DISPATCHED, IncidentState.ON_SCENE, IncidentState.REOPENED}
)
_CHANGE_OF = {
    StampKind.ACKED: ChangeKind.ACKED,
    StampKind.TURNED_OUT: ChangeKind.TURNED_OUT,
    StampKind.ASSEMBLED: ChangeKind.ASSEMBLED,
    StampKind.ARRIVED: ChangeKind.ARRIVED,
    StampKind.ENDED: ChangeKind.ENDED,
    StampKind.FED_BACK: ChangeKind.FED_BACK,
    StampKind.PROGRESS: ChangeKind.PROGRESS_REPORTED,
}


def report(incident: Incident, asked: Report, now: datetime, policy: Policy) -> Outcome:
    """Record a unit's stamp; a stamp that tells nothing new changes nothing."""
    duty = duties.duty_of(incident, asked.assignment_id)
    if duty is None:
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    asked = _as_progress(asked)
    if duties.known(duty, asked.kind, asked.occurred_at):
        return Decided(incident)
    if why := _refusal(incident, duty, asked, now, policy):
        return Refused(why)
    decided = Decided(incident)
    if duty.state is AssignmentState.STANDBY:
        duty = duties.called_out(duty, asked.occurred_at, StampOrigin.AUTOMATIC)
        said = change_of(duty, ChangeKind.ACTIVATED, asked.occurred_at, by=asked.by)
        decided = decided.then(incident, said)
    duty = duties.stamped(duty, _stamp(incident, asked, now, policy))
    if asked.sheet:
        duty = replace(duty, sheet=asked.sheet)
    said = change_of(duty, _CHANGE_OF[asked.kind], asked.occurred_at, by=asked.by)
    decided = decided.then(put_back(incident, duty), said)
    if asked.kind is StampKind.ARRIVED:
        decided = _on_scene(decided, duty, asked)
    return when_all_reported(decided, now)


def _as_progress(asked: Report) -> Report:
    """R07: a progress sheet is no formal sheet, it only opens the next 24 h."""
    if asked.sheet and asked.sheet.progress and asked.kind is StampKind.FED_BACK:
        return Report(
            by=asked.by,
            assignment_id=asked.assignment_id,
            kind=StampKind.PROGRESS,
            occurred_at=asked.occurred_at,
            origin=asked.origin,
            sheet=asked.sheet,
        )
    return asked


def _refusal(
    incident: Incident, duty: Assignment, asked: Report, now: datetime, policy: Policy
) -> Refusal | None:
    if asked.kind not in duties.REPORTED_BY_UNITS:
        return Refusal.UNKNOWN_STAMP
    if asked.occurred_at > now + policy.future:
        return Refusal.IN_THE_FUTURE
    over = duties.over_since(duty)
    if over and asked.occurred_at > over:
        return Refusal.ASSIGNMENT_OVER
    if duty.state is AssignmentState.STANDBY and incident.state not in BEING_HANDLED:
        return Refusal.INCIDENT_OVER
    there = duty.stamp(StampKind.ARRIVED) or duty.stamp(StampKind.ARRIVAL_WAIVED)
    if asked.kind is StampKind.ENDED and there is None:
        return Refusal.END_BEFORE_ARRIVAL
    return _sheet_refusal(asked.sheet) if asked.sheet else None


def _sheet_refusal(sheet: Sheet) -> Refusal | None:
    """R10: all fields, and who follows up; R07: progress with a reason."""
    if sheet.progress:
        return None if sheet.progress_reason else Refusal.PROGRESS_REASON_MISSING
    if not sheet.result.strip():
        return Refusal.SHEET_INCOMPLETE
    if sheet.follow_up and not (sheet.follow_up_unit and sheet.follow_up_post):
        return Refusal.FOLLOW_UP_INCOMPLETE
    return None


def _stamp(incident: Incident, asked: Report, now: datetime, policy: Policy) -> Stamp:
    late = now - asked.occurred_at > policy.back_dating
    return Stamp(
        kind=asked.kind,
        occurred_at=asked.occurred_at,
        recorded_at=now,
        origin=asked.origin,
        back_dated=late or asked.occurred_at < incident.received_at,
    )


def _on_scene(decided: Decided, duty: Assignment, asked: Report) -> Decided:
    """Row 9: the first *appropriate* arrival, of a lead or of a unit with a capability asked for."""
    incident = decided.incident
    if not (duties.is_active(duty) and (duty.role is Role.LEAD or duty.capable)):
        return decided
    first = min(asked.occurred_at, incident.on_scene_at or asked.occurred_at)
    incident = replace(incident, on_scene_at=first)
    if incident.state not in (IncidentState.ACCEPTED, IncidentState.DISPATCHED):
        return decided.then(incident)
    said = change_of(duty, ChangeKind.ON_SCENE, asked.occurred_at, by=SYSTEM)
    return decided.then(replace(incident, state=IncidentState.ON_SCENE), said)


def when_all_reported(decided: Decided, now: datetime) -> Decided:
    """Row 12: every lead and support has fed back or was released, so it goes to be verified."""
    incident = decided.incident
    if incident.state not in BEING_HANDLED or not all_reported(incident):
        return decided
    return decided.then(
        replace(incident, state=IncidentState.VERIFYING, handled_at=now),
        change(ChangeKind.HANDLED, now, by=SYSTEM),
        change(ChangeKind.VERIFYING, now, by=SYSTEM),
    )


def all_reported(incident: Incident) -> bool:
    """Say whether nothing more is asked of any unit."""
    return duties.lead_of(incident) is not None and all(map(duties.is_done, incident.assignments))


def ask_return(incident: Incident, asked: AskReturn, now: datetime, policy: Policy) -> Outcome:
    """Row 7: the unit asks, the desk decides; a second return goes to arbitration."""
    duty = duties.duty_of(incident, asked.assignment_id)
    if duty is None:
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    if duty.return_reason:
        return Decided(incident)
    if why := _return_refusal(duty, asked, now, policy):
        return Refused(why)
    duty = replace(duty, return_reason=asked.reason)
    reason = "arbitration" if returned_before(incident) else "asked"
    said = change_of(
        duty, ChangeKind.RETURN_REQUESTED, asked.occurred_at, by=asked.by, reason=reason
    )
    return Decided(put_back(incident, duty), (said,))


def _return_refusal(
    duty: Assignment, asked: AskReturn, now: datetime, policy: Policy
) -> Refusal | None:
    if not asked.reason.strip():
        return Refusal.REASON_MISSING
    if asked.occurred_at > now + policy.future:
        return Refusal.IN_THE_FUTURE
    if not duties.is_active(duty):
        return Refusal.ASSIGNMENT_OVER
    if duties.farther_than(duty, AssignmentState.ACKED):
        return Refusal.ALREADY_MOVING
    sent = duty.stamp(StampKind.SENT)
    if sent and now - sent.occurred_at > policy.return_limit:
        return Refusal.RETURN_TOO_LATE
    return None


def returned_before(incident: Incident) -> bool:
    """Say whether a unit was already let off this incident."""
    return any(a.state is AssignmentState.RETURNED for a in incident.assignments)


def self_dispatch(
    incident: Incident, asked: SelfDispatch, now: datetime, policy: Policy
) -> Outcome:
    """P12 双轨制: a unit nobody assigned is at work; its duty counts from here on."""
    if asked.unit not in policy.pack.unit_by_id:
        return Refused(Refusal.UNKNOWN_UNIT)
    duty = a_duty(incident, asked.unit, Role.SUPPORT, Origin.SELF_DISPATCHED, now, policy)
    said = change_of(duty, ChangeKind.SELF_DISPATCHED, now, by=asked.by)
    return Decided(put_back(incident, duty), (said,))
