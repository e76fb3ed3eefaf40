"""The watchdog's notice: sla has been silent, the duty desk is told on every channel of the rule."""

from __future__ import annotations

from uuid import UUID

from services.notify.domain import recipients, texts
from services.notify.domain.notice import Notice, Occasion
from shared.contracts import ids
from shared.contracts.order import Order
from shared.contracts.pack import NoticeCause, Recipient
from shared.contracts.values import Lane

NO_INCIDENT = UUID(int=0)


def silence_notices(seconds: float, occasion: Occasion) -> list[Notice]:
    """Return who is told that sla said nothing for *seconds* of wall time.

    `occasion.cause` is derived from the last heartbeat, so one silence is told once, whichever
    instance of notify sees it first.
    """
    pack = occasion.pack
    return [
        Notice(
            order=Order(
                notice_id=ids.notice_id(occasion.cause, to.id, channel),
                incident_id=NO_INCIDENT,
                number="",
                recipient=to.id,
                address=to.address(channel),
                channel=channel,
                purpose=rule.purpose,
                lane=Lane.URGENT,
                text=texts.head(exercise=False) + texts.sla_silent(seconds),
                queued_at=occasion.now,
            ),
            cause=occasion.cause,
        )
        for rule in pack.notices.rules
        if rule.cause is NoticeCause.SLA_SILENT
        for to in ([recipients.desk(pack)] if rule.to is Recipient.DESK else [])
        for channel in rule.channels
    ]
