"""Playing: hotlines send, units answer what their webhook accepted, the desk decides."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.drill.domain.journal import Journal
from services.drill.domain.plan import AGAIN, ONCE, REFUSED, Answered, Send
from services.drill.domain.unit_play import Act, Duty, Step, act_of
from services.drill.handlers import DeskPart, Play
from services.drill.ports import Awaiting
from shared.contracts import ids
from shared.contracts.incident import Relation
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from tests.unit.drill.stage import PACK, T0, HandClock, HandTimeline, NotingDoors, an_order

WHOLE = (Step.ACK, Step.TURN_OUT, Step.ARRIVE, Step.END, Step.SHEET)


def every_step(duty: Duty, _: Order) -> list[Act]:
    """Answer an order with every step, ten minutes apart."""
    return [
        act_of(step, duty.assignment, duty.unit, duty.at + timedelta(minutes=10 * (index + 1)))
        for index, step in enumerate(WHOLE)
    ]


def a_play(doors: NotingDoors, **fields: object) -> tuple[Play, HandTimeline]:
    """Return a play on *doors* whose units do every step."""
    clock = HandClock()
    timeline = HandTimeline(clock)
    play = Play(
        pack=PACK,
        clock=clock,
        timeline=timeline,
        hotlines=doors,
        centre=doors,
        journal=Journal(),
        unit_answers=every_step,
    )
    for name, value in fields.items():
        setattr(play, name, value)
    return play, timeline


def a_send(**fields: object) -> Send:
    """Return a record of 110, sent a minute after T0."""
    plain: dict[str, object] = {
        "name": "N1",
        "at": T0 + timedelta(minutes=1),
        "source": "110",
        "number": "N1",
        "body": b"{}",
        "allowed": ONCE,
    }
    return Send(**(plain | fields))  # type: ignore[arg-type]


async def test_every_record_is_sent_and_noted_with_its_answer() -> None:
    """Nothing is dropped in silence: the journal has what was sent, answered and expected."""
    doors = NotingDoors()
    play, timeline = a_play(doors)
    play.begin([a_send(), a_send(name="N2", allowed=REFUSED)], every_step)
    await timeline.play()

    assert ["N1", "N2"] == [send.name for send in doors.sent]
    assert [True, False] == [call.expected for call in play.journal.calls.values()]
    assert ids.call_id("110", "N1") == play.journal.calls["N1"].call_id


async def test_what_lies_before_the_start_is_not_sent_late_but_counted() -> None:
    """A call whose moment passed while the platform started would be told with a wrong delay."""
    doors = NotingDoors()
    play, timeline = a_play(doors)
    play.begin([a_send(at=T0 - timedelta(minutes=1), allowed=AGAIN)], every_step)
    await timeline.play()

    assert [] == doors.sent
    assert {"call": 1} == dict(play.journal.not_played)


async def test_a_unit_answers_its_order_once_however_often_it_comes() -> None:
    """Both channels and a repeated webhook are one order; only the webhook makes it act."""
    doors = NotingDoors()
    play, timeline = a_play(doors)
    for order in (an_order(channel="sms"), an_order(), an_order(notice_id=UUID(int=9))):
        play.ordered(order)
    await timeline.play()

    assert list(WHOLE) == [act.step for act in doors.acts]


async def test_a_unit_told_to_stand_down_does_nothing_more() -> None:
    """DOMAIN §3, row 22: released and told so."""
    doors = NotingDoors()
    play, timeline = a_play(doors)
    play.ordered(an_order())
    play.ordered(an_order(purpose=Purpose.RELEASE))
    await timeline.play()

    assert [] == doors.acts
    assert {"stood down": 5} == dict(play.journal.not_played)


async def test_what_was_refused_is_tried_once_more_under_a_new_command() -> None:
    """An end before its arrival is refused; the unit tries again, and then lets it be."""
    doors = NotingDoors(refuses=lambda act: act.step is Step.END)
    play, timeline = a_play(doors)
    play.ordered(an_order())
    await timeline.play()
    ends = [act for act in doors.acts if act.step is Step.END]

    assert [f"{UUID(int=3)}-end", f"{UUID(int=3)}-end-2"] == [act.command for act in ends]
    assert ends[0].occurred_at == ends[1].occurred_at


async def test_a_doubled_act_carries_one_command_id() -> None:
    """A double tap: the copy is noted as a repeat."""
    doors = NotingDoors()
    play, timeline = a_play(
        doors, unit_answers=lambda duty, order: [replace(every_step(duty, order)[0], copies=2)]
    )
    play.ordered(an_order())
    await timeline.play()

    assert 2 == len(doors.acts)
    assert 1 == len({act.command for act in doors.acts})
    assert [Answered.ACCEPTED, Answered.REPEATED] == [
        command.answered for command in play.journal.commands.values()
    ]


async def test_the_desk_does_not_travel() -> None:
    """Row 10: the desk waives its arrival before it ends."""
    doors = NotingDoors()
    play, timeline = a_play(doors)
    play.ordered(an_order(unit="xj-desk"))
    await timeline.play()

    assert Step.ARRIVE not in {act.step for act in doors.acts}
    assert [UUID(int=3)] == doors.waived


async def test_a_standby_unit_offers_itself_and_goes_when_it_is_ordered() -> None:
    """Row 26: its own ACK activates it; the place comes with the order after that."""
    doors = NotingDoors()
    play, timeline = a_play(doors)
    play.ordered(an_order(purpose=Purpose.WIDEN, area=None, longitude=None, latitude=None))
    await timeline.play()
    offered = [act.step for act in doors.acts]
    play.ordered(an_order(notice_id=UUID(int=9)))
    await timeline.play()

    assert [Step.ACK] == offered
    assert list(WHOLE) == [act.step for act in doors.acts]


async def test_the_relation_of_base_and_scene_is_the_packs() -> None:
    """R01 to R04 hang on it: xj-rescue is based in the county town."""
    seen = []

    def note(duty: Duty, _: Order) -> list[Act]:
        seen.append(duty.relation)
        return []

    play, _ = a_play(NotingDoors(), unit_answers=note)
    play.ordered(an_order())
    play.ordered(an_order(assignment_id=UUID(int=4), area="331024101"))

    assert [Relation.COUNTY_TOWN, Relation.TOWN_TO_TOWNSHIP] == seen


async def test_a_hotline_passes_on_all_it_knows_of_its_unit() -> None:
    """FEEDS §2: one handling record that grows; each growth tells the earlier stamps again."""
    doors = NotingDoors()
    play, timeline = a_play(
        doors,
        unit_answers=lambda duty, order: [
            replace(act, by_feed=True)
            for act in every_step(duty, order)
            if act.step is not Step.TURN_OUT
        ],
    )
    play.begin([a_send()], play.unit_answers)
    incident = ids.incident_id(ids.call_id("110", "N1"))
    play.ordered(an_order(incident_id=incident))
    await timeline.play()
    bodies = [json.loads(body) for _, body in doors.records]

    assert [] == doors.acts
    assert {"N1-xj-rescue"} == {body["cjdbh"] for body in bodies}
    assert [{"pdjssj"}, {"pdjssj", "ddxcsj"}, {"pdjssj", "ddxcsj", "cjwbsj"}] == [
        {"pdjssj", "ddxcsj", "cjwbsj"} & set(body) for body in bodies[:3]
    ]
    assert "已处置" == bodies[3]["cljg"]


async def test_a_unit_whose_incident_no_call_record_opened_reports_itself() -> None:
    """A feed passes on only what belongs to one of its own call records."""
    doors = NotingDoors()
    play, timeline = a_play(
        doors,
        unit_answers=lambda duty, order: [
            replace(act, by_feed=True) for act in every_step(duty, order)
        ],
    )
    play.ordered(an_order())
    await timeline.play()

    assert [] == doors.records
    assert 5 == len(doors.acts)


async def test_the_desk_decides_each_matter_once() -> None:
    """What stays on the list after a decision was refused belongs to a person."""
    matter = Awaiting(kind="check", incident=UUID(int=5))
    doors = NotingDoors(waiting=[matter])
    journal = Journal()
    desk = DeskPart(doors, journal, 0.001)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await desk.run()

    assert [matter] == doors.decided
    assert 1 == len(journal.commands)
