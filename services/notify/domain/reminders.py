"""From the changes of an incident's clocks to notices: warned, breached, widened, corrected."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from services.notify.domain import recipients, texts
from services.notify.domain.notice import Addressee, Notice, Occasion
from services.notify.domain.view import Duty, Told, View, with_told, without_told
from shared.contracts import ids
from shared.contracts.incident import AssignmentState, Origin, Role
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.pack import NoticeCause, NoticeRule, Recipient
from shared.contracts.sla import Clock, ClockChange, ClockChangeKind, ClockState, SlaEvent

_CAUSES = {
    ClockChangeKind.WARNED: NoticeCause.CLOCK_WARNED,
    ClockChangeKind.BREACHED: NoticeCause.CLOCK_BREACHED,
    ClockChangeKind.CORRECTED: NoticeCause.CLOCK_CORRECTED,
}
FIRST_LEVEL = 1
"""Supervision level a breach opens; the rungs above (督办, 通报) come with the ladder."""


class Reminded(Struct, frozen=True):
    """What an event of sla comes to: notices, and the view that remembers who was told."""

    notices: list[Notice]
    view: View


def speaks(event: SlaEvent) -> bool:
    """Say whether anybody is told of *event*, or a queued reminder may have become pointless.

    Most events of sla only start a clock or meet it in time: those cost nothing here.
    """
    clocks = {c.clock_id: c for c in event.clocks}
    return any(
        change.kind in _CAUSES
        or ((clock := clocks.get(change.clock_id)) is not None and bool(clock.warned))
        for change in event.changes
    )


def reminders_of(event: SlaEvent, view: View, occasion: Occasion) -> Reminded:
    """Return what *event* makes people hear, at most one per (recipient, channel)."""
    found: dict[UUID, Notice] = {}
    clocks = {c.clock_id: c for c in event.clocks}
    for change in event.changes:
        cause, clock = _CAUSES.get(change.kind), clocks.get(change.clock_id)
        if cause is None or clock is None or not _worth_telling(change, clock, view):
            continue
        heard: list[Told] = []
        for rule in occasion.pack.notices.rules:
            if not rule.fits(cause, clock.kind, view.severity):
                continue
            for to in _addressees(rule, change, clock, view, occasion):
                heard.append(Told(to.to, to.id))
                for notice in _notices(rule, to, clock, view, occasion):
                    found.setdefault(notice.order.notice_id, notice)
        if change.kind is ClockChangeKind.BREACHED:
            view = with_told(view, clock.clock_id, tuple(dict.fromkeys(heard)))
        elif change.kind is ClockChangeKind.CORRECTED:
            view = without_told(view, clock.clock_id)
    return Reminded(list(found.values()), view)


def _worth_telling(change: ClockChange, clock: Clock, view: View) -> bool:
    """Re-read the newest state before speaking: a reminder to who has acted is only noise."""
    if not clock.judged or clock.exempt:
        return False
    duty = view.duty(clock.assignment_id)
    if change.kind is ClockChangeKind.WARNED:
        return clock.state is ClockState.RUNNING and not (duty is not None and duty.over)
    if change.kind is ClockChangeKind.BREACHED:
        return change.level in (None, FIRST_LEVEL)
    return True


def _addressees(
    rule: NoticeRule, change: ClockChange, clock: Clock, view: View, occasion: Occasion
) -> list[Addressee]:
    pack, unit = occasion.pack, change.unit or clock.unit
    if change.kind is ClockChangeKind.CORRECTED:
        told = view.told.get(str(clock.clock_id), ())
        known = (
            recipients.known(pack, t, clock.assignment_id if t.to is Recipient.UNIT else None)
            for t in told
            if t.to is rule.to
        )
        return [each for each in known if each is not None]
    if rule.to is Recipient.UNIT:
        duty = view.duty(clock.assignment_id) or _duty_from_clock(clock, unit)
        return [recipients.unit(pack, duty)] if duty else []
    if rule.to is Recipient.STANDBY:
        return recipients.standby(pack, view.duties) or recipients.backup(pack, unit, view.duties)
    if rule.to is Recipient.SUPERIOR:
        return recipients.superior(pack, unit)
    if rule.to is Recipient.DESK:
        return [recipients.desk(pack)]
    return []


def _duty_from_clock(clock: Clock, unit: str | None) -> Duty | None:
    """Stand in for a duty whose incident event was not read yet: the unit is told all the same."""
    if unit is None or clock.assignment_id is None:
        return None
    return Duty(
        assignment_id=clock.assignment_id,
        unit=unit,
        department="",
        role=Role.UNKNOWN,
        state=AssignmentState.SENT,
        origin=Origin.UNKNOWN,
    )


def _notices(
    rule: NoticeRule, to: Addressee, clock: Clock, view: View, occasion: Occasion
) -> list[Notice]:
    text = texts.head(exercise=view.exercise) + _body(rule, to, clock, view, occasion)
    return [
        Notice(
            order=Order(
                notice_id=ids.notice_id(occasion.cause, to.id, channel),
                incident_id=view.incident_id,
                number=view.number,
                recipient=to.id,
                address=to.address(channel),
                channel=channel,
                purpose=rule.purpose,
                lane=view.lane,
                text=text,
                assignment_id=to.assignment_id,
                unit=to.id if to.assignment_id else None,
                category=view.category,
                severity=view.severity,
                area=view.scene.area,
                queued_at=occasion.now,
                clock=clock.kind,
                due=clock.due,
                exercise=view.exercise,
            ),
            cause=occasion.cause,
            clock_id=clock.clock_id,
            trace=occasion.trace,
        )
        for channel in rule.channels
    ]


def _body(rule: NoticeRule, to: Addressee, clock: Clock, view: View, occasion: Occasion) -> str:
    pack = occasion.pack
    about = texts.what(pack, view.number, view.category, view.severity, view.scene.area)
    due = texts.at(pack, clock.due)
    late = pack.unit_by_id.get(clock.unit or "")
    name = late.name if late else ""
    if rule.purpose is Purpose.WARNING:
        return texts.warning(about, clock.kind, due)
    if rule.purpose is Purpose.CORRECTION:
        return texts.correction(about, clock.kind, name)
    return texts.breach(to.to, about, clock.kind, due, name)
