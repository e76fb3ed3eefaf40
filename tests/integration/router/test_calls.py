"""From calls and units' records on Kafka to incidents and events, on real parts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.router.domain.commands import Report
from shared.contracts import ids
from shared.contracts.call import CallChange, FeedbackKind, FeedbackStamp, Place, UnitFeedback
from shared.contracts.incident import AssignmentState, IncidentState, StampKind
from shared.contracts.values import Lane
from shared.runtime.errors import GuardLost
from shared.runtime.kafka import KafkaSink
from shared.runtime.relay import Relay
from tests.builders import T0, TOWNSHIP, a_call, minutes
from tests.engine import running, until
from tests.integration.router.stage import Stage
from tests.parts import SessionKafka

pytestmark = pytest.mark.infrastructure


def a_record(**fields: Any) -> UnitFeedback:
    """Return the lead's record of `a_call()`: acknowledged at T0 + 1 min."""
    plain = UnitFeedback(
        feedback_id=ids.feedback_id("110", "F1", "x"),
        source="110",
        record_id="F1",
        call_id=a_call().call_id,
        root="C1",
        unit="xj-rescue",
        stamps=(FeedbackStamp(kind=FeedbackKind.ACKED, occurred_at=T0 + minutes(1)),),
        recorded_at=T0 + minutes(2),
    )
    return replace(plain, **fields)


async def parked(stage: Stage) -> int:
    """Count what waits for its call."""
    return await stage.count("select count(*) from router.parked_feedback")


async def test_a_call_becomes_a_dispatched_incident_in_one_event(stage: Stage) -> None:
    """Rows 1, 2, 5: received, accepted and dispatched are one decision and one event."""
    call = a_call()
    async with stage.instance():
        await stage.call(call)
        incident = await stage.opened(call)
    events = await stage.events()

    assert [["received", "accepted", "dispatched", "dispatched"]] == await stage.said()
    assert incident == events[0].incident
    assert 1 == await stage.count("select count(*) from router.decision")
    assert len(incident.assignments) == await stage.count("select count(*) from router.assignment")


async def test_the_event_reaches_its_lanes_topic(stage: Stage, kafka: SessionKafka) -> None:
    """ARCHITECTURE §3: keyed by the incident, deleted from the outbox once acknowledged."""
    call = a_call(lane=Lane.ORDINARY)
    async with stage.instance() as router:
        relay = Relay(router.database, KafkaSink(kafka.address, name="relay"))
        await kafka.topics(*stage.out_topics())
        async with running(relay):
            await stage.call(call)
            incident = await stage.opened(call)
            await until(lambda: _empty(stage))

    assert incident.lane is Lane.ORDINARY


async def _empty(stage: Stage) -> bool:
    return await stage.count("select count(*) from router.outbox") == 0


async def test_feedback_before_its_call(stage: Stage) -> None:
    """§4.7: parked, then applied in the statement that creates the incident."""
    async with stage.instance():
        await stage.feedback(a_record())
        await until(lambda: _parked(stage, 1))
        await stage.call(a_call())
        incident = await stage.opened(a_call())

    assert AssignmentState.ACKED is incident.assignments[0].state
    assert 0 == await parked(stage)
    assert [["received", "accepted", "dispatched", "dispatched"], ["acked"]] == await stage.said()


async def _parked(stage: Stage, count: int) -> bool:
    return await parked(stage) == count


async def test_feedback_before_a_call_that_is_taken_to_be_new(stage: Stage) -> None:
    """§4.7: nothing is looked for, and the guard of the call's link knows that something waits."""
    async with stage.instance(consuming=False) as one:
        await one.hears(a_call("C8"))
        await one.is_told(a_record())
        one.incidents.loaded.clear()
        with pytest.raises(GuardLost):
            await one.hears(a_call())
        looked = one.incidents.loaded.is_set()
        await one.hears(a_call())
        incident = await stage.opened(a_call())

    assert not looked
    assert AssignmentState.ACKED is incident.assignments[0].state
    assert 0 == await parked(stage)


@pytest.mark.parametrize("change", [CallChange.RECEIVED, CallChange.WITHDRAWN])
async def test_what_another_process_heard_is_not_taken_to_be_new(
    stage: Stage, change: CallChange
) -> None:
    """A call that is known is neither opened twice nor, withdrawn, left standing."""
    async with (
        stage.instance("here", consuming=False) as here,
        stage.instance("there", consuming=False) as there,
    ):
        await here.hears(a_call("C8"))
        await there.hears(a_call())
        again = replace(a_call(), revision=2 if change is CallChange.WITHDRAWN else 1)
        with suppress(GuardLost):
            await here.hears(again, change=change)
        await here.hears(again, change=change)
        incident = await stage.opened(a_call())

    assert 2 == await stage.count("select count(*) from router.incident")
    assert (change is CallChange.WITHDRAWN) == (incident.state is IncidentState.CANCELLED)


async def test_feedback_parked_while_the_incident_is_created(stage: Stage) -> None:
    """The one who loads first loses the guard and decides again: the record is not lost."""
    async with stage.instance("slow") as slow:
        slow.incidents.gate.clear()
        await stage.feedback(a_record())
        await slow.incidents.loaded.wait()  # it saw no call, and will want to park
        await _created_elsewhere(stage)
        slow.incidents.gate.set()
        await until(lambda: _acked(stage))

    assert 0 == await parked(stage)


async def _created_elsewhere(stage: Stage) -> None:
    async with stage.instance("quick", consuming=False) as quick:
        await quick.hears(a_call())


async def _acked(stage: Stage) -> bool:
    incident = await stage.incident(a_call())
    return incident is not None and incident.assignments[0].stamp(StampKind.ACKED) is not None


async def test_an_incident_created_while_feedback_is_parked(stage: Stage) -> None:
    """The other way round: the creator saw nothing parked, loses, and takes the record in."""
    async with stage.instance("slow") as slow:
        slow.incidents.gate.clear()
        await stage.call(a_call())
        await slow.incidents.loaded.wait()
        async with stage.instance("quick", consuming=False) as quick:
            await quick.is_told(a_record())
        assert 1 == await parked(stage)
        slow.incidents.gate.set()
        await until(lambda: _acked(stage))

    assert 0 == await parked(stage)
    assert [1, 2] == [e.incident.version for e in await stage.events()]


async def test_two_lanes_opening_one_chain_make_one_incident(stage: Stage) -> None:
    """A repeat may come by the other lane at the same moment: one opens, the other joins."""
    first = a_call("C1")
    repeat = a_call("C2", root="C1")
    async with stage.instance("slow") as slow:
        slow.incidents.gate.clear()
        await stage.call(first)
        await slow.incidents.loaded.wait()
        async with stage.instance("quick", consuming=False) as quick:
            await quick.hears(repeat)
        slow.incidents.gate.set()
        await until(lambda: _calls(stage, 2))

    assert 1 == await stage.count("select count(*) from router.incident")


async def _calls(stage: Stage, count: int) -> bool:
    incident = await stage.incident(a_call("C2"))
    return incident is not None and len(incident.calls) == count


async def test_a_revision_after_the_ack_moves_nobody(stage: Stage) -> None:
    """§4.8, over Kafka and the units' door."""
    call = a_call()
    async with stage.instance() as router:
        await stage.call(call)
        incident = await stage.opened(call)
        lead = incident.assignments[0]
        ack = Report(
            by="unit:xj-rescue",
            assignment_id=lead.assignment_id,
            kind=StampKind.ACKED,
            occurred_at=T0 + minutes(1),
        )
        await router.ask(ack, of=incident)
        moved = replace(call, revision=2, place=Place(area=TOWNSHIP))
        await stage.call(moved, CallChange.REVISED)
        await until(lambda: _events(stage, 3))

    assert ["revised", "reroute_suggested"] == (await stage.said())[-1]


async def _events(stage: Stage, count: int) -> bool:
    return len(await stage.events()) == count


async def test_a_record_of_an_unknown_unit_is_set_aside(stage: Stage) -> None:
    """It can never be handled: a dead letter with its reason; the next record is handled."""
    async with stage.instance():
        await stage.feedback(a_record(unit="nobody"))
        await stage.feedback(a_record(feedback_id=UUID(int=7), record_id="F2"))
        await until(lambda: _parked(stage, 1))

    assert 1 == await stage.count(
        "select count(*) from router.dead_letter where reason = 'unknown_unit'"
    )


async def test_numbers_are_unique_over_instances(stage: Stage) -> None:
    """Two processes number the same day: blocks, never the same serial."""
    calls = [a_call(f"N{n}") for n in range(60)]
    async with (
        stage.instance("1", consuming=False) as one,
        stage.instance("2", consuming=False) as two,
    ):
        await asyncio.gather(one.hears(*calls[:30]), two.hears(*calls[30:]))
    numbers = {e.incident.number for e in await stage.events()}

    assert 60 == len(numbers)
