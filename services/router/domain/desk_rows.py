"""Rows 7, 10, 22 to 24 and 26: what the duty desk decides about one assignment."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.router.domain import duties
from services.router.domain.changes import change_of
from services.router.domain.commands import (
    Activate,
    DecideReturn,
    MarkRedundant,
    Reassign,
    Release,
    WaiveArrival,
)
from services.router.domain.duties import a_duty, put_back
from services.router.domain.outcome import Decided, Outcome, Refused
from services.router.domain.policy import Policy
from services.router.domain.unit_rows import SYSTEM, returned_before, when_all_reported
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    ChangeKind,
    Incident,
    Origin,
    Role,
    Stamp,
    StampKind,
    StampOrigin,
)
from shared.contracts.refusals import Refusal


def release(incident: Incident, asked: Release, now: datetime, policy: Policy) -> Outcome:
    """Row 22: no longer needed, and told so; a standby unit is let go the same way (row 26)."""
    del policy
    duty = duties.duty_of(incident, asked.assignment_id)
    if duty is None:
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    if why := _held(duty):
        return Refused(why)
    if duty.role is Role.LEAD:
        return Refused(Refusal.LEAD_MUST_BE_REASSIGNED)
    duty = duties.taken_off(duty, AssignmentState.RELEASED, now)
    said = change_of(duty, ChangeKind.RELEASED, now, by=asked.by, reason=asked.reason)
    return when_all_reported(Decided(put_back(incident, duty), (said,)), now)


def reassign(incident: Incident, asked: Reassign, now: datetime, policy: Policy) -> Outcome:
    """Row 23: the duty moves; REASSIGNED names the unit it moves to, RELEASED the one let go."""
    duty = duties.duty_of(incident, asked.assignment_id)
    if duty is None:
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    if why := _held(duty) or _unfit(incident, duty, asked.unit, policy):
        return Refused(why)
    gone = duties.taken_off(duty, AssignmentState.REASSIGNED, now)
    heir = successor(put_back(incident, gone), asked.unit, duty.role, now, policy)
    return Decided(
        put_back(incident, gone, heir),
        (
            change_of(heir, ChangeKind.REASSIGNED, now, by=asked.by, reason=asked.reason),
            change_of(gone, ChangeKind.RELEASED, now, by=asked.by, reason="reassigned"),
        ),
    )


def _held(duty: Assignment) -> Refusal | None:
    if duties.is_over(duty):
        return Refusal.ASSIGNMENT_OVER
    if duty.state is AssignmentState.FED_BACK:
        return Refusal.ALREADY_REPORTED
    return None


def _unfit(incident: Incident, duty: Assignment, unit: str, policy: Policy) -> Refusal | None:
    if unit not in policy.pack.unit_by_id:
        return Refusal.UNKNOWN_UNIT
    if unit == duty.unit:
        return Refusal.SAME_UNIT
    there = duties.duty_of_unit(incident, unit)
    if there is None or not duties.is_active(there):
        return None
    # a lead's duty may pass to a unit that is here already, unless it is done
    passes = duty.role is Role.LEAD and there.state is not AssignmentState.FED_BACK
    return None if passes else Refusal.UNIT_ALREADY_SENT


def successor(
    incident: Incident, unit: str, role: Role, now: datetime, policy: Policy
) -> Assignment:
    """Return the duty of *unit* that takes over *role*: its own one where it is here already."""
    there = duties.duty_of_unit(incident, unit)
    if there and there.state is AssignmentState.STANDBY and role is not Role.STANDBY:
        return replace(duties.called_out(there, now, StampOrigin.DESK), role=role)
    if there and not duties.is_over(there):
        return replace(there, role=role)
    origin = Origin.STANDBY if role is Role.STANDBY else Origin.DISPATCHED
    return a_duty(incident, unit, role, origin, now, policy)


def activate(incident: Incident, asked: Activate, now: datetime, policy: Policy) -> Outcome:
    """Row 26 by the desk: the unit is sent, its clocks start."""
    del policy
    duty = duties.duty_of(incident, asked.assignment_id)
    if duty is None:
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    if duty.state is not AssignmentState.STANDBY:
        over = duties.is_over(duty)
        return Refused(Refusal.ASSIGNMENT_OVER if over else Refusal.ALREADY_ACTIVE)
    duty = duties.called_out(duty, now, StampOrigin.DESK)
    return Decided(
        put_back(incident, duty),
        (
            change_of(duty, ChangeKind.ACTIVATED, now, by=asked.by),
            change_of(duty, ChangeKind.DISPATCHED, now, by=asked.by, reason="activated"),
        ),
    )


def waive_arrival(
    incident: Incident, asked: WaiveArrival, now: datetime, policy: Policy
) -> Outcome:
    """Row 10: handled remotely, so the end may be reported without an arrival."""
    del policy
    duty = duties.duty_of(incident, asked.assignment_id)
    if duty is None:
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    if not duties.is_active(duty):
        return Refused(Refusal.ASSIGNMENT_OVER)
    if duty.stamp(StampKind.ARRIVED):
        return Refused(Refusal.ALREADY_ARRIVED)
    if not asked.reason.strip():
        return Refused(Refusal.REASON_MISSING)
    if duty.stamp(StampKind.ARRIVAL_WAIVED):
        return Decided(incident)
    mark = Stamp(
        kind=StampKind.ARRIVAL_WAIVED, occurred_at=now, recorded_at=now, origin=StampOrigin.DESK
    )
    duty = duties.stamped(duty, mark)
    said = change_of(duty, ChangeKind.ARRIVAL_WAIVED, now, by=asked.by, reason=asked.reason)
    return Decided(put_back(incident, duty), (said,))


def decide_return(
    incident: Incident, asked: DecideReturn, now: datetime, policy: Policy
) -> Outcome:
    """Row 7: granted, the duty leaves the unit; a lead's goes to *unit*, else to the duty desk."""
    duty = duties.duty_of(incident, asked.assignment_id)
    if duty is None:
        return Refused(Refusal.UNKNOWN_ASSIGNMENT)
    if why := _undecidable(incident, duty, asked):
        return Refused(why)
    if not asked.granted:
        kept = replace(duty, return_reason=None)
        said = change_of(kept, ChangeKind.RETURN_DENIED, now, by=asked.by, reason=asked.reason)
        return Decided(put_back(incident, kept), (said,))
    heir_unit = asked.unit or (policy.pack.desk.id if duty.role is Role.LEAD else None)
    if heir_unit and (why := _unfit(incident, duty, heir_unit, policy)):
        return Refused(why)
    gone = duties.taken_off(duty, AssignmentState.RETURNED, now)
    said = change_of(gone, ChangeKind.RETURNED, now, by=asked.by, reason=asked.reason)
    decided = Decided(put_back(incident, gone), (said,))
    if heir_unit:
        heir = successor(decided.incident, heir_unit, duty.role, now, policy)
        told = change_of(heir, ChangeKind.DISPATCHED, now, by=asked.by, reason="returned")
        decided = decided.then(put_back(decided.incident, heir), told)
    return when_all_reported(decided, now)


def _undecidable(incident: Incident, duty: Assignment, asked: DecideReturn) -> Refusal | None:
    if duty.return_reason is None or not duties.is_active(duty):
        return Refusal.NO_RETURN_ASKED
    if asked.granted and duties.farther_than(duty, AssignmentState.ACKED):
        return Refusal.ALREADY_MOVING
    if asked.granted and returned_before(incident) and not asked.arbitrated:
        return Refusal.ARBITRATION_NEEDED
    return None


def mark_redundant(
    incident: Incident, asked: MarkRedundant, now: datetime, policy: Policy
) -> Outcome:
    """Row 24: where a unit has two duties the older stays; a lead passes to it."""
    del policy
    decided = Decided(incident)
    older: dict[str, Assignment] = {}
    for duty in incident.assignments:
        if duties.is_over(duty):
            continue
        first = older.setdefault(duty.unit, duty)
        if first is duty:
            continue
        # one that merely stands by gives way to one that was sent
        kept, gone = (first, duty) if duties.is_active(first) else (duty, first)
        role = Role.LEAD if Role.LEAD in (duty.role, first.role) else kept.role
        older[duty.unit] = kept = replace(kept, role=role)
        gone = duties.taken_off(gone, AssignmentState.REDUNDANT, now)
        said = change_of(gone, ChangeKind.REDUNDANT, now, by=asked.by or SYSTEM)
        decided = decided.then(put_back(decided.incident, gone, kept), said)
    return when_all_reported(decided, now)
