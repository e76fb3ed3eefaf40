"""What an attempt comes to: delivered, tried again later, or given up and told by another way."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from services.notify.domain import recipients, texts
from services.notify.domain.notice import Addressee, Notice, Occasion
from services.notify.domain.reference import reference
from shared.contracts import ids
from shared.contracts.notice import NoticeState, Purpose
from shared.contracts.order import Order, Receipt, RefusedWhy
from shared.contracts.pack import Channel, ChannelPolicy, Pack, Recipient

_WORDS = {word.value: word for word in RefusedWhy}


class Trouble(StrEnum):
    """Why an attempt did not succeed; the word stands in the ledger, the event and the metric."""

    NO_ANSWER = "no_answer"
    TIMED_OUT = "timed_out"
    PROVIDER_ERROR = "provider_error"
    KEY_REFUSED = "key_refused"
    BATCH_REFUSED = "batch_refused"
    BUSY = "busy"
    MALFORMED_ANSWER = "malformed_answer"
    NO_RECEIPT = "no_receipt"
    REFUSED_FOR_NOW = "refused_for_now"
    REFUSED = "refused"


class Failure(Struct, frozen=True):
    """A request that brought no receipts; `wait_s` is what the provider asked for."""

    why: Trouble
    wait_s: float = 0.0


class Verdict(Struct, frozen=True):
    """Where the notice stands after an attempt; `wait_s` (wall seconds) only while it is queued."""

    state: NoticeState
    reason: str | None = None
    ref: str | None = None
    wait_s: float = 0.0
    alone: bool = False


def judge(
    receipt: Receipt | Failure | None, attempts: int, tried_for_s: float, policy: ChannelPolicy
) -> Verdict:
    """Return what the *attempts*-th attempt means, *tried_for_s* wall seconds after the first one.

    Every notice is tried at least once, however long it waited before.
    """
    if isinstance(receipt, Receipt) and receipt.accepted:
        return Verdict(NoticeState.DELIVERED, ref=reference(receipt.ref))
    reason, wait = _trouble(receipt)
    final = isinstance(receipt, Receipt) and not receipt.retry
    if final or attempts >= policy.attempts or tried_for_s >= policy.give_up_after_s:
        return Verdict(NoticeState.GIVEN_UP, reason=reason)
    delay = max(back_off(attempts, policy), min(wait, policy.max_delay_s))
    alone = isinstance(receipt, Failure) and receipt.why is Trouble.BATCH_REFUSED
    return Verdict(NoticeState.QUEUED, reason=reason, wait_s=delay, alone=alone)


def back_off(attempts: int, policy: ChannelPolicy) -> float:
    """Return the wall seconds to wait after the *attempts*-th failure."""
    return min(policy.max_delay_s, policy.first_delay_s * policy.factor ** (attempts - 1))


def _trouble(receipt: Receipt | Failure | None) -> tuple[str, float]:
    if receipt is None:
        return Trouble.NO_RECEIPT, 0.0
    if isinstance(receipt, Failure):
        return receipt.why, receipt.wait_s
    if receipt.reason is not None:
        return _WORDS.get(receipt.reason, RefusedWhy.OTHER), 0.0
    return Trouble.REFUSED_FOR_NOW if receipt.retry else Trouble.REFUSED, 0.0


def fallbacks(
    order: Order, purpose_told: Purpose, policy: ChannelPolicy, occasion: Occasion
) -> list[Notice]:
    """Return whom a given-up notice is told to instead, on their other channels (ours).

    `occasion.cause` is the event that said it was given up. A fallback never falls back itself.
    """
    if purpose_told is Purpose.FALLBACK or policy.fallback is not Recipient.DESK:
        return []
    to = recipients.desk(occasion.pack)
    others = (c.channel for c in occasion.pack.notices.channels if c.channel != order.channel)
    return [_fallback(order, to, channel, occasion) for channel in others]


def _fallback(order: Order, to: Addressee, channel: Channel, occasion: Occasion) -> Notice:
    text = texts.fallback(
        order.number, _name(occasion.pack, order.recipient), order.channel, order.purpose
    )
    return Notice(
        order=Order(
            notice_id=ids.notice_id(occasion.cause, to.id, channel),
            incident_id=order.incident_id,
            number=order.number,
            recipient=to.id,
            address=to.address(channel),
            channel=channel,
            purpose=Purpose.FALLBACK,
            lane=order.lane,
            text=texts.head(exercise=order.exercise) + text,
            category=order.category,
            severity=order.severity,
            area=order.area,
            queued_at=occasion.now,
            exercise=order.exercise,
        ),
        cause=occasion.cause,
        trace=occasion.trace,
    )


def _name(pack: Pack, recipient: str) -> str:
    known = pack.unit_by_id.get(recipient) or pack.post_by_id.get(recipient)
    return known.name if known else recipient
