"""summary.json has exactly the keys that were asked for, and counts what was followed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from deploy.local.following import Offence, Trail
from deploy.local.records import Journal, Records, SeenNotice, SentCall
from deploy.local.summary import latencies, summary
from shared.contracts import ids
from shared.contracts.incident import StampKind
from shared.contracts.sla import Clock, ClockKind, ClockState
from tests.builders import T0, an_assignment, an_incident

CALL = ids.call_id("110", "C1")
CLEAN = Trail((), ())


def a_clock(number: int, state: ClockState, **fields: object) -> Clock:
    """Return an arrival clock."""
    return Clock(
        clock_id=UUID(int=number),
        kind=ClockKind.ARRIVAL,
        rule="R01",
        rule_version="1",
        started=T0,
        due=T0 + timedelta(minutes=20),
        limit_s=1200,
        state=state,
        **fields,  # type: ignore[arg-type]
    )


def a_journal(*received: float) -> Journal:
    """Return one call posted at 10.0 and webhook orders of its incident *received* at those times."""
    call = SentCall(
        name="C1",
        source="110",
        number="C1",
        sent_at=10.0,
        answered="accepted",
        status=202,
        expected=True,
        call_id=CALL,
    )
    notices = {
        UUID(int=index): SeenNotice(
            notice_id=UUID(int=index),
            incident_id=ids.incident_id(CALL),
            assignment_id=None,
            channel="webhook",
            purpose="dispatch",
            first_at=at,
            times=2,
            accepted=True,
        )
        for index, at in enumerate(received)
    }
    return Journal(calls={"C1": call}, commands={}, notices=notices)


def test_the_keys_are_those_asked_for() -> None:
    """`make demo` writes these keys and no other while nothing is wrong."""
    duty = an_assignment(stamps={StampKind.SENT: T0, StampKind.ACKED: T0})
    incident = an_incident(duty)
    records = Records(
        calls=frozenset({CALL}),
        feedback=frozenset(),
        parked=frozenset(),
        incidents={incident.incident_id: incident},
        ledger=(),
    )
    clocks = [
        a_clock(1, ClockState.RUNNING),
        a_clock(2, ClockState.MET),
        a_clock(3, ClockState.MET, breached_at=T0, corrected=True),
    ]
    found = summary(a_journal(10.5), records, clocks, CLEAN, dead_letters=0, tables=["t.html"])

    assert {
        "calls": {"sent": 1, "accepted": 1, "repeated": 0, "rejected": 0},
        "incidents": 1,
        "assignments": {"sent": 1, "acked": 1, "arrived": 0, "ended": 0, "fed_back": 0},
        "clocks": {"started": 3, "met": 2, "breached": 1, "corrected": 1},
        "notices": {"delivered": 0, "failed": 0, "repeated": 1},
        "dead_letters": 0,
        "lost": 0,
        "doubled": 0,
        "latency_ms": {"p50": 500.0, "p99": 500.0},
        "tables": ["t.html"],
    } == found


def test_what_is_lost_is_counted_once_and_named() -> None:
    """One id lost at two stages is one lost id; the file says where it was seen last."""
    trail = Trail((Offence("notify", "no order by sms", "A"), Offence("notify", "other", "A")), ())
    records = Records(
        calls=frozenset(), feedback=frozenset(), parked=frozenset(), incidents={}, ledger=()
    )
    found = summary(a_journal(), records, [], trail, dead_letters=0, tables=[])

    assert 1 == found["lost"]
    assert {"A"} == {each["id"] for each in found["offending"]["lost"]}


def test_latency_runs_to_the_first_order_at_a_webhook() -> None:
    """Call posted to webhook received, by the wall clock; later orders of the incident do not count."""
    assert [0.5] == latencies(a_journal(12.0, 10.5, 11.0))


def test_nothing_measured_is_no_number() -> None:
    """A percentile of nothing is null, not zero."""
    records = Records(
        calls=frozenset(), feedback=frozenset(), parked=frozenset(), incidents={}, ledger=()
    )
    found = summary(a_journal(), records, [], CLEAN, dead_letters=0, tables=[])

    assert {"p50": None, "p99": None} == found["latency_ms"]
