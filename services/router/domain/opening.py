"""Rows 1, 2 and 5: a call becomes a dispatched incident, in one decision and one event."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from services.router.domain.changes import change, change_of
from services.router.domain.duties import a_duty
from services.router.domain.outcome import Decided
from services.router.domain.policy import Policy
from services.router.domain.routing import Facts, Routed, route
from shared.contracts import ids
from shared.contracts.call import Call
from shared.contracts.incident import (
    CallRef,
    Change,
    ChangeKind,
    Incident,
    IncidentState,
    Origin,
    Role,
    Scene,
)
from shared.contracts.pack import Pack
from shared.contracts.values import Lane, Line

AUTOMATIC = "router"
"""Who did what nobody asked for."""


def number(pack: Pack, received_at: datetime, serial: int) -> str:
    """Return the number people use, `XJ-20261122-000123`: region, local day, serial of that day."""
    day = received_at.astimezone(pack.region.zone)
    return f"{pack.region.prefix}-{day:%Y%m%d}-{serial:06d}"


def ref_of(call: Call) -> CallRef:
    """Return the call as the incident keeps it: no caller but a hash, no narrative."""
    return CallRef(
        call_id=call.call_id,
        source=call.source,
        source_id=call.source_id,
        line=call.line,
        revision=call.revision,
        received_at=call.received_at,
        caller=call.caller,
    )


def scene_of(call: Call) -> Scene:
    """Return the place as units need it."""
    place = call.place
    return Scene(
        area=place.area,
        at_seat=place.at_seat,
        text=place.text,
        longitude=place.longitude,
        latitude=place.latitude,
    )


def facts_of(call: Call, incident: Incident) -> Facts:
    """Return what routing looks at; day or night is that of the call's receipt."""
    return Facts(
        line=incident.line,
        lane=incident.lane,
        category=call.kind.category,
        severity=call.severity,
        scene=scene_of(call),
        text=f"{call.text} {call.place.text}",
        at=incident.received_at,
    )


def open_incident(
    call: Call,
    numbered: str,
    now: datetime,
    policy: Policy,
    *,
    linked: tuple[UUID, ...] = (),
    instead_of: Incident | None = None,
) -> Decided:
    """Return the incident that *call* opens, accepted and dispatched by the automatic rule.

    *instead_of* is the incident the call had in the other lane: its calls come along.
    """
    at = max(now, call.received_at)
    if instead_of:
        linked = (instead_of.incident_id,)
    calls = instead_of.calls if instead_of else (ref_of(call),)
    opened = Incident(
        incident_id=ids.incident_id(instead_of.incident_id if instead_of else call.call_id),
        number=numbered,
        version=1,
        region=call.region,
        lane=call.lane,
        line=call.line,
        state=IncidentState.DISPATCHED,
        affair=policy.pack.category(call.kind.category).affair,
        category=call.kind.category,
        severity=call.severity,
        received_at=call.received_at,
        accepted_at=at,
        dispatched_at=at,
        scene=scene_of(call),
        calls=calls,
        pack_version=policy.pack.stamp,
        linked=linked,
        exercise=call.exercise,
        test=call.test,
    )
    routed = route(policy.pack, facts_of(call, opened), at)
    return _dispatched(opened, routed, at, policy, by=call.source)


def open_transferred(
    before: Incident, line: Line, numbered: str, now: datetime, policy: Policy
) -> Decided:
    """Row 4: the linked incident on the other line; the calls and the place go with it."""
    opened = Incident(
        incident_id=ids.incident_id(before.incident_id),
        number=numbered,
        version=1,
        region=before.region,
        lane=lane_of(line),
        line=line,
        state=IncidentState.DISPATCHED,
        affair=before.affair,
        category=before.category,
        severity=before.severity,
        received_at=now,
        accepted_at=now,
        dispatched_at=now,
        scene=before.scene,
        calls=before.calls,
        pack_version=policy.pack.stamp,
        linked=(before.incident_id,),
        exercise=before.exercise,
        test=before.test,
    )
    facts = Facts(
        line=line,
        lane=opened.lane,
        category=opened.category,
        severity=opened.severity,
        scene=opened.scene,
        text=opened.scene.text,
        at=now,
    )
    return _dispatched(opened, route(policy.pack, facts, now), now, policy, by=AUTOMATIC)


def lane_of(line: Line) -> Lane:
    """Return the lane a transferred incident takes: 12345 is the ordinary one."""
    return Lane.ORDINARY if line in (Line.GOVERNMENT, Line.OTHER) else Lane.URGENT


def _dispatched(
    opened: Incident, routed: Routed, at: datetime, policy: Policy, *, by: str
) -> Decided:
    wanted = [(routed.lead, Role.LEAD, Origin.DISPATCHED)]
    wanted += [(unit, Role.SUPPORT, Origin.DISPATCHED) for unit in routed.supports]
    wanted += [(unit, Role.STANDBY, Origin.STANDBY) for unit in routed.standby]
    duties = tuple(a_duty(opened, unit, role, origin, at, policy) for unit, role, origin in wanted)
    sent = [duty for duty in duties if duty.role is not Role.STANDBY]
    return Decided(
        replace(opened, assignments=duties, decision=routed.record),
        (
            change(ChangeKind.RECEIVED, opened.received_at, by=by),
            change(ChangeKind.ACCEPTED, at, by=AUTOMATIC),
            *(change_of(duty, ChangeKind.DISPATCHED, at, by=AUTOMATIC) for duty in sent),
            *shortfalls(routed, at),
        ),
    )


def shortfalls(routed: Routed, at: datetime) -> list[Change]:
    """Return what nobody sent can do, to be seen at the desk."""
    return [
        change(ChangeKind.SHORTFALL, at, by=AUTOMATIC, reason=capability)
        for capability in routed.record.shortfalls
    ]
