"""Builds incidents and clocks as router and sla say them, for the tests of notify."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

from services.notify.domain.notice import Notice, Occasion
from services.notify.domain.orders import notices_of
from services.notify.domain.view import View, seen
from shared.contracts import ids
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    CallRef,
    Change,
    ChangeKind,
    Decision,
    Incident,
    IncidentEvent,
    IncidentState,
    Origin,
    Relation,
    Role,
    Scene,
)
from shared.contracts.sla import (
    Clock,
    ClockChange,
    ClockChangeKind,
    ClockKind,
    ClockState,
    SlaEvent,
)
from shared.contracts.values import Lane, Line
from shared.runtime.packs import load_pack

PACK = load_pack(Path(__file__).parents[3] / "deploy" / "regions" / "xianju")
T0 = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
"""09:00 in Xianju: day."""
CALL = ids.call_id("119", "1")
INCIDENT = ids.incident_id(CALL)
NUMBER = "XJ-20261122-000123"
PLACE = "安洲街道环城南路某小区三栋"
CALLER_HASH = "caller-hash-0001"


def minutes(count: float) -> timedelta:
    """Return *count* minutes."""
    return timedelta(minutes=count)


def assignment_of(unit: str, ordinal: int = 1) -> UUID:
    """Return the id of the unit's duty."""
    return ids.assignment_id(INCIDENT, unit, ordinal)


def a_duty(
    unit: str = "xj-rescue",
    role: Role = Role.LEAD,
    state: AssignmentState = AssignmentState.SENT,
    *,
    relation: Relation = Relation.COUNTY_TOWN,
    origin: Origin = Origin.DISPATCHED,
) -> Assignment:
    """Return one duty in the incident."""
    known = PACK.unit_by_id[unit]
    return Assignment(
        assignment_id=assignment_of(unit),
        unit=unit,
        department=known.department,
        unit_kind=known.kind,
        role=role,
        origin=Origin.STANDBY if role is Role.STANDBY else origin,
        state=AssignmentState.STANDBY if role is Role.STANDBY else state,
        relation=relation,
    )


def an_incident(*duties: Assignment, version: int = 1, **changed: object) -> Incident:
    """Return a fire in the county town with *duties* (the rescue team alone by default)."""
    incident = Incident(
        incident_id=INCIDENT,
        number=NUMBER,
        version=version,
        region="xianju",
        lane=Lane.URGENT,
        line=Line.FIRE,
        state=IncidentState.DISPATCHED,
        affair="emergency",
        category="fire.building.home",
        severity=3,
        received_at=T0,
        scene=Scene(area="331024001", at_seat=True, text=PLACE, longitude=120.728, latitude=28.851),
        calls=(
            CallRef(
                call_id=CALL,
                source="119",
                source_id="1",
                line=Line.FIRE,
                revision=1,
                received_at=T0,
                caller=CALLER_HASH,
            ),
        ),
        assignments=duties or (a_duty(),),
        decision=Decision(
            rule="fire",
            rule_version="1",
            inputs={},
            commander="post-deputy-head",
            tell=("post-duty-leader", "post-centre-director"),
            decided_at=T0,
        ),
        pack_version="test",
    )
    return replace(incident, **changed)


def event(incident: Incident, *kinds: ChangeKind | tuple[ChangeKind, str]) -> IncidentEvent:
    """Return an event that says *kinds*, each of the incident or, as (kind, unit), of a duty."""
    changes = [
        Change(kind=kind, at=T0)
        if isinstance(kind, ChangeKind)
        else Change(kind=kind[0], at=T0, unit=kind[1], assignment_id=assignment_of(kind[1]))
        for kind in kinds
    ]
    return IncidentEvent(incident=incident, changes=tuple(changes))


def dispatched(*units: str) -> tuple[tuple[ChangeKind, str], ...]:
    """Return the changes that send *units*."""
    return tuple((ChangeKind.DISPATCHED, unit) for unit in units)


def occasion(cause: str = "1", now: datetime = T0) -> Occasion:
    """Return the occasion of the event named *cause*."""
    return Occasion(PACK, ids.event_id("router", INCIDENT, sum(cause.encode())), now)


def told(said: IncidentEvent, before: View | None = None) -> list[Notice]:
    """Return what *said* makes people hear."""
    return notices_of(said, before, occasion())


def who(notices: list[Notice]) -> set[tuple[str, str, str]]:
    """Return (recipient, channel, purpose) of *notices*."""
    return {(n.order.recipient, str(n.order.channel), n.order.purpose.value) for n in notices}


def view_of(incident: Incident | None = None) -> View:
    """Return what is remembered of *incident*."""
    return seen(None, incident or an_incident())


def a_clock(
    kind: ClockKind = ClockKind.ACK, unit: str | None = "xj-rescue", **changed: object
) -> Clock:
    """Return a running clock on the unit's duty (on the incident where there is no unit)."""
    duty = assignment_of(unit) if unit else None
    clock = Clock(
        clock_id=ids.clock_id(INCIDENT, duty, kind, 1),
        kind=kind,
        rule=kind.value.upper(),
        rule_version="1",
        assignment_id=duty,
        unit=unit,
        started=T0,
        due=T0 + minutes(3),
        limit_s=180,
        state=ClockState.RUNNING,
        warned=(0.5,),
    )
    return replace(clock, **changed)


def breached(clock: Clock) -> Clock:
    """Return *clock* after its breach."""
    return replace(clock, state=ClockState.BREACHED, breached_at=clock.due)


def corrected(clock: Clock) -> Clock:
    """Return *clock* once a late stamp has proved it met."""
    return replace(breached(clock), state=ClockState.MET, stopped=T0, corrected=True)


def clock_event(
    kind: ClockChangeKind, clock: Clock, *, version: int = 1, level: int | None = None
) -> SlaEvent:
    """Return what sla says of *clock*."""
    return SlaEvent(
        incident_id=INCIDENT,
        number=NUMBER,
        version=version,
        incident_version=1,
        region="xianju",
        lane=Lane.URGENT,
        clocks=(clock,),
        changes=(
            ClockChange(
                kind=kind,
                clock_id=clock.clock_id,
                clock=clock.kind,
                at=clock.due,
                assignment_id=clock.assignment_id,
                unit=clock.unit,
                level=level,
            ),
        ),
    )
