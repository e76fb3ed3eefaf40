"""Rows 3, 4, 13, 14, 17 and 21: what people decide about the whole incident."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.router.domain import duties
from services.router.domain.changes import change, change_of
from services.router.domain.commands import Cancel, Check, Invalidate, Reopen, Transfer
from services.router.domain.duties import put_back
from services.router.domain.opening import lane_of
from services.router.domain.outcome import Decided, Outcome, Refused
from services.router.domain.policy import Policy
from services.router.domain.unit_rows import all_reported
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Change,
    ChangeKind,
    Incident,
    IncidentState,
)
from shared.contracts.refusals import Refusal


def invalidate(incident: Incident, asked: Invalidate, now: datetime, policy: Policy) -> Outcome:
    """Row 3. Dispatch is automatic, so it is still possible until the first unit acknowledges."""
    del policy
    if any(map(duties.moving, incident.assignments)):
        return Refused(Refusal.UNITS_ON_THEIR_WAY)
    return called_off(incident, ChangeKind.INVALID, now, by=asked.by, reason=asked.reason)


def cancel(incident: Incident, asked: Cancel, now: datetime, policy: Policy) -> Outcome:
    """Row 21: nothing to handle; units on their way are called off."""
    del policy
    return called_off(incident, ChangeKind.CANCELLED, now, by=asked.by, reason=asked.reason)


def transfer(incident: Incident, asked: Transfer, now: datetime, policy: Policy) -> Outcome:
    """Row 4: ends here; whoever opens the linked incident on the other line keeps the chain."""
    del policy
    if lane_of(asked.line) is incident.lane:
        return Refused(Refusal.SAME_LANE)
    return called_off(incident, ChangeKind.TRANSFERRED, now, by=asked.by, reason=asked.reason)


_ENDS_AS = {
    ChangeKind.INVALID: IncidentState.INVALID,
    ChangeKind.CANCELLED: IncidentState.CANCELLED,
    ChangeKind.TRANSFERRED: IncidentState.TRANSFERRED,
}


def called_off(
    incident: Incident, kind: ChangeKind, now: datetime, *, by: str, reason: str
) -> Outcome:
    """End the incident as *kind*; every unit that has not reported is released and told so."""
    if not reason.strip():
        return Refused(Refusal.REASON_MISSING)
    held = [
        duties.taken_off(duty, AssignmentState.RELEASED, now)
        for duty in incident.assignments
        if not duties.is_over(duty) and duty.state is not AssignmentState.FED_BACK
    ]
    ended = replace(
        put_back(incident, *held),
        state=_ENDS_AS[kind],
        reason=reason,
        ended_at=now,
        attention=(),
    )
    told = [change_of(duty, ChangeKind.RELEASED, now, by=by, reason=str(kind)) for duty in held]
    return Decided(ended, (change(kind, now, by=by, reason=reason), *told))


def check(incident: Incident, asked: Check, now: datetime, policy: Policy) -> Outcome:
    """Rows 13 and 14: closed, or handling is taken up again; never by the handling unit."""
    del policy
    if any(duty.unit in asked.units for duty in incident.assignments):
        return Refused(Refusal.HANDLING_UNIT)
    if not asked.passed:
        return _rework(incident, asked, now)
    if not all_reported(incident):
        return Refused(Refusal.NOT_ALL_REPORTED)
    closed = replace(incident, state=IncidentState.CLOSED, reason=asked.reason, ended_at=now)
    return Decided(closed, (change(ChangeKind.CLOSED, now, by=asked.by, reason=asked.reason),))


def _rework(incident: Incident, asked: Check, now: datetime) -> Outcome:
    if not asked.reason.strip():
        return Refused(Refusal.REASON_MISSING)
    known = {duty.assignment_id: duty for duty in incident.assignments}
    if not set(asked.assignments) <= set(known):
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    chosen = [known[each] for each in asked.assignments] or _lead(incident)
    if any(duty.state is not AssignmentState.FED_BACK for duty in chosen):
        return Refused(Refusal.ASSIGNMENT_OVER)
    redone = [replace(duties.again(duty, now), rework=duty.rework + 1) for duty in chosen]
    state = IncidentState.ON_SCENE if incident.on_scene_at else IncidentState.DISPATCHED
    incident = replace(
        put_back(incident, *redone), state=state, handled_at=None, rework=incident.rework + 1
    )
    return Decided(incident, tuple(_told(redone, now, by=asked.by, reason=asked.reason)))


def reopen(incident: Incident, asked: Reopen, now: datetime, policy: Policy) -> Outcome:
    """Row 17: the same incident and number; the lead takes it up again and is told like a rework."""
    del policy
    if not asked.reason.strip():
        return Refused(Refusal.REASON_MISSING)
    redone = [duties.again(duty, now) for duty in _lead(incident)]
    reopened = replace(
        put_back(incident, *redone),
        state=IncidentState.REOPENED,
        reopened=incident.reopened + 1,
        handled_at=None,
        ended_at=None,
        reason=asked.reason,
    )
    said = change(ChangeKind.REOPENED, now, by=asked.by, reason=asked.reason)
    return Decided(reopened, (said, *_told(redone, now, by=asked.by, reason="reopened")))


def _lead(incident: Incident) -> list[Assignment]:
    lead = duties.lead_of(incident)
    return [lead] if lead else []


def _told(redone: list[Assignment], now: datetime, *, by: str, reason: str) -> list[Change]:
    return [change_of(duty, ChangeKind.REWORK, now, by=by, reason=reason) for duty in redone]
