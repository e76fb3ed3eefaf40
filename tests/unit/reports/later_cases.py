"""Facts of what follows the handling, one line each, and whole histories that nobody has produced yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from services.reports.domain.later_facts import (
    AppealFact,
    CallBackFact,
    DeferralFact,
    RosterFact,
    SupervisionFact,
    UpwardReportFact,
)
from tests.unit.reports.cases import T0, a_call, a_clock, a_duty, opened, uid

FEW = settings(max_examples=20)
"""A history has dozens of facts: twenty of them find what a hundred do, in a fifth of the time."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LIMIT = timedelta(minutes=20)
UNITS = ("xj-traffic", "xj-rescue", "unheard-of")


def a_call_back(name: object, *, unit: str | None = "xj-traffic", **changes: Any) -> CallBackFact:
    """Return the call-back after case *name*: reached and content."""
    values: dict[str, Any] = {
        "call_back_id": uid("call-back", name),
        "incident_id": uid("incident", name),
        "version": 1,
        "call_id": uid("call", name),
        "assignment_id": uid("assignment", name),
        "unit": unit,
        "again": 0,
        "attempts": 1,
        "at": T0 + DAY,
        "reached": True,
        "responded": True,
        "resolved": True,
        "satisfied": True,
        "after": "nothing",
        "exercise": False,
        "test": False,
    }
    return CallBackFact(**(values | changes))


def an_appeal(name: object, about: str, *, state: str = "granted", **changes: Any) -> AppealFact:
    """Return an appeal about the duty of case *name*."""
    values: dict[str, Any] = {
        "appeal_id": uid("appeal", name, about),
        "incident_id": uid("incident", name),
        "version": 1,
        "assignment_id": uid("assignment", name),
        "unit": "xj-traffic",
        "about": about,
        "ground": "force_majeure",
        "state": state,
        "asked_at": T0 + HOUR,
        "decided_at": T0 + DAY,
        "exercise": False,
        "test": False,
    }
    return AppealFact(**(values | changes))


def a_deferral(name: object, kind: str, *, state: str = "approved", **changes: Any) -> DeferralFact:
    """Return a deferral of the duty of case *name*."""
    values: dict[str, Any] = {
        "deferral_id": uid("deferral", name, kind, state),
        "incident_id": uid("incident", name),
        "version": 1,
        "assignment_id": uid("assignment", name),
        "unit": "xj-traffic",
        "kind": kind,
        "state": state,
        "approvals": 2,
        "asked_at": T0,
        "decided_at": T0,
        "until": None,
        "resumed_at": None,
        "exercise": False,
        "test": False,
    }
    return DeferralFact(**(values | changes))


def a_report(
    name: object,
    stage: str = "first",
    level: str = "city",
    *,
    took: timedelta | None = timedelta(),
    due: datetime | None = T0 + HOUR,
    **changes: Any,
) -> UpwardReportFact:
    """Return a report of case *name*, made *took* before (negative: after) it was due; None: never."""
    made = None if took is None else (due or T0) - took
    values: dict[str, Any] = {
        "report_id": uid("report", name, stage, level),
        "incident_id": uid("incident", name),
        "version": 1,
        "stage": stage,
        "sequence": {"first": 1, "follow_up": 2}.get(stage, 3),
        "level": level,
        "unit": "xj-traffic",
        "medium": "phone",
        "due": due,
        "submitted_at": made,
        "carries": "time place",
        "supersedes": None,
        "fault": None,
        "exercise": False,
        "test": False,
    }
    return UpwardReportFact(**(values | changes))


def a_supervision(
    name: object, kind: str = "timeout", level: int = 1, **changes: Any
) -> SupervisionFact:
    """Return a supervision opened at T0 and due an hour later, still open."""
    values: dict[str, Any] = {
        "supervision_id": uid("supervision", name),
        "incident_id": uid("incident", name),
        "version": 1,
        "kind": kind,
        "level": level,
        "clock_id": None,
        "assignment_id": None,
        "unit": "xj-traffic",
        "opened_at": T0,
        "due": T0 + HOUR,
        "answered_at": None,
        "closed_at": None,
        "exercise": False,
    }
    return SupervisionFact(**(values | changes))


def a_roster(unit: str, begins: datetime, ends: datetime, people: int = 2) -> RosterFact:
    """Return one span of a unit's roster."""
    return RosterFact(uid("roster", unit, begins), 1, unit, begins, ends, people)


def everything_of(name: object, case: dict[str, Any]) -> list[Any]:
    """Return all facts of one generated case."""
    call = a_call(name, T0, area=case["area"], category=case["category"], exercise=case["exercise"])
    same = {"incident_id": call.opens, "exercise": case["exercise"]}
    handle = a_clock(
        name,
        "handle",
        due=T0 + HOUR,
        limit=HOUR,
        took=case["took"],
        unit=case["unit"],
        **same,
    )
    sent = a_clock(name, "ack", due=T0 + LIMIT, took=LIMIT, unit=case["unit"], **same)
    found: list[Any] = [call, opened(call), handle, sent]
    turned_out = None if case["left"] is None else T0 + case["left"]
    duty = {"rework": case["rework"], "state": case["state"], "turned_out_at": turned_out}
    found.append(a_duty(name, unit=case["unit"], **duty, **same))
    if case["reached"] is not None:
        said = {"reached": case["reached"], "satisfied": case["satisfied"]}
        found.append(a_call_back(name, unit=case["unit"], **said, **same))
    if case["appeal"] is not None:
        about, state = case["appeal"]
        found.append(an_appeal(name, about, state=state, unit=case["unit"], **same))
    if case["deferral"] is not None:
        kind, state = case["deferral"]
        found.append(a_deferral(name, kind, state=state, unit=case["unit"], **same))
    for stage, level, took, fault in case["reports"]:
        said = {"fault": fault, "unit": case["unit"]}
        found.append(a_report(name, stage, level, took=took, **said, **same))
    if case["supervision"] is not None:
        kind, rung, closed = case["supervision"]
        end = None if closed is None else T0 + closed
        found.append(a_supervision(name, kind, rung, closed_at=end, **same))
    return found


_CASE = st.fixed_dictionaries(
    {
        "area": st.sampled_from(["331024001", "331024101", "331024102", None, "999999999"]),
        "category": st.sampled_from(["traffic.jam", "fire.vehicle", "unclassified"]),
        "exercise": st.sampled_from([False, False, False, True]),
        "unit": st.sampled_from(UNITS),
        "took": st.sampled_from([None, LIMIT, HOUR * 2]),
        "left": st.sampled_from([None, timedelta(minutes=3), timedelta(minutes=-1), HOUR]),
        "rework": st.integers(0, 1),
        "state": st.sampled_from(["fed_back", "returned"]),
        "reached": st.sampled_from([None, True, True, False]),
        "satisfied": st.sampled_from([None, True, False]),
        "appeal": st.sampled_from(
            [
                None,
                ("satisfaction", "granted"),
                ("reporting rework", "granted"),
                ("rework", "refused"),
                ("handle ack", "granted"),
                ("arrival dual_feedback", "granted"),
            ]
        ),
        "deferral": st.sampled_from(
            [None, ("extension", "approved"), ("suspension", "ended"), ("extension", "refused")]
        ),
        "reports": st.lists(
            st.tuples(
                st.sampled_from(["first", "follow_up", "final", "unknown"]),
                st.sampled_from(["county", "city", "unknown"]),
                st.sampled_from([None, timedelta(), -HOUR]),
                st.sampled_from([None, None, "false"]),
            ),
            max_size=3,
            unique_by=lambda each: each[:2],
        ),
        "supervision": st.sampled_from(
            [None, ("timeout", 1, None), ("leader", 2, HOUR), ("unknown", 3, HOUR * 2)]
        ),
    }
)


@st.composite
def histories(draw: st.DrawFn, most: int = 30) -> list[Any]:
    """Return the facts of some cases with everything that can follow them."""
    cases = draw(st.lists(_CASE, max_size=most))
    return [fact for n, case in enumerate(cases) for fact in everything_of(n, case)]
