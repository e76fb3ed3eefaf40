"""Builds snapshots of incidents, as router would say them, for the tests of sla."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

from services.sla.domain.clock_set import ClockSet, Outcome
from services.sla.domain.deriving import derive
from services.sla.domain.firing import fire
from services.sla.domain.rules import Rules
from shared.contracts import ids
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Incident,
    IncidentState,
    Origin,
    Relation,
    Role,
    Stamp,
    StampKind,
)
from shared.contracts.sla import Clock, ClockChange, ClockChangeKind, ClockKind
from shared.contracts.values import Lane, Line
from shared.runtime.packs import load_pack

PACK = load_pack(Path(__file__).parents[3] / "deploy" / "regions" / "xianju")
RULES = Rules(PACK)
T0 = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
"""09:00 in Xianju: day."""
NIGHT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""20:00 in Xianju: the night has just begun."""
INCIDENT = ids.incident_id(ids.call_id("119", "1"))
LEAD = ids.assignment_id(INCIDENT, "xj-rescue", 1)

_ENDS = (StampKind.RELEASED, StampKind.RETURNED, StampKind.REASSIGNED, StampKind.REDUNDANT)
_RANK = [s.value for s in AssignmentState]


def minutes(count: float) -> timedelta:
    """Return *count* minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """Return *count* hours."""
    return timedelta(hours=count)


def a_stamp(kind: StampKind, at: datetime, recorded: datetime | None = None) -> Stamp:
    """Return a stamp, recorded when it happened unless told otherwise."""
    return Stamp(kind=kind, occurred_at=at, recorded_at=recorded or at)


def a_duty(
    sent: datetime | None = T0,
    relation: Relation = Relation.COUNTY_TOWN,
    *,
    origin: Origin = Origin.DISPATCHED,
    unit: str = "xj-rescue",
    assignment_id: UUID = LEAD,
) -> Assignment:
    """Return a duty of the county's rescue team, sent at *sent*."""
    return Assignment(
        assignment_id=assignment_id,
        unit=unit,
        department="fire",
        unit_kind="county",
        role=Role.LEAD,
        origin=origin,
        state=AssignmentState.SENT if sent else AssignmentState.STANDBY,
        relation=relation,
        stamps=(a_stamp(StampKind.SENT, sent),) if sent else (),
    )


def stamped(duty: Assignment, *stamps: Stamp) -> Assignment:
    """Return *duty* with *stamps* recorded, its state the farthest of them."""
    states = [s.kind.value for s in (*duty.stamps, *stamps) if s.kind.value in _RANK]
    farthest = max(states, key=_RANK.index, default=duty.state.value)
    return replace(duty, stamps=(*duty.stamps, *stamps), state=AssignmentState(farthest))


def an_incident(
    *duties: Assignment,
    version: int = 1,
    received: datetime = T0,
    state: IncidentState = IncidentState.DISPATCHED,
    category: str = "fire",
    severity: int = 3,
    ended: datetime | None = None,
) -> Incident:
    """Return an incident received, accepted and dispatched at *received*."""
    return Incident(
        incident_id=INCIDENT,
        number="XJ-20261122-000001",
        version=version,
        region="xianju",
        lane=Lane.URGENT,
        line=Line.FIRE,
        state=state,
        affair="emergency",
        category=category,
        severity=severity,
        received_at=received,
        accepted_at=received,
        dispatched_at=received,
        ended_at=ended,
        assignments=duties,
        pack_version=PACK.stamp,
    )


def derived(incident: Incident, before: ClockSet | None = None, now: datetime = T0) -> Outcome:
    """Return what the incident's snapshot makes of *before* under Xianju's rules."""
    return derive(before, incident, RULES, now)


def following(*duties: Assignment, **given: object) -> ClockSet:
    """Return the clocks after each snapshot of one duty, one after the other."""
    kept: ClockSet | None = None
    for version, duty in enumerate(duties, 1):
        kept = derived(an_incident(duty, version=version, **given), kept).clocks  # type: ignore[arg-type]
    assert kept is not None
    return kept


def fired_at(kept: ClockSet, *moments: datetime) -> ClockSet:
    """Return the set after the timers were looked at at each of *moments*."""
    for now in moments:
        kept = fire(kept, now).clocks
    return kept


def the(kind: ClockKind, kept: ClockSet) -> Clock:
    """Return the set's newest clock of *kind*; fails where there is none."""
    return [clock for clock in kept.clocks if clock.kind is kind][-1]


def kinds_of(kept: ClockSet) -> set[ClockKind]:
    """Return the kinds of a duty's clocks in the set."""
    return {clock.kind for clock in kept.clocks if clock.assignment_id is not None}


def said(changes: tuple[ClockChange, ...], kind: ClockKind | None = None) -> list[ClockChangeKind]:
    """Return the kinds of *changes*, of clocks of *kind* only if one is given."""
    return [change.kind for change in changes if kind is None or change.clock is kind]
