"""From the changes of an incident to notices: who is ordered, stood down, reported to (R12, R17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from uuid import UUID

from services.notify.domain import recipients, texts
from services.notify.domain.limits import limit_text
from services.notify.domain.notice import Addressee, Notice, Occasion
from services.notify.domain.view import Duty, View, duty_of
from shared.contracts import ids
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Change,
    ChangeKind,
    Incident,
    IncidentEvent,
    Origin,
    Role,
)
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.pack import NoticeCause, NoticeRule, Pack, Recipient

_CAUSES = {
    ChangeKind.DISPATCHED: NoticeCause.DISPATCHED,
    # called out of standby, by the desk or by its own ACK: it needs the order and now the place (row 26)
    ChangeKind.ACTIVATED: NoticeCause.DISPATCHED,
    ChangeKind.REASSIGNED: NoticeCause.REASSIGNED,
    ChangeKind.REWORK: NoticeCause.REWORK,
    ChangeKind.RELEASED: NoticeCause.RELEASED,
    ChangeKind.CANCELLED: NoticeCause.CANCELLED,
    ChangeKind.SHORTFALL: NoticeCause.SHORTFALL,
}
_GIVES_PLACE = frozenset({Purpose.DISPATCH})


def notices_of(event: IncidentEvent, before: View | None, occasion: Occasion) -> list[Notice]:
    """Return what *event* makes people hear, at most one per (recipient, channel).

    *before* is the view without this event, None for an incident not heard of yet: duties that
    were not there before are the ones a change without an assignment id speaks of.
    """
    found: dict[UUID, Notice] = {}
    for change in event.changes:
        for rule, about in _applying(change, event.incident, before, occasion.pack):
            for to in about:
                for notice in _notices(rule, to, event.incident, change, occasion):
                    found.setdefault(notice.order.notice_id, notice)
    return list(found.values())


def _applying(
    change: Change, incident: Incident, before: View | None, pack: Pack
) -> Iterator[tuple[NoticeRule, list[Addressee]]]:
    cause = _CAUSES.get(change.kind)
    if cause is None:
        return
    for rule in _fitting(pack, cause, incident.severity):
        yield rule, _addressees(rule.to, change, incident, before, pack)


@lru_cache(maxsize=256)
def _fitting(pack: Pack, cause: NoticeCause, severity: int) -> tuple[NoticeRule, ...]:
    """Return the pack's rules for *cause*: asked for at every change, always the same few."""
    return tuple(rule for rule in pack.notices.rules if rule.fits(cause, None, severity))


def _addressees(
    to: Recipient, change: Change, incident: Incident, before: View | None, pack: Pack
) -> list[Addressee]:
    decision = incident.decision
    if to is Recipient.UNIT:
        return [recipients.unit(pack, d) for d in _subjects(change, incident, before)]
    if to is Recipient.STANDBY:
        waiting = map(duty_of, incident.assignments)
        return recipients.standby(pack, (d for d in waiting if not _known_standby(before, d)))
    if to in (Recipient.LEADERS, Recipient.COMMANDER):
        if not _news_to_leaders(incident, before):
            return []
        by_decision = recipients.leaders if to is Recipient.LEADERS else recipients.commander
        return by_decision(pack, decision)
    if to is Recipient.DESK:
        return [recipients.desk(pack)]
    units = {d.unit: None for d in _subjects(change, incident, before)}
    return [post for unit in units for post in recipients.superior(pack, unit)]


def _news_to_leaders(incident: Incident, before: View | None) -> bool:
    """Say whether leaders hear of it (R17): the first dispatch, or what it is has changed since."""
    if before is None or not any(duty.active for duty in before.duties):
        return True
    return (before.category, before.severity) != (incident.category, incident.severity)


def _known_standby(before: View | None, duty: Duty) -> bool:
    return before is not None and before.duty(duty.assignment_id) is not None


def _subjects(change: Change, incident: Incident, before: View | None) -> Sequence[Duty]:
    """Return the duties *change* speaks of: the one it names, else those that are new to us."""
    duties = [duty_of(each) for each in incident.assignments]
    named = [d for d in duties if d.assignment_id == change.assignment_id]
    if change.kind is ChangeKind.RELEASED:
        return named
    if change.kind is ChangeKind.CANCELLED:
        return [d for d in duties if _held_until_now(d, before)]
    if named and named[0].active:
        return named
    if change.kind is ChangeKind.REWORK:
        return [d for d in duties if d.active and d.role is Role.LEAD]
    return [
        d
        for d in duties
        if d.state is AssignmentState.SENT
        and d.origin is not Origin.SELF_DISPATCHED
        and not _was_active(before, d)
    ]


def _was_active(before: View | None, duty: Duty) -> bool:
    known = before.duty(duty.assignment_id) if before else None
    return known is not None and known.active


def _held_until_now(duty: Duty, before: View | None) -> bool:
    """Say whether the unit must hear that the incident was called off."""
    known = before.duty(duty.assignment_id) if before else None
    return not (known or duty).over and (known or duty).state is not AssignmentState.FED_BACK


def _notices(
    rule: NoticeRule, to: Addressee, incident: Incident, change: Change, occasion: Occasion
) -> Iterator[Notice]:
    """Return one notice for each channel of *rule*; they say the same."""
    pack = occasion.pack
    exact = to.assigned and rule.purpose in _GIVES_PLACE
    scene = incident.scene
    about = texts.what(pack, incident.number, incident.category, incident.severity, scene.area)
    body = _body(rule, to, incident, change, occasion, about)
    text = texts.head(exercise=incident.exercise) + body
    for channel in rule.channels:
        order = Order(
            notice_id=ids.notice_id(occasion.cause, to.id, channel),
            incident_id=incident.incident_id,
            number=incident.number,
            recipient=to.id,
            address=to.address(channel),
            channel=channel,
            purpose=rule.purpose,
            lane=incident.lane,
            text=text,
            assignment_id=to.assignment_id,
            unit=to.id if to.assignment_id else None,
            category=incident.category,
            severity=incident.severity,
            area=scene.area,
            place=scene.text if exact else "",
            longitude=scene.longitude if exact else None,
            latitude=scene.latitude if exact else None,
            received_at=incident.received_at,
            queued_at=occasion.now,
            exercise=incident.exercise,
        )
        yield Notice(order=order, cause=occasion.cause, trace=occasion.trace)


def _body(
    rule: NoticeRule,
    to: Addressee,
    incident: Incident,
    change: Change,
    occasion: Occasion,
    about: str,
) -> str:
    pack = occasion.pack
    if rule.purpose is Purpose.LEADERS:
        return texts.leaders(about, _sent_units(pack, incident))
    if rule.purpose is Purpose.SHORTFALL:
        missing = incident.decision.shortfalls if incident.decision else ()
        names = {c.id: c.name for c in pack.capabilities}
        return texts.shortfall(about, [names.get(m, m) for m in missing])
    assignment = _assignment(incident, to.assignment_id)
    exact = to.assigned and rule.purpose in _GIVES_PLACE
    limit = limit_text(pack, incident, assignment, occasion.now) if exact and assignment else ""
    again = change.kind is ChangeKind.REWORK
    where = texts.place(incident.scene.text) if exact else ""
    return texts.order(rule.purpose, about, where, limit, again=again)


def _assignment(incident: Incident, assignment_id: UUID | None) -> Assignment | None:
    return next((a for a in incident.assignments if a.assignment_id == assignment_id), None)


def _sent_units(pack: Pack, incident: Incident) -> list[str]:
    return [
        known.name
        for a in incident.assignments
        if duty_of(a).active and (known := pack.unit_by_id.get(a.unit))
    ]
