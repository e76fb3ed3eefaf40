"""Facts to compute figures from: one line of a test says one call, duty or clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.reports.domain import period
from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    Facts,
    IncidentFact,
    LinkFact,
    Population,
    RejectionFact,
)
from services.reports.domain.later_facts import (
    AppealFact,
    CallBackFact,
    DeferralFact,
    RepeatFact,
    RosterFact,
    SupervisionFact,
    UpwardReportFact,
)
from shared.contracts import ids
from shared.contracts.pack import Pack
from shared.runtime.packs import load_pack

ZONE = ZoneInfo("Asia/Shanghai")
NOVEMBER = period.month("2026-11", ZONE)
T0 = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
"""08:00 in Xianju, a Sunday: the first minute of the day window."""
AFTER = datetime(2026, 12, 4, tzinfo=UTC)
"""Long after November: the month is over."""
NAMES = UUID(int=2026)


@cache
def xianju() -> Pack:
    """Return the county's real pack."""
    return load_pack(Path(__file__).resolve().parents[3] / "deploy/regions/xianju")


def uid(*words: object) -> UUID:
    """Return an id that only depends on *words*."""
    return uuid5(NAMES, "/".join(map(str, words)))


def a_call(name: object, at: datetime = T0, **changes: Any) -> CallFact:
    """Return call *name*, received *at*: a traffic jam by 122 unless told otherwise."""
    call_id = uid("call", name)
    values: dict[str, Any] = {
        "call_id": call_id,
        "version": 1,
        "opens": ids.incident_id(call_id),
        "source": "122",
        "line": "122",
        "lane": "urgent",
        "received_at": at,
        "recorded_at": at,
        "category": "traffic.jam",
        "severity": 4,
        "area": "331024001",
        "withdrawn": False,
        "exercise": False,
        "test": False,
    }
    return CallFact(**(values | changes))


def opened(call: CallFact, **changes: Any) -> IncidentFact:
    """Return the incident *call* opened, still dispatched."""
    values: dict[str, Any] = {
        "incident_id": call.opens,
        "version": 3,
        "number": f"XJ-{call.received_at.astimezone(ZONE):%Y%m%d}-{call.call_id.int % 10**6:06}",
        "line": call.line,
        "lane": call.lane,
        "state": "dispatched",
        "affair": xianju().category(call.category).affair,
        "category": call.category,
        "severity": call.severity,
        "area": call.area,
        "received_at": call.received_at,
        "accepted_at": call.received_at,
        "dispatched_at": call.received_at,
        "on_scene_at": None,
        "handled_at": None,
        "ended_at": None,
        "merged_into": None,
        "rework": 0,
        "reopened": 0,
        "pack_version": "2026.11",
        "exercise": call.exercise,
        "test": call.test,
    }
    return IncidentFact(**(values | changes))


def joined(call: CallFact, incident: IncidentFact) -> LinkFact:
    """Say that *call* joined an incident it did not open."""
    return LinkFact(call.call_id, incident.incident_id)


def a_clock(
    name: object,
    kind: str = "arrival",
    *,
    due: datetime = T0 + timedelta(minutes=20),
    limit: timedelta = timedelta(minutes=20),
    took: timedelta | None = None,
    unit: str = "xj-traffic",
    **changes: Any,
) -> ClockFact:
    """Return a clock of *unit*, stopped after it *took* so long (None: still open)."""
    started = due - limit
    values: dict[str, Any] = {
        "clock_id": uid("clock", kind, name),
        "incident_id": uid("incident", name),
        "version": 1,
        "kind": kind,
        "rule": "R01",
        "rule_version": "1",
        "assignment_id": uid("assignment", name),
        "unit": unit,
        "started": started,
        "due": due,
        "limit_s": limit.total_seconds(),
        "state": "running" if took is None else "met" if took <= limit else "breached",
        "judged": True,
        "day": True,
        "stopped": None if took is None else started + took,
        "breached_at": None,
        "found_late": False,
        "corrected": False,
        "exempt": False,
        "exercise": False,
    }
    return ClockFact(**(values | changes))


def a_duty(name: object, *, unit: str = "xj-traffic", **changes: Any) -> AssignmentFact:
    """Return the duty the clocks *name* run on: both reports given by the unit."""
    values: dict[str, Any] = {
        "assignment_id": uid("assignment", name),
        "incident_id": uid("incident", name),
        "version": 1,
        "unit": unit,
        "department": "police",
        "unit_kind": "standing",
        "role": "lead",
        "origin": "dispatched",
        "state": "fed_back",
        "relation": "county_town",
        "sent_at": T0,
        "acked_at": T0,
        "turned_out_at": None,
        "assembled_at": None,
        "arrived_at": T0,
        "arrived_by": "unit",
        "arrived_late_told": False,
        "ended_at": T0,
        "ended_by": "unit",
        "ended_late_told": False,
        "waived_at": None,
        "fed_back_at": T0,
        "released_at": None,
        "rework": 0,
        "exempt": "",
        "exercise": False,
        "test": False,
    }
    return AssignmentFact(**(values | changes))


def facts(*found: Any, read_at: datetime = AFTER, **heard: datetime) -> Facts:
    """Return *found* as the facts of a period read at *read_at*."""

    def of(kind: type) -> tuple[Any, ...]:
        return tuple(fact for fact in found if isinstance(fact, kind))

    return Facts(
        calls=of(CallFact),
        incidents=of(IncidentFact),
        links=of(LinkFact),
        assignments=of(AssignmentFact),
        clocks=of(ClockFact),
        rejections=of(RejectionFact),
        repeats=of(RepeatFact),
        call_backs=of(CallBackFact),
        appeals=of(AppealFact),
        deferrals=of(DeferralFact),
        reports=of(UpwardReportFact),
        supervisions=of(SupervisionFact),
        rosters=of(RosterFact),
        heard={Population(name): at for name, at in heard.items()},
        read_at=read_at,
    )


def with_more(known: Facts, *more: Any) -> Facts:
    """Return *known* and *more* facts."""
    added = facts(*more)
    return replace(
        known,
        calls=(*known.calls, *added.calls),
        incidents=(*known.incidents, *added.incidents),
        links=(*known.links, *added.links),
        assignments=(*known.assignments, *added.assignments),
        clocks=(*known.clocks, *added.clocks),
    )
