"""Which queued notices the newest state has made pointless: dropped before sending, never after.

A DISPATCH order that was not delivered yet is *not* dropped because the unit acknowledged on the
other channel: R12 asks for both channels as each other's proof, the acknowledging console is not
the team on the road, and the SMS carries the text it works from. It is dropped when the duty or
the incident itself is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.notify.domain.notice import Notice, OpenNotice, Pointless
from services.notify.domain.view import View
from shared.contracts.incident import AssignmentState, IncidentState
from shared.contracts.notice import Purpose
from shared.contracts.sla import Clock, ClockState, SlaEvent

_CALLS_TO_ACT = frozenset(
    {Purpose.DISPATCH, Purpose.STANDBY, Purpose.WARNING, Purpose.BREACH, Purpose.WIDEN}
)
_OVER = frozenset({IncidentState.CANCELLED, IncidentState.INVALID})
_STOPPED = frozenset({ClockState.MET, ClockState.CANCELLED, ClockState.VOID})
_OF_CLOCK = frozenset({Purpose.WARNING, Purpose.WIDEN})


def by_incident(view: View, queued: Iterable[OpenNotice]) -> dict[UUID, Pointless]:
    """Return notice id to reason for what the incident's state has overtaken."""
    if view.purged:
        return {notice.notice_id: Pointless.PURGED for notice in queued}
    found = {}
    for notice in queued:
        if notice.purpose not in _CALLS_TO_ACT:
            continue
        if view.state in _OVER:
            found[notice.notice_id] = Pointless.INCIDENT_OVER
        elif _duty_ended(view, notice):
            found[notice.notice_id] = Pointless.DUTY_OVER
    return found


def by_clocks(event: SlaEvent, queued: Iterable[OpenNotice]) -> dict[UUID, Pointless]:
    """Return notice id to reason for what the clocks' states have overtaken.

    A breach stays a fact when the unit acts late; only a correction takes it back.
    """
    clocks = {c.clock_id: c for c in event.clocks}
    found = {}
    for notice in queued:
        clock = clocks.get(notice.clock_id) if notice.clock_id else None
        if clock is None or notice.purpose is Purpose.CORRECTION:
            continue
        if clock.corrected:
            found[notice.notice_id] = Pointless.CLOCK_CORRECTED
        elif notice.purpose in _OF_CLOCK and _stopped(clock):
            found[notice.notice_id] = Pointless.CLOCK_STOPPED
    return found


def as_open(notice: Notice) -> OpenNotice:
    """Return *notice* as a queued one: what is queued now may be overtaken in the same batch."""
    return OpenNotice(
        notice_id=notice.order.notice_id,
        recipient=notice.order.recipient,
        channel=notice.order.channel,
        purpose=notice.order.purpose,
        assignment_id=notice.order.assignment_id,
        clock_id=notice.clock_id,
        late=notice.late,
    )


def _duty_ended(view: View, notice: OpenNotice) -> bool:
    duty = view.duty(notice.assignment_id)
    if duty is None:
        return False
    # a standby that was called out holds an order of its own now
    taken_up = notice.purpose in (Purpose.STANDBY, Purpose.WIDEN)
    return duty.over or (taken_up and duty.state is not AssignmentState.STANDBY)


def _stopped(clock: Clock) -> bool:
    return clock.state in _STOPPED or clock.stopped is not None
