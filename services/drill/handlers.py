"""Plays the scenario: hotlines send, units answer their orders, the desk decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.drill.domain import unit_play
from services.drill.domain.arrivals import writes_call_records
from services.drill.domain.faults_in_records import encoded
from services.drill.domain.handling_record import handling_record
from services.drill.domain.journal import Journal, SentCall, SentCommand
from services.drill.domain.plan import Answered, Send
from services.drill.domain.unit_play import Act, Duty, Step
from services.drill.ports import Answer, Awaiting, Centre, Clock, Hotlines, Timeline
from shared.contracts import ids
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.pack import Channel, Pack, UnitKind, at_seat

PATIENCE = timedelta(minutes=5)
"""Platform time after which a unit tries again what was refused (an arrival reported after its end)."""

SEATS = 8
"""Matters the desk decides side by side."""

UnitAnswers = Callable[[Duty, Order], Sequence[Act]]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an order sends a unit, as far as jurisdiction goes."""

    area: str | None
    at_seat: bool | None


@dataclass(kw_only=True)
class Play:
    """One run of a scenario. All times of the day are platform times, UTC."""

    pack: Pack
    clock: Clock
    timeline: Timeline
    hotlines: Hotlines
    centre: Centre
    journal: Journal
    unit_answers: UnitAnswers = lambda *_: ()
    _records: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    _feeds: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    _fed: dict[UUID, dict[Step, datetime]] = field(default_factory=dict)
    _in_turn: dict[UUID, asyncio.Lock] = field(default_factory=dict)
    _busy: set[UUID] = field(default_factory=set)
    _offered: set[UUID] = field(default_factory=set)
    _stood_down: set[UUID] = field(default_factory=set)

    # -- hotlines -----------------------------------------------------------------------------

    def begin(self, sends: Sequence[Send], unit_answers: UnitAnswers) -> None:
        """Put the scenario's requests onto the timeline, except those whose moment has passed."""
        self.unit_answers = unit_answers
        now = self.clock.now()
        for send in sends:
            if send.number is not None:
                opened = ids.incident_id(ids.call_id(send.source, send.number))
                self._records[opened] = (send.source, send.number)
            if send.at < now:
                self.journal.not_played["call"] += 1
            else:
                self.timeline.at(send.at, partial(self._send, send), "call")

    async def _send(self, send: Send) -> None:
        answer = await self.hotlines.send(send)
        self.journal.calls[send.name] = SentCall(
            name=send.name,
            source=send.source,
            number=send.number,
            sent_at=answer.sent_at,
            answered=answer.answered,
            status=answer.status,
            attempts=answer.attempts,
            expected=answer.answered in send.allowed,
            malformed=send.malformed,
            feed=send.feed,
            call_id=_uuid(answer.body.get("call_id")),
            feedback_id=_uuid(answer.body.get("feedback_id")),
        )

    # -- units --------------------------------------------------------------------------------

    def ordered(self, order: Order) -> None:
        """React to an order a unit's webhook accepted: go, answer a widened call, or stand down."""
        if order.channel != Channel.WEBHOOK or order.assignment_id is None or not order.unit:
            return
        if order.purpose == Purpose.RELEASE:
            self._stood_down.add(order.assignment_id)
        elif order.purpose == Purpose.WIDEN:
            self._step_in(order.assignment_id, order.unit)
        elif order.purpose == Purpose.DISPATCH:
            self._set_out(order, order.assignment_id, order.unit)

    def _step_in(self, assignment: UUID, unit: str) -> None:
        """A standby unit offers itself by its own ACK; the place comes with the order after it (row 26)."""
        if assignment in self._busy or assignment in self._offered:
            return
        self._offered.add(assignment)
        at = self.clock.now() + unit_play.SHORT
        self._plan(unit_play.act_of(Step.ACK, assignment, unit, at))

    def _set_out(self, order: Order, assignment: UUID, unit: str) -> None:
        if assignment in self._busy:
            return
        self._busy.add(assignment)
        duty = Duty(
            assignment=assignment,
            unit=unit,
            relation=self.pack.relation(unit, Spot(order.area, self._at_seat(order))),
            at=self.clock.now(),
        )
        acts = self.unit_answers(duty, order)
        if not acts:
            self.journal.not_played["unit never answers"] += 1
        for act in acts:
            if self._to_be_done(act):
                self._plan(self._by_its_way(act, order.incident_id))

    def _to_be_done(self, act: Act) -> bool:
        """Leave out the ACK that a standby unit has given, and the journey of the desk."""
        if act.step is Step.ACK:
            return act.assignment not in self._offered
        return act.step is not Step.ARRIVE or not self._is_desk(act.unit)

    def _plan(self, act: Act) -> None:
        for copy in range(act.copies):
            moment = act.at + copy * unit_play.SHORT
            self.timeline.at(moment, partial(self._act, act, copy), act.step)

    async def _act(self, act: Act, copy: int) -> None:
        """Do one act; a unit does one thing after the other, however late we are."""
        async with self._in_turn.setdefault(act.assignment, asyncio.Lock()):
            await self._do(act, copy)

    async def _do(self, act: Act, copy: int) -> None:
        if act.assignment in self._stood_down:
            self.journal.not_played["stood down"] += 1
            return
        if act.step is Step.END and self._is_desk(act.unit):
            await self._waive(act)
        answer = await self._reported(act)
        self._note(f"{act.command}#{copy}", act, answer, copy)
        if answer.answered is Answered.REJECTED and not act.command.endswith("-2") and not copy:
            self._plan(unit_play.again(act, self.clock.now(), PATIENCE))

    def _by_its_way(self, act: Act, incident: UUID) -> Act:
        """A hotline can only pass on what belongs to a call record of its own."""
        source, number = self._records.get(incident, ("", ""))
        if not act.by_feed or not number or not writes_call_records(self.pack, source):
            return replace(act, by_feed=False)
        self._feeds[act.assignment] = (source, number)
        return act

    async def _reported(self, act: Act) -> Answer:
        if not act.by_feed:
            return await self.centre.command(act)
        source, number = self._feeds[act.assignment]
        stamps = self._fed.setdefault(act.assignment, {})
        stamps[act.step] = act.occurred_at
        fields = handling_record(number, act.unit, stamps, self.pack.region.zone)
        charset = self.pack.source_by_id[source].charset
        return await self.hotlines.handling(source, encoded(fields, charset))

    async def _waive(self, act: Act) -> None:
        """The desk handles it from its chair, and says so before it ends (row 10)."""
        name = f"{act.assignment}-waive"
        self._note(f"{name}#0", act, await self.centre.waive_arrival(act.assignment, name), 0)

    def _note(self, name: str, act: Act, answer: Answer, copy: int) -> None:
        repeated = copy > 0 and answer.answered is Answered.ACCEPTED
        self.journal.commands[name] = SentCommand(
            command=name,
            step=act.step,
            assignment=act.assignment,
            answered=Answered.REPEATED if repeated else answer.answered,
            status=answer.status,
            attempts=answer.attempts,
            reason=answer.reason,
            feedback_id=_uuid(answer.body.get("feedback_id")),
        )

    def _is_desk(self, unit: str) -> bool:
        known = self.pack.unit_by_id.get(unit)
        return known is not None and known.kind is UnitKind.DESK

    def _at_seat(self, order: Order) -> bool | None:
        area = self.pack.area_by_code.get(order.area or "")
        return at_seat(area, order.longitude, order.latitude) if area else None


def _uuid(text: object) -> UUID | None:
    return UUID(text) if isinstance(text, str) else None


class DeskPart:
    """A part: the desk looks at what waits for it and decides, the checker closing what was handled."""

    name = "desk"

    def __init__(self, centre: Centre, journal: Journal, pause_s: float) -> None:
        self.waiting: str | None = None
        self._centre = centre
        self._journal = journal
        self._pause_s = pause_s

    async def run(self) -> None:
        """Decide until cancelled."""
        while True:
            matters = await self._centre.awaiting()
            for first in range(0, len(matters), SEATS):
                seated = matters[first : first + SEATS]
                await asyncio.gather(*(self._decide(matter) for matter in seated))
            await asyncio.sleep(self._pause_s)

    async def _decide(self, matter: Awaiting) -> None:
        """Decide once: what was refused then stays with a person."""
        name = f"{matter.kind}-{matter.assignment or matter.incident}"
        if name in self._journal.commands:
            return
        answer = await self._centre.decide(matter)
        self._journal.commands[name] = SentCommand(
            command=name,
            step=matter.kind,
            assignment=matter.assignment or matter.incident,
            answered=answer.answered,
            status=answer.status,
            attempts=answer.attempts,
            reason=answer.reason,
        )
