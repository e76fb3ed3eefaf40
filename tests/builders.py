"""Small builders: what a test does not say is plain and fixed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from shared.contracts import ids
from shared.contracts.call import Call, Kind, Place
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    CallRef,
    Incident,
    IncidentState,
    Origin,
    Relation,
    Role,
    Scene,
    Stamp,
    StampKind,
)
from shared.contracts.values import Lane, Line

T0 = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
"""Sunday, 10:00 in the county: day."""

COUNTY_TOWN, TOWNSHIP = "331024001", "331024101"
"""安洲街道 and 横溪镇."""


def minutes(count: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """Return so many hours."""
    return timedelta(hours=count)


def a_call(source_id: str = "C1", **fields: Any) -> Call:
    """Return an urgent call about a home fire in the county town; `root` is its own number."""
    source = fields.pop("source", "110")
    category = fields.pop("category", "fire.building.home")
    plain = Call(
        call_id=ids.call_id(source, source_id),
        source=source,
        source_id=source_id,
        root=source_id,
        revision=1,
        line=Line.POLICE,
        lane=Lane.URGENT,
        region="xianju",
        received_at=T0,
        recorded_at=T0,
        kind=Kind(category=category),
        severity=3,
        text="民房起火",
        place=Place(area=COUNTY_TOWN, at_seat=True, text="安洲街道演练路1号"),
    )
    return replace(plain, **fields)


def an_assignment(unit: str = "xj-rescue", **fields: Any) -> Assignment:
    """Return the lead's duty, sent at T0; give `stamps` as stamp kind to moment."""
    incident = fields.pop("incident_id", an_incident_id())
    ordinal = fields.pop("ordinal", 1)
    moments: dict[StampKind, datetime] = fields.pop("stamps", {StampKind.SENT: T0})
    stamps = tuple(Stamp(kind=k, occurred_at=at, recorded_at=at) for k, at in moments.items())
    plain = Assignment(
        assignment_id=ids.assignment_id(incident, unit, ordinal),
        unit=unit,
        department="fire",
        unit_kind="county",
        role=Role.LEAD,
        origin=Origin.DISPATCHED,
        state=AssignmentState.SENT,
        relation=Relation.COUNTY_TOWN,
        capable=True,
        stamps=stamps,
    )
    return replace(plain, **fields)


def an_incident_id(source_id: str = "C1", source: str = "110") -> UUID:
    """Return the id of the incident that this call opens."""
    return ids.incident_id(ids.call_id(source, source_id))


def an_incident(*assignments: Assignment, **fields: Any) -> Incident:
    """Return a dispatched urgent incident of `a_call()` with one lead unless others are given."""
    plain = Incident(
        incident_id=an_incident_id(),
        number="XJ-20261122-000001",
        version=1,
        region="xianju",
        lane=Lane.URGENT,
        line=Line.POLICE,
        state=IncidentState.DISPATCHED,
        affair="emergency",
        category="fire.building.home",
        severity=3,
        received_at=T0,
        accepted_at=T0,
        dispatched_at=T0,
        scene=Scene(area=COUNTY_TOWN, at_seat=True, text="安洲街道演练路1号"),
        calls=(
            CallRef(
                call_id=ids.call_id("110", "C1"),
                source="110",
                source_id="C1",
                line=Line.POLICE,
                revision=1,
                received_at=T0,
            ),
        ),
        assignments=assignments or (an_assignment(),),
        pack_version="test",
    )
    return replace(plain, **fields)
