"""One assignment at a time: how far it is, which stamps it takes, when it is done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from services.router.domain.policy import Policy
from shared.contracts import ids
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Incident,
    Origin,
    Role,
    Stamp,
    StampKind,
    StampOrigin,
)

PROGRESSION = (
    AssignmentState.SENT,
    AssignmentState.ACKED,
    AssignmentState.TURNED_OUT,
    AssignmentState.ASSEMBLED,
    AssignmentState.ARRIVED,
    AssignmentState.ENDED,
    AssignmentState.FED_BACK,
)
_RANK = {state: rank for rank, state in enumerate(PROGRESSION)}
_STATE_OF = {
    StampKind.ACKED: AssignmentState.ACKED,
    StampKind.TURNED_OUT: AssignmentState.TURNED_OUT,
    StampKind.ASSEMBLED: AssignmentState.ASSEMBLED,
    StampKind.ARRIVED: AssignmentState.ARRIVED,
    StampKind.ENDED: AssignmentState.ENDED,
    StampKind.FED_BACK: AssignmentState.FED_BACK,
}
REPORTED_BY_UNITS = frozenset({*_STATE_OF, StampKind.PROGRESS})
"""Stamps a unit makes itself."""

_PER_ROUND = frozenset({StampKind.ENDED, StampKind.FED_BACK})
_OVER = {
    AssignmentState.RELEASED: StampKind.RELEASED,
    AssignmentState.RETURNED: StampKind.RETURNED,
    AssignmentState.REASSIGNED: StampKind.REASSIGNED,
    AssignmentState.REDUNDANT: StampKind.REDUNDANT,
}


def is_over(duty: Assignment) -> bool:
    """Say whether the duty was taken off the unit."""
    return duty.state in _OVER


def is_active(duty: Assignment) -> bool:
    """Say whether the unit is accountable for it now: not over, not merely standing by."""
    return duty.state in _RANK


def is_done(duty: Assignment) -> bool:
    """Say whether nothing more is asked of the unit (row 12).

    R08 双反馈: a sheet that came before the end was reported does not finish the duty.
    """
    if duty.state is not AssignmentState.FED_BACK:
        return is_over(duty) or duty.state is AssignmentState.STANDBY
    return of_this_round(duty, StampKind.ENDED) is not None


def over_since(duty: Assignment) -> datetime | None:
    """Return when the duty was taken off the unit (UTC)."""
    kind = _OVER.get(duty.state)
    stamp = duty.stamp(kind) if kind else None
    return stamp.occurred_at if stamp else None


def moving(duty: Assignment) -> bool:
    """Say whether the unit has acknowledged or gone further."""
    return _RANK.get(duty.state, 0) > 0


def farther_than(duty: Assignment, state: AssignmentState) -> bool:
    """Say whether the duty is past *state*."""
    return _RANK.get(duty.state, -1) > _RANK[state]


def of_this_round(duty: Assignment, kind: StampKind) -> Stamp | None:
    """Return the stamp of *kind* that counts now: an end before a rework does not."""
    stamp = duty.stamp(kind)
    if stamp and kind in _PER_ROUND and duty.reworked_at and stamp.recorded_at < duty.reworked_at:
        return None
    return stamp


def known(duty: Assignment, kind: StampKind, occurred_at: datetime) -> bool:
    """Say whether the stamp would tell nothing new: the first one of its kind holds."""
    if any(s.kind is kind and s.occurred_at == occurred_at for s in duty.stamps):
        return True
    return kind is not StampKind.PROGRESS and of_this_round(duty, kind) is not None


def stamped(duty: Assignment, stamp: Stamp) -> Assignment:
    """Add *stamp*; the state becomes the farthest one reported, in whatever order it came."""
    reached = _STATE_OF.get(stamp.kind)
    onward = reached and is_active(duty) and _RANK[reached] > _RANK[duty.state]
    state = reached if reached and onward else duty.state
    return replace(duty, stamps=(*duty.stamps, stamp), state=state)


def taken_off(duty: Assignment, state: AssignmentState, now: datetime) -> Assignment:
    """End the duty in *state* (released, returned, reassigned, redundant) at *now*."""
    mark = Stamp(kind=_OVER[state], occurred_at=now, recorded_at=now, origin=StampOrigin.DESK)
    return replace(duty, stamps=(*duty.stamps, mark), state=state)


def again(duty: Assignment, now: datetime) -> Assignment:
    """Take handling up again: what was acknowledged and reached stays (rows 14, 17)."""
    there = duty.stamp(StampKind.ARRIVED)
    state = AssignmentState.ARRIVED if there else AssignmentState.ACKED
    return replace(duty, state=state, reworked_at=now)


def called_out(duty: Assignment, now: datetime, origin: StampOrigin) -> Assignment:
    """Make a standby duty an active support (row 26)."""
    sent = Stamp(kind=StampKind.SENT, occurred_at=now, recorded_at=now, origin=origin)
    return replace(duty, role=Role.SUPPORT, state=AssignmentState.SENT, stamps=(*duty.stamps, sent))


def a_duty(
    incident: Incident, unit: str, role: Role, origin: Origin, now: datetime, policy: Policy
) -> Assignment:
    """Return a new duty of *unit*, which the pack knows; a unit sent again gets the next id.

    A standby duty has no stamp yet: no clock runs on it. A self-dispatched one was never sent.
    """
    ordinal = 1 + sum(a.unit == unit for a in incident.assignments)
    team = policy.pack.unit_by_id[unit]
    asked = policy.pack.category(incident.category).capabilities
    sent = Stamp(
        kind=StampKind.SENT, occurred_at=now, recorded_at=now, origin=StampOrigin.AUTOMATIC
    )
    waits = origin is Origin.STANDBY
    return Assignment(
        assignment_id=ids.assignment_id(incident.incident_id, unit, ordinal),
        unit=unit,
        department=team.department,
        unit_kind=team.kind,
        role=role,
        origin=origin,
        state=AssignmentState.STANDBY if waits else AssignmentState.SENT,
        relation=policy.pack.relation(unit, incident.scene),
        capable=any(c in team.capabilities for c in asked),
        stamps=() if origin is not Origin.DISPATCHED else (sent,),
    )


def duty_of(incident: Incident, assignment_id: UUID) -> Assignment | None:
    """Return the assignment with this id."""
    return next((a for a in incident.assignments if a.assignment_id == assignment_id), None)


def duty_of_unit(incident: Incident, unit: str) -> Assignment | None:
    """Return the unit's duty: one that is not over before one that is, then the newest."""
    mine = [a for a in incident.assignments if a.unit == unit]
    held = [a for a in mine if not is_over(a)]
    return (held or mine)[-1] if mine else None


def lead_of(incident: Incident) -> Assignment | None:
    """Return the one accountable lead 主办."""
    held = (a for a in incident.assignments if a.role is Role.LEAD and is_active(a))
    return next(held, None)


def put_back(incident: Incident, *duties: Assignment) -> Incident:
    """Return the incident with *duties* in the place of those with the same ids, new ones last."""
    changed = {d.assignment_id: d for d in duties}
    kept = tuple(changed.pop(a.assignment_id, a) for a in incident.assignments)
    return replace(incident, assignments=(*kept, *changed.values()))
