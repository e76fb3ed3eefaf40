"""Which messages an outage has made late, and the one digest a recipient gets in their place (DOMAIN §4)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from services.notify.domain import texts
from services.notify.domain.notice import NO_INCIDENT, Notice, Occasion
from shared.contracts import ids
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.values import Lane

DIGESTED = (
    Purpose.WARNING,
    Purpose.BREACH,
    Purpose.CORRECTION,
    Purpose.LEADERS,
    Purpose.FALLBACK,
)
"""What is worth reading late as a list. Whatever calls a unit out or back goes singly, however late."""


class Overdue(Struct, frozen=True, kw_only=True):
    """A late row of the ledger: its order, and where its proof stands."""

    order: Order
    cause: UUID
    version: int
    attempts: int
    trace: str | None = None
    pointless: str | None = None


def age_s(said_at: datetime, now: datetime, speed: float) -> float:
    """Return the wall seconds since *said_at* (both platform time) at the highest *speed* since then.

    An exercise's hours are seconds; a clock that all but stands still makes nothing older.
    """
    return (now - said_at).total_seconds() / max(1.0, speed)


def marked(
    notices: Iterable[Notice],
    said_at: datetime,
    found_late: Container[UUID],
    *,
    now: datetime,
    speed: float,
    cutoff_s: float,
) -> list[Notice]:
    """Return *notices* of an event said at *said_at*, those older than the cut-off marked late.

    *found_late* are clocks whose breach was found long after it was due (sla was away): word of it
    is as old as the due time, whenever it was said.
    """

    def late(notice: Notice) -> bool:
        since, due = said_at, notice.order.due
        if due is not None and notice.clock_id in found_late:
            since = min(since, due)
        return age_s(since, now, speed) > cutoff_s

    return [
        replace(notice, late=True) if notice.order.purpose in DIGESTED and late(notice) else notice
        for notice in notices
    ]


def groups(overdue: Iterable[Overdue]) -> list[list[Overdue]]:
    """Return what goes into one digest each: same recipient and channel, exercise apart from real."""
    found: dict[tuple[str, str, bool], list[Overdue]] = defaultdict(list)
    for each in overdue:
        found[each.order.recipient, each.order.channel, each.order.exercise].append(each)
    return [found[key] for key in sorted(found)]


def digest_of(overdue: Sequence[Overdue], occasion: Occasion) -> Notice:
    """Return the notice that stands for *overdue*, two or more of one group.

    Its cause is made of what it replaces (`occasion.cause` is not used): the same rows make the
    same digest, whichever process comes first.
    """
    orders = [each.order for each in overdue]
    cause = digest_cause(order.notice_id for order in orders)
    last = orders[-1]
    kinds = Counter(order.purpose for order in orders)
    numbers = list(dict.fromkeys(order.number for order in orders if order.number))
    text = texts.digest({kind: kinds[kind] for kind in DIGESTED if kinds[kind]}, numbers)
    return Notice(
        order=Order(
            notice_id=ids.notice_id(cause, last.recipient, last.channel),
            incident_id=NO_INCIDENT,
            number="",
            recipient=last.recipient,
            address=last.address,
            channel=last.channel,
            purpose=Purpose.DIGEST,
            lane=Lane.URGENT if any(o.lane is Lane.URGENT for o in orders) else Lane.ORDINARY,
            text=texts.head(exercise=last.exercise) + text,
            queued_at=occasion.now,
            exercise=last.exercise,
        ),
        cause=cause,
    )


def digest_cause(replaced: Iterable[UUID]) -> UUID:
    """Return the cause of the digest that stands for *replaced*."""
    return uuid5(ids.NAMESPACE, "digest/" + ",".join(sorted(map(str, replaced))))
