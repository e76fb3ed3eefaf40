"""What further calls, revisions and withdrawals do to an incident that exists."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.router.domain import duties
from services.router.domain.awaiting import Attention, drawn_to
from services.router.domain.changes import change, change_of
from services.router.domain.commands import Link, ProveUrgent, Reopen, Revise, Withdraw
from services.router.domain.desk_rows import successor
from services.router.domain.duties import put_back
from services.router.domain.incident_rows import called_off, reopen
from services.router.domain.opening import (
    AUTOMATIC,
    facts_of,
    ref_of,
    scene_of,
    shortfalls,
)
from services.router.domain.outcome import Decided, Outcome
from services.router.domain.policy import Policy
from services.router.domain.routing import Routed, route
from shared.contracts.call import Call
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Change,
    ChangeKind,
    Incident,
    IncidentState,
    Role,
    StampKind,
)
from shared.contracts.values import Lane

NEVER_HANDLED = frozenset(
    {
        IncidentState.INVALID,
        IncidentState.CANCELLED,
        IncidentState.TRANSFERRED,
        IncidentState.DUPLICATE,
    }
)
FINISHED = NEVER_HANDLED | {IncidentState.CLOSED}
REPORTED = frozenset({IncidentState.HANDLED, IncidentState.VERIFYING})
"""Nobody is at work any more, and it is not checked yet."""


def can_join(incident: Incident, call: Call, policy: Policy) -> bool:
    """Say whether *call* belongs to this incident; else it opens one of its own, linked.

    Nothing may fall silent: a call about an incident that was called off, closed long ago or purged, or
    an urgent one about an ordinary incident (the lane is fixed at opening), is dispatched afresh.
    """
    if incident.purged or incident.state in NEVER_HANDLED:
        return False
    if call.exercise != incident.exercise:
        return False
    if call.lane is Lane.URGENT and incident.lane is Lane.ORDINARY:
        return False
    if incident.state is IncidentState.CLOSED and incident.ended_at is not None:
        return call.received_at - incident.ended_at <= policy.repeat_window
    return True


def link(incident: Incident, asked: Link, now: datetime, policy: Policy) -> Outcome:
    """A repeat call of the same source chain; one about a closed incident reopens it (row 17).

    One about an incident that is not checked yet is shown at the desk, whose check decides.
    """
    if _position(incident, asked.call) is not None:
        return Decided(incident)
    joined = replace(incident, calls=(*incident.calls, ref_of(asked.call)))
    if incident.state in REPORTED:
        joined = drawn_to(joined, Attention.CALLED_AGAIN)
    said = change(ChangeKind.CALL_LINKED, now, by=asked.by, reason="same_source_chain")
    decided = Decided(joined, (said,))
    if incident.state is not IncidentState.CLOSED:
        return decided
    again = reopen(joined, Reopen(by=asked.by, reason="called_again"), now, policy)
    return decided.then(again.incident, *again.changes) if isinstance(again, Decided) else again


def withdraw(incident: Incident, asked: Withdraw, now: datetime, policy: Policy) -> Outcome:
    """Cancels while nobody has acknowledged and no other call stands; else it is a suggestion."""
    del policy
    noted = _noted(incident, asked.call)
    alone = len(incident.calls) == 1
    if incident.state in FINISHED:
        return Decided(noted, (_revised(asked.by, now, "call_withdrawn"),))
    if alone and not any(map(duties.moving, incident.assignments)):
        return called_off(noted, ChangeKind.CANCELLED, now, by=asked.by, reason="call_withdrawn")
    said = change(ChangeKind.REROUTE_SUGGESTED, now, by=asked.by, reason="call_withdrawn")
    return Decided(drawn_to(noted, Attention.CALL_WITHDRAWN), (said,))


def prove_urgent(incident: Incident, asked: ProveUrgent, now: datetime, policy: Policy) -> Outcome:
    """Row 4 by rule: ends here while nobody has acknowledged; else the desk calls units off."""
    del policy
    noted = _noted(incident, asked.call)
    if incident.state in FINISHED:
        return Decided(noted, (_revised(asked.by, now, "proved_urgent"),))
    if any(map(duties.moving, incident.assignments)):
        said = change(ChangeKind.REROUTE_SUGGESTED, now, by=AUTOMATIC, reason="proved_urgent")
        return Decided(drawn_to(noted, Attention.PROVED_URGENT), (said,))
    reason = "proved_urgent"
    return called_off(noted, ChangeKind.TRANSFERRED, now, by=AUTOMATIC, reason=reason)


def revise(incident: Incident, asked: Revise, now: datetime, policy: Policy) -> Outcome:
    """A higher revision. Before the first ACK it re-routes, once; after it, it only suggests.

    The opening call gives the facts; a revised repeat call is noted.
    """
    call = asked.call
    noted = _noted(incident, call)
    decided = Decided(noted, (_revised(asked.by, now),))
    if _position(incident, call) != 0 or incident.state in FINISHED:
        return decided
    corrected = _corrected(noted, call, policy)
    decided = Decided(corrected, decided.changes)
    if _facts(corrected) == _facts(incident):
        return decided
    routed = route(policy.pack, facts_of(call, incident), now)
    if _sends_the_same(incident, routed):
        return decided
    if any(map(duties.moving, incident.assignments)):
        rule = routed.record.rule
        said = change(ChangeKind.REROUTE_SUGGESTED, now, by=AUTOMATIC, reason=rule)
        return decided.then(drawn_to(corrected, Attention.REVISED), said)
    return _reroute(decided, routed, now, policy)


def _facts(incident: Incident) -> tuple[object, ...]:
    return incident.category, incident.severity, incident.scene


def _position(incident: Incident, call: Call) -> int | None:
    ids = [ref.call_id for ref in incident.calls]
    return ids.index(call.call_id) if call.call_id in ids else None


def _noted(incident: Incident, call: Call) -> Incident:
    refs = tuple(ref_of(call) if r.call_id == call.call_id else r for r in incident.calls)
    return replace(incident, calls=refs)


def _revised(by: str, now: datetime, reason: str | None = None) -> Change:
    return change(ChangeKind.REVISED, now, by=by, reason=reason)


def _corrected(incident: Incident, call: Call, policy: Policy) -> Incident:
    """Take over kind, severity and place; who is still on the way stands anew to the scene."""
    incident = replace(
        incident,
        category=call.kind.category,
        affair=policy.pack.category(call.kind.category).affair,
        severity=call.severity,
        scene=scene_of(call),
    )
    anew = (
        replace(duty, relation=policy.pack.relation(duty.unit, incident.scene))
        for duty in incident.assignments
        if not duty.stamp(StampKind.ARRIVED)
    )
    return put_back(incident, *anew)


def _sends_the_same(incident: Incident, routed: Routed) -> bool:
    here = {(a.unit, a.role) for a in incident.assignments if not duties.is_over(a)}
    return here == set(_wanted(routed))


def _wanted(routed: Routed) -> list[tuple[str, Role]]:
    return [
        (routed.lead, Role.LEAD),
        *((unit, Role.SUPPORT) for unit in routed.supports),
        *((unit, Role.STANDBY) for unit in routed.standby),
    ]


def _reroute(decided: Decided, routed: Routed, now: datetime, policy: Policy) -> Decided:
    """Let go who is not wanted any more, keep who is, send who is new."""
    wanted = dict(_wanted(routed))
    for duty in decided.incident.assignments:
        if duties.is_over(duty):
            continue
        if duty.unit not in wanted or (
            wanted[duty.unit] is Role.STANDBY and duty.state is not AssignmentState.STANDBY
        ):
            decided = _let_go(decided, duty, now)
    for unit, role in wanted.items():
        before = duties.duty_of_unit(decided.incident, unit)
        heir = successor(decided.incident, unit, role, now, policy)
        incident = put_back(decided.incident, heir)
        newly = before is None or before.state is not heir.state
        if newly and role is not Role.STANDBY:
            said = change_of(heir, ChangeKind.DISPATCHED, now, by=AUTOMATIC, reason="rerouted")
            decided = decided.then(incident, said)
        else:
            decided = decided.then(incident)
    settled = replace(decided.incident, decision=routed.record, pack_version=policy.pack.stamp)
    return decided.then(settled, *shortfalls(routed, now))


def _let_go(decided: Decided, duty: Assignment, now: datetime) -> Decided:
    lead = duty.role is Role.LEAD
    state = AssignmentState.REASSIGNED if lead else AssignmentState.RELEASED
    gone = duties.taken_off(duty, state, now)
    said = change_of(gone, ChangeKind.RELEASED, now, by=AUTOMATIC, reason="rerouted")
    return decided.then(put_back(decided.incident, gone), said)
