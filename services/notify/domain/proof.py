"""`notice.events`: what became of a notice, said once for each of its versions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from shared.contracts.envelope import Message
from shared.contracts.notice import NoticeEvent, NoticeState
from shared.contracts.order import Order
from shared.contracts.values import Producer

TOPIC = "notice.events.v1"


class Proof(Struct, frozen=True, kw_only=True):
    """One state of a notice: since when (`at`, platform time, UTC), by which event it was caused."""

    order: Order
    cause: UUID
    version: int
    state: NoticeState
    attempts: int
    at: datetime
    ref: str | None = None
    reason: str | None = None
    trace: str | None = None


def proof_message(proof: Proof, *, region: str, now: datetime) -> Message:
    """Return the event of *proof*, said at *now* (platform time)."""
    order = proof.order
    return Message(
        topic=TOPIC,
        key=str(order.incident_id),
        producer=Producer.NOTIFY,
        family="notice",
        change=proof.state.value,
        aggregate=order.notice_id,
        version=proof.version,
        time=now,
        lane=order.lane,
        trace=proof.trace,
        data=NoticeEvent(
            notice_id=order.notice_id,
            version=proof.version,
            incident_id=order.incident_id,
            cause=proof.cause,
            assignment_id=order.assignment_id,
            recipient=order.recipient,
            channel=order.channel,
            purpose=order.purpose,
            state=proof.state,
            attempts=proof.attempts,
            queued_at=order.queued_at,
            at=proof.at,
            provider_ref=proof.ref,
            reason=proof.reason,
            region=region,
            lane=order.lane,
            exercise=order.exercise,
        ),
    )
