"""Orders leave by two gateways, once, in order, with proof (ARCHITECTURE §4.11)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from services.notify.domain.notice import NO_INCIDENT
from shared.contracts import ids
from shared.contracts.incident import AssignmentState, ChangeKind, Incident, Stamp, StampKind
from shared.contracts.notice import NoticeEvent, NoticeState
from shared.contracts.order import Order, Receipt
from shared.contracts.sla import ClockChangeKind, SlaEvent
from tests.engine import rows, until
from tests.integration.notify.gateway import Answer, accepting, receipts
from tests.integration.notify.stage import Stage, fresh
from tests.parts import FreshDatabase
from tests.unit.notify.cases import (
    T0,
    a_clock,
    a_duty,
    an_incident,
    clock_event,
    dispatched,
    event,
    minutes,
)

pytestmark = pytest.mark.infrastructure

BOTH = ("sms", "webhook")
RELEASED = (ChangeKind.RELEASED, "xj-rescue")


def notice_ids(cause: UUID, recipient: str = "xj-rescue") -> set[UUID]:
    """Return the ids of a unit's two notices."""
    return {ids.notice_id(cause, recipient, channel) for channel in BOTH}


def released(incident: Incident) -> Incident:
    """Return *incident* once the rescue team's duty is over."""
    return replace(incident, assignments=(a_duty(state=AssignmentState.RELEASED),))


def reminder(incident: Incident) -> SlaEvent:
    """Return sla's warning that the rescue team's time runs out."""
    warned = clock_event(ClockChangeKind.WARNED, a_clock())
    return replace(warned, incident_id=incident.incident_id, number=incident.number)


async def states_said(stage: Stage, incident: UUID, count: int) -> list[tuple[str, str, int]]:
    """Return (channel, state, version) of the events said of *incident*'s notices."""
    said = await stage.said("notice.events.v1", incident, count)
    found = [e.data for e in said if e and isinstance(e.data, NoticeEvent)]
    return sorted((d.channel, d.state.value, d.version) for d in found)


async def test_an_order_reaches_both_gateways_and_is_proved(stage: Stage) -> None:
    """R12: two channels at once; the ledger and `notice.events` hold the provider's receipt."""
    incident = fresh()
    async with stage.here():
        (cause,) = await stage.say(event(incident, *dispatched("xj-rescue")))
        found = await stage.settled(incident.incident_id, 2)
        said = await states_said(stage, incident.incident_id, 2)

    assert notice_ids(cause) == {row["notice_id"] for row in found}
    assert {("delivered", 1, 1)} == {(r["state"], r["attempts"], r["version"]) for r in found}
    assert [("sms", "delivered", 1), ("webhook", "delivered", 1)] == said
    assert {f"ref-{row['notice_id'].hex[:8]}" for row in found} == {
        row["provider_ref"] for row in found
    }


async def test_the_ledger_row_stands_before_the_provider_is_called(
    stage: Stage, database: FreshDatabase
) -> None:
    """§4.11: nothing leaves whose row is not committed; here the commit is held up by a lock."""
    incident = fresh()
    other = await asyncpg.connect(database.admin)

    async def commit_waits() -> bool:
        waiting = """select 1 from pg_stat_activity where wait_event_type = 'Lock'
          and datname = $1 and query like '%consumer_offset_in%'"""
        return bool(await rows(database.admin, waiting, database.name))

    async with stage.here():
        async with other.transaction():
            await other.execute("lock table notify.notice in share mode")
            await stage.say(event(incident, *dispatched("xj-rescue")))
            await until(commit_waits)
            early = [len(gateway.orders) for gateway in (stage.sms, stage.webhook)]
        await stage.settled(incident.incident_id, 2)
    await other.close()

    assert [0, 0] == early
    assert [1, 1] == [len(g.of(incident.incident_id)) for g in (stage.sms, stage.webhook)]


async def test_a_gateway_that_comes_back_gets_what_waited(stage: Stage) -> None:
    """Retried with back-off; the first failure is said once, the delivery after it."""
    incident = fresh()
    await stage.sms.down()
    async with stage.here(attempts=200):
        await stage.say(event(incident, *dispatched("xj-rescue")))

        async def tried_again() -> bool:
            return any(row["attempts"] > 2 for row in await stage.rows(incident.incident_id))

        await until(tried_again)
        await stage.sms.up()
        found = await stage.settled(incident.incident_id, 2)
        said = await states_said(stage, incident.incident_id, 3)

    assert {"delivered"} == {row["state"] for row in found}
    assert [("sms", "delivered", 2), ("sms", "failed", 1), ("webhook", "delivered", 1)] == said


async def test_a_receipt_that_comes_twice_counts_once(stage: Stage) -> None:
    """Repeated receipts, and receipts of orders nobody sent, are harmless."""
    incident = fresh()

    def twice(orders: Sequence[Order]) -> Answer:
        mine = [Receipt(notice_id=o.notice_id, accepted=True, ref="first") for o in orders]
        again = [replace(r, ref="second") for r in mine]
        return receipts(*mine, *again, Receipt(notice_id=UUID(int=7), accepted=True))

    stage.sms.script = stage.webhook.script = twice
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        found = await stage.settled(incident.incident_id, 2)

    assert {("delivered", "first", 1)} == {
        (r["state"], r["provider_ref"], r["version"]) for r in found
    }


async def test_a_slow_answer_is_asked_for_again_under_the_same_key(stage: Stage) -> None:
    """A time-out says nothing about delivery: the same notice_id goes again, one result stands."""
    incident = fresh()
    stage.sms.open.clear()
    async with stage.here(timeout_s=0.2, attempts=50):
        (cause,) = await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.reached(stage.sms, incident.incident_id, 2)
        stage.sms.open.set()
        found = await stage.settled(incident.incident_id, 2)

    assert {ids.notice_id(cause, "xj-rescue", "sms")} == set(stage.sms.times(incident.incident_id))
    assert {("delivered",)} == {(row["state"],) for row in found}


async def test_an_order_without_a_receipt_counts_as_not_sent(stage: Stage) -> None:
    """An answer that forgets an order is no proof."""
    incident = fresh()

    def forgetful(_: Sequence[Order]) -> Answer:
        stage.sms.script = accepting
        return receipts()

    stage.sms.script = forgetful
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.settled(incident.incident_id, 2)

    assert [2] == list(stage.sms.times(incident.incident_id).values())


@pytest.mark.parametrize(
    "answer", [(500, b""), (200, b"not json"), (200, b"x" * 600_000), (302, b"")]
)
async def test_a_confused_gateway_is_tried_again(stage: Stage, answer: Answer) -> None:
    """Errors, nonsense, an answer without end and a redirect are all no receipt."""
    incident = fresh()

    def confused(_: Sequence[Order]) -> Answer:
        stage.webhook.script = accepting
        return answer

    stage.webhook.script = confused
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        found = await stage.settled(incident.incident_id, 2)

    assert {"delivered"} == {row["state"] for row in found}
    assert 2 == len(stage.webhook.of(incident.incident_id))


async def test_what_is_refused_for_good_is_told_to_the_desk(stage: Stage) -> None:
    """GIVEN_UP, and a FALLBACK notice by the other channel, so that somebody telephones."""
    incident = fresh()

    def no_such_number(orders: Sequence[Order]) -> Answer:
        return receipts(
            *(
                Receipt(notice_id=o.notice_id, accepted=False, reason="no_such_number")
                for o in orders
            )
        )

    stage.sms.script = no_such_number
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        found = await stage.settled(incident.incident_id, 3)

    outcome = {
        (r["recipient"], r["channel"]): (r["state"], r["purpose"], r["reason"]) for r in found
    }
    assert {
        ("xj-rescue", "sms"): ("given_up", "dispatch", "no_such_number"),
        ("xj-rescue", "webhook"): ("delivered", "dispatch", None),
        ("xj-desk", "webhook"): ("delivered", "fallback", None),
    } == outcome


async def test_a_providers_sentence_stands_in_no_event_and_no_row(stage: Stage) -> None:
    """Privacy: the gateway names the number it could not reach; nobody reads that afterwards."""
    incident = fresh()

    def chatty(orders: Sequence[Order]) -> Answer:
        word = "13800138000 is switched off"
        return receipts(
            *(Receipt(notice_id=o.notice_id, accepted=False, reason=word) for o in orders)
        )

    stage.sms.script = chatty
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        found = await stage.settled(incident.incident_id, 3)
        said = await stage.said("notice.events.v1", incident.incident_id, 3)

    reasons = {e.data.reason for e in said if e and isinstance(e.data, NoticeEvent)}
    assert ["other"] == [row["reason"] for row in found if row["state"] == "given_up"]
    assert {"other", None} == reasons


async def test_one_unreadable_order_does_not_hold_up_the_others(stage: Stage) -> None:
    """A batch refused as a whole goes again one by one; only the faulty one is given up."""
    good, bad = fresh(), fresh(an_incident(number="BAD"))

    def picky(orders: Sequence[Order]) -> Answer:
        return (422, b"") if any(o.number == "BAD" for o in orders) else accepting(orders)

    stage.sms.script = picky
    async with stage.here():
        await stage.say(*(event(each, *dispatched("xj-rescue")) for each in (good, bad)))
        fine = await stage.settled(good.incident_id, 2)
        faulty = await stage.settled(bad.incident_id, 3)

    assert {"delivered"} == {row["state"] for row in fine}
    assert ["batch_refused"] == [row["reason"] for row in faulty if row["state"] == "given_up"]


async def test_a_release_never_overtakes_its_order(stage: Stage) -> None:
    """First in, first out per (incident, recipient): also when the first is refused for now."""
    incident = fresh(an_incident(a_duty(), a_duty("xj-medical")))
    refused: set[UUID] = set()

    def hesitant(orders: Sequence[Order]) -> Answer:
        given = []
        for order in orders:
            first_time = order.notice_id not in refused
            refused.add(order.notice_id)
            given.append(Receipt(notice_id=order.notice_id, accepted=not first_time, retry=True))
        return receipts(*given)

    stage.sms.script = hesitant
    stage.sms.open.clear()
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.reached(stage.sms, incident.incident_id, 1)
        await stage.say(event(incident, (ChangeKind.REWORK, "xj-rescue")))
        await stage.queued(incident.incident_id, 4)
        stage.sms.open.set()
        found = await stage.settled(incident.incident_id, 4)

    queued = [row["notice_id"] for row in found if row["channel"] == "sms"]
    seen = [order.notice_id for order in stage.sms.of(incident.incident_id)]
    assert [queued[0], queued[0], queued[1], queued[1]] == seen


async def test_an_order_overtaken_by_a_release_is_never_sent(stage: Stage) -> None:
    """Superseded rows are dropped before sending; the ledger and the event say why."""
    incident = fresh()
    await stage.sms.down()
    async with stage.here(attempts=200):
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.queued(incident.incident_id, 2)
        await stage.say(event(released(incident), RELEASED))
        await stage.queued(incident.incident_id, 4)

        async def overtaken() -> bool:
            found = await stage.rows(incident.incident_id)
            return ("superseded", "duty_over") in {(r["state"], r["reason"]) for r in found}

        await until(overtaken)
        await stage.sms.up()
        await stage.settled(incident.incident_id, 4)

    assert ["release"] == [o.purpose.value for o in stage.sms.of(incident.incident_id)]


async def test_a_backlog_of_orders_and_acks_is_acknowledged(stage: Stage) -> None:
    """Row 6 after an outage: one statement writes the order's row, its proof, and what a release overtook."""
    at = T0 + minutes(1)
    stamp = Stamp(kind=StampKind.ACKED, occurred_at=at, recorded_at=at)
    acked = replace(a_duty(state=AssignmentState.ACKED), stamps=(stamp,))
    released = a_duty("xj-militia", state=AssignmentState.RELEASED)
    incident = fresh(an_incident(a_duty(), a_duty("xj-militia")))
    key = incident.incident_id
    await stage.say(
        event(incident, *dispatched("xj-rescue", "xj-militia")),
        event(replace(incident, assignments=(acked, released)), (ChangeKind.ACKED, "xj-rescue")),
    )
    async with stage.here():

        async def acknowledged() -> bool:
            return len([r for r in await stage.rows(key) if r["state"] == "acknowledged"]) == 2

        await until(acknowledged)
        rows = [r for r in await stage.settled(key, 4) if r["purpose"] == "dispatch"]

    assert {("xj-rescue", at, "acknowledged"), ("xj-militia", None, "superseded")} == {
        (r["recipient"], r["acknowledged_at"], r["state"]) for r in rows
    }


async def test_an_order_its_unit_took_is_acknowledged(stage: Stage) -> None:
    """Row 6: the unit's own ACK proves delivered orders, at its own time; a leader's copy is not proved."""
    incident = fresh(an_incident(severity=1))
    key, at = incident.incident_id, T0 + minutes(1)
    stamp = Stamp(kind=StampKind.ACKED, occurred_at=at, recorded_at=at)
    acked = replace(a_duty(state=AssignmentState.ACKED), stamps=(stamp,))
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.settled(key, 5)
        await stage.say(
            event(replace(incident, assignments=(acked,)), (ChangeKind.ACKED, "xj-rescue"))
        )
        said = await stage.said("notice.events.v1", key, 7)
    rows = await stage.rows(key)
    proofs = [e.data for e in said if e and isinstance(e.data, NoticeEvent)]

    assert {("xj-rescue", "acknowledged", at, 2)} == {
        (r["recipient"], r["state"], r["acknowledged_at"], r["version"])
        for r in rows
        if r["purpose"] == "dispatch"
    }
    assert {"delivered"} == {r["state"] for r in rows if r["purpose"] != "dispatch"}
    assert {("sms", at, 2), ("webhook", at, 2)} == {
        (p.channel, p.at, p.version) for p in proofs if p.state is NoticeState.ACKNOWLEDGED
    }


async def test_what_an_outage_made_late_becomes_one_digest(stage: Stage) -> None:
    """DOMAIN §4: per unit and channel; its row names what it replaces, and each of those says so."""
    incidents = [fresh(an_incident(number=f"XJ-{n}")) for n in range(6)]
    async with stage.here(digest_after_s=600):
        await stage.say(*map(reminder, incidents), age=minutes(11))
        await stage.say(event(incidents[0], *dispatched("xj-rescue")), age=minutes(11))
        await stage.settled(incidents[0].incident_id, 3)
        (digest,) = await stage.settled(NO_INCIDENT, 1)
    rows = [row for i in incidents for row in await stage.rows(i.incident_id)]
    replaced = [row for row in rows if row["purpose"] == "warning"]
    orders = stage.webhook.orders

    assert {("superseded", "digested", 1)} == {
        (r["state"], r["reason"], r["version"]) for r in replaced
    }
    assert {row["notice_id"] for row in replaced} == set(digest["replaces"])
    assert ("xj-rescue", "webhook", "digest", "delivered") == (
        digest["recipient"], digest["channel"], digest["purpose"], digest["state"],
    )  # fmt: skip
    assert ["digest", "dispatch"] == sorted(order.purpose.value for order in orders)


async def test_what_lay_in_the_ledger_too_long_is_told_as_one(stage: Stage) -> None:
    """Nobody was up to send it: the next process claims the orders, and tells the reminders as one."""
    incidents = [fresh(an_incident(number=f"XJ-{n}")) for n in range(3)]
    await stage.webhook.down()
    async with stage.here(attempts=1000):
        for each in incidents:
            await stage.say(reminder(each), event(each, *dispatched("xj-rescue")))
            await stage.queued(each.incident_id, 3)
    await stage.database.write(
        "update notice set placed_at = placed_at - interval '1 hour', attempts = 0"
        " where state = 'queued'"
    )
    await stage.webhook.up()
    async with stage.here(digest_after_s=600):
        (digest,) = await stage.settled(NO_INCIDENT, 1)
        for each in incidents:
            await stage.settled(each.incident_id, 3)

    assert 3 == len(digest["replaces"])
    assert ["digest", *["dispatch"] * 3] == sorted(
        (order.purpose.value for order in stage.webhook.orders), key=["digest", "dispatch"].index
    )


async def test_what_one_request_does_not_take_shares_the_next(stage: Stage) -> None:
    """While a request is out, what arrives meanwhile leaves together: few requests, many orders."""
    incidents = [fresh() for _ in range(60)]
    stage.sms.open.clear()
    async with stage.here(timeout_s=5.0):
        await stage.say(event(incidents[0], *dispatched("xj-rescue")))
        await stage.reached(stage.sms, incidents[0].incident_id, 1)
        await stage.say(*(event(each, *dispatched("xj-rescue")) for each in incidents[1:]))
        for each in incidents:
            await stage.queued(each.incident_id, 2)
        stage.sms.open.set()
        for each in incidents:
            await stage.settled(each.incident_id, 2)

    assert 60 == len(stage.sms.orders)
    assert len(stage.sms.batches) <= 10
    assert stage.sms.most_in_flight <= 4
