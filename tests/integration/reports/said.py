"""Events the other services would say, for the facts to be taken from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts import ids
from shared.contracts.call import Call, CallChange, CallEvent, CallRejected, Kind, Place
from shared.contracts.envelope import Message, encode
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    CallRef,
    Change,
    ChangeKind,
    Incident,
    IncidentEvent,
    IncidentState,
    Origin,
    Relation,
    Role,
    Scene,
    Stamp,
    StampKind,
)
from shared.contracts.notice import NoticeEvent, NoticeState, Purpose
from shared.contracts.sla import Clock, ClockKind, ClockState, Heartbeat, SlaEvent
from shared.contracts.values import Lane, Line
from shared.runtime.bus import Outgoing

LANE = Lane.URGENT
PRODUCERS = {
    "call": "intake",
    "rejection": "intake",
    "incident": "router",
    "sla": "sla",
    "heartbeat": "sla",
    "notice": "notify",
}


def outgoing(family: str, aggregate: UUID, version: int, time: datetime, data: Any) -> Outgoing:
    """Return an event as its producer's relay hands it to the broker; `topic` is its family."""
    message = Message(
        topic=family,
        key=str(aggregate),
        producer=PRODUCERS[family],
        family=family,
        change="said",
        aggregate=aggregate,
        version=version,
        time=time,
        lane=LANE,
        data=data,
    )
    key, headers, value = encode(message)
    return Outgoing(family, key, value, headers)


def call_id(name: object) -> UUID:
    """Return the id of call *name*."""
    return ids.call_id("122", str(name))


def incident_id(name: object) -> UUID:
    """Return the id of the incident that call *name* opened."""
    return ids.incident_id(call_id(name))


def call(name: object, at: datetime, *, revision: int = 1, **changes: Any) -> Outgoing:
    """Call *name*, received *at*."""
    values: dict[str, Any] = {
        "call_id": call_id(name),
        "source": "122",
        "source_id": str(name),
        "root": str(name),
        "revision": revision,
        "line": Line.TRAFFIC,
        "lane": LANE,
        "region": "xianju",
        "received_at": at,
        "recorded_at": at,
        "kind": Kind(category="traffic.collision"),
        "severity": 4,
        "place": Place(area="331024001", text="scrubbed"),
    }
    said = CallEvent(call=Call(**(values | changes)), change=CallChange.RECEIVED)
    return outgoing("call", call_id(name), revision, at, said)


def duty(name: object, at: datetime, unit: str, *stamps: StampKind) -> Assignment:
    """Return the duty of *unit* in incident *name*, a minute between its stamps."""
    return Assignment(
        assignment_id=ids.assignment_id(incident_id(name), unit, 1),
        unit=unit,
        department="police",
        unit_kind="standing",
        role=Role.LEAD,
        origin=Origin.DISPATCHED,
        state=AssignmentState(stamps[-1]) if stamps else AssignmentState.SENT,
        relation=Relation.COUNTY_TOWN,
        stamps=tuple(
            Stamp(kind=kind, occurred_at=at + timedelta(minutes=n), recorded_at=at)
            for n, kind in enumerate(stamps)
        ),
    )


def incident(
    name: object,
    at: datetime,
    *,
    version: int = 1,
    duties: Sequence[Assignment] = (),
    others: Sequence[object] = (),
    **changes: Any,
) -> Outgoing:
    """Incident *name* at *version*; calls *others* joined it."""
    values: dict[str, Any] = {
        "incident_id": incident_id(name),
        "number": f"XJ-{name}",
        "version": version,
        "region": "xianju",
        "lane": LANE,
        "line": Line.TRAFFIC,
        "state": IncidentState.DISPATCHED,
        "affair": "public_order",
        "category": "traffic.collision",
        "severity": 4,
        "received_at": at,
        "scene": Scene(area="331024001", text="scrubbed"),
        "calls": tuple(_reference(each, at) for each in (name, *others)),
        "assignments": tuple(duties),
        "pack_version": "2026.11",
    }
    said = IncidentEvent(
        incident=Incident(**(values | changes)),
        changes=(Change(kind=ChangeKind.DISPATCHED, at=at),),
    )
    return outgoing("incident", incident_id(name), version, at, said)


def _reference(name: object, at: datetime) -> CallRef:
    return CallRef(
        call_id=call_id(name),
        source="122",
        source_id=str(name),
        line=Line.TRAFFIC,
        revision=1,
        received_at=at,
    )


def clock(
    name: object,
    unit: str,
    kind: ClockKind,
    started: datetime,
    limit: timedelta,
    took: timedelta | None = None,
) -> Clock:
    """Return a clock of *unit* in incident *name*."""
    return Clock(
        clock_id=ids.clock_id(incident_id(name), None, kind, 1),
        kind=kind,
        rule="R01",
        rule_version="1",
        assignment_id=ids.assignment_id(incident_id(name), unit, 1),
        unit=unit,
        started=started,
        due=started + limit,
        limit_s=limit.total_seconds(),
        state=ClockState.RUNNING if took is None else ClockState.MET,
        stopped=None if took is None else started + took,
    )


def clocks(
    name: object, at: datetime, *found: Clock, version: int = 1, exercise: bool = False
) -> Outgoing:
    """Incident *name*'s set of clocks."""
    said = SlaEvent(
        incident_id=incident_id(name),
        number=f"XJ-{name}",
        version=version,
        incident_version=version,
        region="xianju",
        lane=LANE,
        clocks=found,
        changes=(),
        exercise=exercise,
    )
    return outgoing("sla", incident_id(name), version, at, said)


def heartbeat(beat: int, at: datetime) -> Outgoing:
    """A sign of life of sla."""
    said = Heartbeat(instance="1", beat=beat, said_at=at, open_clocks=0, oldest_overdue_s=0)
    return outgoing("heartbeat", ids.heartbeat_id("sla", "1"), beat, at, said)


def notice(name: object, at: datetime, *, version: int = 1) -> Outgoing:
    """Return a notice of incident *name*, delivered."""
    notice_id = ids.notice_id(incident_id(name), "xj-rescue", "sms")
    said = NoticeEvent(
        notice_id=notice_id,
        version=version,
        incident_id=incident_id(name),
        cause=incident_id(name),
        recipient="xj-rescue",
        channel="sms",
        purpose=Purpose.DISPATCH,
        state=NoticeState.DELIVERED,
        attempts=version,
        queued_at=at,
        at=at,
        region="xianju",
        lane=LANE,
    )
    return outgoing("notice", notice_id, version, at, said)


def rejection(name: object, at: datetime) -> Outgoing:
    """Return a refused body."""
    said = CallRejected(
        source="122",
        source_id=str(name),
        reasons=("missing_field", "unknown_code"),
        fields=("jjdbh",),
        body_bytes=99,
        rejected_at=at,
    )
    return outgoing("rejection", ids.rejection_id("122", str(name), "0"), 1, at, said)
