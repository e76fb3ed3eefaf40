"""What router does with calls, with units' records and with commands: load, decide, store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from services.router.domain.casebook import Casebook
from services.router.domain.commands import Transfer
from services.router.domain.intake_of_calls import opens_alone, root_of, take_call, take_feedback
from services.router.domain.outcome import Refused
from services.router.domain.requests import Answer, NotDone, Request, done, may
from services.router.ports import Answers, Clock, Incidents, Numbers, Region
from shared.contracts.call import CallEvent, UnitFeedback
from shared.contracts.problems import Problem
from shared.runtime.errors import InvalidEvent
from shared.runtime.events import Event
from shared.runtime.met import Met
from shared.runtime.store import Work

T = TypeVar("T")

_ENCODE = msgspec.json.Encoder().encode


class Desk(Struct, frozen=True):
    """The ports a decision needs; handlers and commands share them."""

    clock: Clock
    region: Region
    numbers: Numbers
    incidents: Incidents

    def book(self) -> Casebook:
        """Return an empty casebook of this moment."""
        return Casebook(self.clock.now(), self.region.policy(), self.numbers.take)


class Handlers:
    """One method per kind of event."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._met = Met()

    async def on_calls(self, events: Sequence[Event], work: Work) -> None:
        """Give every call an incident, and every new incident exactly one accountable unit."""
        desk = self._desk
        heard = [(_of(event, CallEvent), event.trace) for event in events]
        book = await self._book([e for e, _ in heard])
        zone = book.policy.pack.region.zone
        days = (e.call.received_at.astimezone(zone).date() for e, _ in heard)
        await desk.numbers.reserve(days)
        for call, trace in heard:
            take_call(book, call, trace)
        desk.incidents.save(work, book)

    async def _book(self, heard: Sequence[CallEvent]) -> Casebook:
        """Load what *heard* may touch; nothing where every call opens an incident of its own.

        Such a call touches its own link only, and what waits for it (§4.7) is found by that link:
        the guard of the link's insert proves that there was neither. Lost, they were met, and all
        is decided again on what is there.
        """
        book = self._desk.book()
        wanted = {e.call.call_id for e in heard} | {root_of(e.call) for e in heard}
        if not (all(map(opens_alone, heard)) and self._met.none_of(wanted)):
            await self._desk.incidents.load(book, calls=wanted)
        self._met.found(wanted, known=bool(book.links))
        return book

    async def on_feedback(self, events: Sequence[Event], work: Work) -> None:
        """Apply what units' records say; one whose call is unknown waits for it (§4.7)."""
        desk = self._desk
        heard = [(_of(event, UnitFeedback), event) for event in events]
        wanted = {f.call_id for f, _ in heard} | {root_of(f) for f, _ in heard}
        book = await desk.incidents.load(desk.book(), calls=wanted)
        for feedback, event in heard:
            refused = take_feedback(book, feedback, event.trace)
            if refused:
                raise InvalidEvent(
                    refused, f"{feedback.record_id}: unit {feedback.unit}", event=event
                )
        desk.incidents.save(work, book)


class Commands:
    """Decides groups of requests; several on one incident are folded in the order they came."""

    def __init__(self, desk: Desk, answers: Answers) -> None:
        self._desk = desk
        self._answers = answers

    async def decide(self, requests: Sequence[Request], work: Work) -> Sequence[Answer]:
        """Return one answer per request; all that was done becomes durable at once."""
        desk = self._desk
        stored = dict(await self._answers.answered([_key(r) for r in requests]))
        book = await desk.incidents.load(
            desk.book(),
            incidents={r.incident_id for r in requests if r.incident_id},
            assignments={r.assignment_id for r in requests if r.assignment_id},
        )
        await self._prepare_transfers(book, requests)
        answers: list[Answer] = []
        for request in requests:
            key = _key(request)
            if key in stored:
                digest, body = stored[key]
                reused = NotDone(problem=Problem.COMMAND_ID_REUSED)
                answers.append(body if digest == request.digest else reused)
                continue
            answer = _decided(book, request)
            answers.append(answer)
            if isinstance(answer, bytes):
                stored[key] = (request.digest, answer)
                work.answer(key, request.caller, request.digest, 200, answer)
        desk.incidents.save(work, book)
        return answers

    async def _prepare_transfers(self, book: Casebook, requests: Sequence[Request]) -> None:
        """A transfer opens an incident: it needs a number, and the links of the calls that move."""
        moving = [r.incident_id for r in requests if isinstance(r.command, Transfer)]
        if not moving:
            return
        held = [book.incidents[i] for i in moving if i in book.incidents]
        await self._desk.incidents.load(book, calls={c.call_id for i in held for c in i.calls})
        today = book.now.astimezone(book.policy.pack.region.zone).date()
        await self._desk.numbers.reserve([today] * len(moving))


def _key(request: Request) -> str:
    return f"{request.caller}/{request.command_id}"


def _decided(book: Casebook, request: Request) -> Answer:
    incident_id = request.incident_id or book.at_assignment.get(
        request.assignment_id or UUID(int=0)
    )
    incident = book.incidents.get(incident_id) if incident_id else None
    if incident is None:
        return NotDone(problem=Problem.NOT_FOUND)
    if not may(incident, request):
        return NotDone(problem=Problem.FORBIDDEN)
    outcome = book.command(incident.incident_id, request.command, request.trace)
    if isinstance(outcome, Refused):
        return NotDone(problem=Problem.TRANSITION_REFUSED, reason=outcome.reason)
    return _ENCODE(done(incident, book.incidents[incident.incident_id], request))


def _of(event: Event, kind: type[T]) -> T:
    if not isinstance(event.data, kind):
        raise InvalidEvent("wrong_family", f"{event.type} does not belong here", event=event)
    return event.data
