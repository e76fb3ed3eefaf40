"""Following ids: each way to lose or double one is found, and a clean day finds nothing."""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
import pytest

from deploy.local.following import CHANNELS, Trail, follow
from deploy.local.records import Journal, LedgerRow, Records, SeenNotice, SentCall
from shared.contracts import ids
from shared.contracts.incident import Assignment, AssignmentState, Incident
from tests.builders import an_assignment, an_incident

CALL = ids.call_id("110", "C1")
CAUSE = UUID(int=7)


def a_sent_call(**fields: object) -> SentCall:
    """Return the journal's entry of `a_call()`."""
    plain = {
        "name": "C1",
        "source": "110",
        "number": "C1",
        "sent_at": 10.0,
        "answered": "accepted",
        "status": 202,
        "expected": True,
        "call_id": CALL,
    }
    return msgspec.convert(plain | fields, SentCall)


def an_order(duty: Assignment, channel: str, **fields: object) -> LedgerRow:
    """Return the ledger row that orders *duty* out by *channel*."""
    plain = LedgerRow(
        notice_id=ids.notice_id(CAUSE, duty.unit, channel),
        incident_id=an_incident().incident_id,
        cause=CAUSE,
        recipient=duty.unit,
        channel=channel,
        purpose="dispatch",
        state="delivered",
        assignment_id=duty.assignment_id,
    )
    return msgspec.structs.replace(plain, **fields)


def seen(row: LedgerRow, *, times: int = 1, accepted: bool = True) -> SeenNotice:
    """Return the provider's entry of *row*."""
    return SeenNotice(
        notice_id=row.notice_id,
        incident_id=row.incident_id,
        assignment_id=row.assignment_id,
        channel=row.channel,
        purpose=row.purpose,
        first_at=10.02,
        times=times,
        accepted=accepted,
    )


INCIDENT = an_incident()
ROWS = tuple(an_order(INCIDENT.assignments[0], channel) for channel in CHANNELS)


def a_day(
    *,
    call: SentCall | None = None,
    calls: frozenset[UUID] = frozenset({CALL}),
    feedback: frozenset[UUID] = frozenset(),
    parked: frozenset[UUID] = frozenset(),
    incidents: tuple[Incident, ...] = (INCIDENT,),
    ledger: tuple[LedgerRow, ...] = ROWS,
    receipts: tuple[SeenNotice, ...] | None = None,
) -> Trail:
    """Follow one call that came through cleanly, except for what is given."""
    got = tuple(seen(row) for row in ledger) if receipts is None else receipts
    journal = Journal(
        calls={"C1": call or a_sent_call()},
        commands={},
        notices={receipt.notice_id: receipt for receipt in got},
    )
    stored = {incident.incident_id: incident for incident in incidents}
    return follow(
        journal,
        Records(calls=calls, feedback=feedback, parked=parked, incidents=stored, ledger=ledger),
    )


def stages(trail: Trail) -> tuple[set[str], set[str]]:
    """Return where something was lost, and where it was doubled."""
    return {o.stage for o in trail.lost}, {o.stage for o in trail.doubled}


def test_a_call_that_came_through_is_neither_lost_nor_doubled() -> None:
    """Accepted, stored, one incident, both channels told (R12), both receipts."""
    assert Trail((), ()) == a_day()


def test_a_notice_seen_twice_under_one_id_is_no_double() -> None:
    """ARCHITECTURE §4.11: at-least-once outside, the provider does it once."""
    assert Trail((), ()) == a_day(receipts=tuple(seen(row, times=3) for row in ROWS))


def test_what_was_overtaken_before_it_was_sent_is_not_lost() -> None:
    """A superseded row was dropped on purpose, the provider never sees it."""
    rows = tuple(msgspec.structs.replace(row, state="superseded") for row in ROWS)

    assert Trail((), ()) == a_day(ledger=rows, receipts=())


@pytest.mark.parametrize(
    ("stage", "day"),
    [
        ("door", lambda: a_day(call=a_sent_call(answered="failed", status=0, expected=False))),
        ("door", lambda: a_day(call=a_sent_call(answered="accepted", expected=False))),
        ("intake", lambda: a_day(calls=frozenset())),
        ("intake", lambda: a_day(call=a_sent_call(call_id=None))),
        ("router", lambda: a_day(incidents=(msgspec.structs.replace(INCIDENT, calls=()),))),
        ("router", lambda: a_day(incidents=(nobody_sent(),), ledger=())),
        ("notify", lambda: a_day(ledger=ROWS[:1])),
        ("provider", lambda: a_day(receipts=(seen(ROWS[0]),))),
        ("provider", lambda: a_day(receipts=tuple(seen(r, accepted=False) for r in ROWS))),
        (
            "provider",
            lambda: a_day(
                ledger=tuple(msgspec.structs.replace(r, state="given_up") for r in ROWS),
                receipts=(),
            ),
        ),
    ],
)
def test_what_got_lost_is_found_where_it_got_lost(stage: str, day: object) -> None:
    """Every stage's own record is looked up."""
    assert callable(day)
    lost, doubled = stages(day())

    assert stage in lost
    assert set() == doubled


def nobody_sent() -> Incident:
    """Return the incident with no unit at all."""
    return msgspec.structs.replace(INCIDENT, assignments=())


def test_a_call_in_two_incidents_is_doubled() -> None:
    """One call opens or joins one incident."""
    other = msgspec.structs.replace(INCIDENT, incident_id=uuid4())

    assert "router" in stages(a_day(incidents=(INCIDENT, other)))[1]


def test_a_merged_incident_does_not_count_its_calls_again() -> None:
    """A merge moves the calls; what was merged keeps only the memory."""
    merged = msgspec.structs.replace(
        INCIDENT, incident_id=uuid4(), merged_into=INCIDENT.incident_id, assignments=()
    )
    trail = a_day(incidents=(INCIDENT, merged))

    assert () == trail.doubled


def test_a_unit_with_two_live_duties_is_doubled() -> None:
    """DOMAIN §3, row 24: of two duties of one unit one stands."""
    first = INCIDENT.assignments[0]
    twin = an_assignment(first.unit, ordinal=2)
    both = msgspec.structs.replace(INCIDENT, assignments=(first, twin))
    moved = msgspec.structs.replace(first, state=AssignmentState.REASSIGNED)
    one = msgspec.structs.replace(INCIDENT, assignments=(moved, twin))
    rows = (*ROWS, *(an_order(twin, c, notice_id=uuid4(), cause=uuid4()) for c in CHANNELS))

    assert "router" in stages(a_day(incidents=(both,), ledger=rows))[1]
    assert () == a_day(incidents=(one,), ledger=rows).doubled


def test_a_duty_ordered_twice_is_doubled_unless_it_was_taken_up_again() -> None:
    """A unit is told again only after rework or reopening."""
    again = an_order(INCIDENT.assignments[0], "sms", notice_id=uuid4(), cause=uuid4())
    reworked = msgspec.structs.replace(
        INCIDENT, assignments=(msgspec.structs.replace(INCIDENT.assignments[0], rework=1),)
    )

    assert "notify" in stages(a_day(ledger=(*ROWS, again)))[1]
    assert () == a_day(incidents=(reworked,), ledger=(*ROWS, again)).doubled


def test_one_cause_told_twice_is_doubled() -> None:
    """The ledger is unique on cause, recipient and channel (ARCHITECTURE §4.11)."""
    twin = msgspec.structs.replace(ROWS[0], notice_id=uuid4(), purpose="leaders")

    assert "notify" in stages(a_day(ledger=(*ROWS, twin)))[1]


def test_one_record_with_two_ids_is_doubled() -> None:
    """The same number of the same source is one call for ever."""
    journal = Journal(
        calls={"C1": a_sent_call(), "C1-again": a_sent_call(name="C1-again", call_id=uuid4())},
        commands={},
        notices={row.notice_id: seen(row) for row in ROWS},
    )
    records = Records(
        calls=frozenset({CALL}),
        feedback=frozenset(),
        parked=frozenset(),
        incidents={INCIDENT.incident_id: INCIDENT},
        ledger=ROWS,
    )

    assert "intake" in stages(follow(journal, records))[1]


def test_a_units_record_is_followed_too() -> None:
    """What a hotline passed on for a unit was answered 202 as well: stored, and not parked for ever."""
    record = uuid4()
    told = a_sent_call(feed="handling", call_id=None, feedback_id=str(record))

    assert "intake" in stages(a_day(call=told))[0]
    assert (
        "router"
        in stages(a_day(call=told, feedback=frozenset({record}), parked=frozenset({record})))[0]
    )
    assert Trail((), ()) == a_day(call=told, feedback=frozenset({record}))
