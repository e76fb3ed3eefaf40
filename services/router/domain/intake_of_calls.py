"""Which incident a call belongs to, and what becomes of feedback that waited for it."""

from __future__ import annotations

from uuid import UUID

from services.router.domain.call_rows import can_join
from services.router.domain.casebook import CallLink, Casebook
from services.router.domain.commands import Link, ProveUrgent, Revise, Withdraw
from services.router.domain.feedback import apply_feedback
from services.router.domain.opening import open_incident
from services.router.domain.outcome import Decided, Refused
from shared.contracts import ids
from shared.contracts.call import Call, CallChange, CallEvent, UnitFeedback
from shared.contracts.refusals import Refusal
from shared.contracts.values import Lane


def root_of(call: Call | UnitFeedback) -> UUID:
    """Return the id of the first call of the source's own chain (`zjjdbh`, else the call's own)."""
    if isinstance(call, Call) and call.root == call.source_id:
        return call.call_id
    return ids.call_id(call.source, call.root)


def opens_alone(event: CallEvent) -> bool:
    """Say whether the call opens an incident of its own unless it, or feedback of it, came before."""
    call = event.call
    return event.change is CallChange.RECEIVED and call.root == call.source_id


def take_call(book: Casebook, event: CallEvent, trace: str | None) -> None:
    """Give the call its incident: its own, its chain's, or a new one.

    A revision not above the one known is dropped; versions of one call may come by two lanes.
    """
    call = event.call
    own = book.links.get(call.call_id)
    if own and own.revision >= call.revision:
        return
    if own and own.revision and own.incident_id:
        _revised(book, event, own.incident_id, trace)
    elif event.change is not CallChange.WITHDRAWN:
        _joined_or_opened(book, call, trace)


def _joined_or_opened(book: Casebook, call: Call, trace: str | None) -> None:
    for key in (call.call_id, root_of(call)):
        link = book.links.get(key)
        incident = book.incidents.get(link.chain) if link and link.chain else None
        if incident is None:
            continue
        if can_join(incident, call, book.policy):
            book.link(call.call_id, incident.incident_id, call.revision)
            book.command(incident.incident_id, Link(by=call.source, call=call), trace)
            _unpark(book, call, incident.incident_id, trace)
        else:
            _opened(book, call, (incident.incident_id,), trace)
        return
    _opened(book, call, (), trace)


def _opened(book: Casebook, call: Call, linked: tuple[UUID, ...], trace: str | None) -> None:
    numbered = book.numbered(call.received_at)
    decided = open_incident(call, numbered, book.tick(), book.policy, linked=linked)
    incident_id = decided.incident.incident_id
    book.settle(decided, trace)
    book.link(call.call_id, incident_id, call.revision)
    root = root_of(call)
    if root != call.call_id:
        book.chain(root, incident_id)
    _unpark(book, call, incident_id, trace)


def _revised(book: Casebook, event: CallEvent, incident_id: UUID, trace: str | None) -> None:
    call, incident = event.call, book.incidents[incident_id]
    book.link(call.call_id, incident_id, call.revision)
    if incident.purged:
        book.refuse(incident_id, Refusal.PURGED, call.source, trace)
    elif event.change is CallChange.WITHDRAWN:
        book.command(incident_id, Withdraw(by=call.source, call=call), trace)
    elif call.lane is Lane.URGENT and incident.lane is Lane.ORDINARY:
        _proved_urgent(book, call, incident_id, trace)
    else:
        book.command(incident_id, Revise(by=call.source, call=call), trace)


def _proved_urgent(book: Casebook, call: Call, incident_id: UUID, trace: str | None) -> None:
    """Open a linked incident in the urgent lane: the lane of one is fixed when it opens."""
    book.command(incident_id, ProveUrgent(by=call.source, call=call), trace)
    before = book.incidents[incident_id]
    numbered = book.numbered(call.received_at)
    decided = open_incident(call, numbered, book.tick(), book.policy, instead_of=before)
    book.settle(decided, trace)
    for ref in decided.incident.calls:
        book.link(ref.call_id, decided.incident.incident_id, ref.revision)


def take_feedback(book: Casebook, feedback: UnitFeedback, trace: str | None) -> Refusal | None:
    """Apply the unit's record, or park it until its call is known; return why it cannot be used."""
    if feedback.unit not in book.policy.pack.unit_by_id:
        return Refusal.UNKNOWN_UNIT
    own = book.links.get(feedback.call_id, CallLink())
    chain = book.links.get(root_of(feedback), CallLink())
    incident_id = own.own or chain.chain
    if incident_id:
        return _applied(book, feedback, incident_id, trace)
    book.park(feedback)
    return None


def _unpark(book: Casebook, call: Call, incident_id: UUID, trace: str | None) -> None:
    for feedback in book.parked.pop(call.call_id, ()):
        _applied(book, feedback, incident_id, trace)
        book.unparked.append(feedback.feedback_id)


def _applied(
    book: Casebook, feedback: UnitFeedback, incident_id: UUID, trace: str | None
) -> Refusal | None:
    incident = book.incidents[incident_id]
    outcome = apply_feedback(incident, feedback, book.moment(incident), book.policy)
    if isinstance(outcome, Refused):
        return outcome.reason
    if isinstance(outcome, Decided):
        book.settle(outcome, trace)
    return None
