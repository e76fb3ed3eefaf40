"""What a provider (SMS gateway, webhook gateway) is sent, and what it must answer.

Both doors are the same: `POST <base address>/orders` with an OrderBatch and a bearer key, answered
200 with a ReceiptBatch. Orders for different units travel in one request: `address` says where each
goes (the gateway's token of an SMS number; the unit's path under the webhook gateway's base).
An order that comes again under the same `notice_id` is answered again and done once.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from shared.contracts.notice import Purpose
from shared.contracts.sla import ClockKind
from shared.contracts.values import Instant, Lane

ORDERS_PATH = "/orders"
"""The providers' door under their base address."""
MAX_ORDERS = 100
"""Most orders of one request."""


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One notice as it leaves the platform; `notice_id` is the provider's idempotency key.

    The scene is given only to units assigned to the incident; nobody gets the caller. `clock` and
    `due` (UTC, platform) are of the time limit a warning or breach speaks of. A notice that belongs
    to no incident (watchdog) has the nil id and an empty number.
    """

    notice_id: UUID
    incident_id: UUID
    number: str
    recipient: str
    address: str
    channel: str
    purpose: Purpose
    lane: Lane
    text: str
    assignment_id: UUID | None = None
    unit: str | None = None
    category: str | None = None
    severity: int | None = None
    area: str | None = None
    place: str = ""
    longitude: float | None = None
    latitude: float | None = None
    received_at: Instant | None = None
    queued_at: Instant
    clock: ClockKind | None = None
    due: Instant | None = None
    exercise: bool = False


class OrderBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Body of one request: 1 to MAX_ORDERS orders, at most one per (incident, recipient)."""

    orders: tuple[Order, ...]


class RefusedWhy(StrEnum):
    """Why a provider did not take an order: the words `Receipt.reason` may hold.

    Any other word counts as OTHER: it could be a sentence about the recipient, number and all, and
    reasons stand in events, facts and tables.
    """

    BUSY = "busy"
    QUOTA = "quota"
    NO_SUCH_NUMBER = "no_such_number"
    UNREACHABLE = "unreachable"
    OPTED_OUT = "opted_out"
    TEXT_REFUSED = "text_refused"
    EXPIRED = "expired"
    OTHER = "other"


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider's word on one order: accepted, or refused for now (`retry`) or for good.

    `ref` is the provider's own number of it; `reason` one of busy, quota, no_such_number,
    unreachable, opted_out, text_refused, expired, other (RefusedWhy), never text of the order.
    """

    notice_id: UUID
    accepted: bool
    ref: str | None = None
    retry: bool = False
    reason: str | None = None


class ReceiptBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of a provider: one receipt per order; an order without one counts as not answered."""

    receipts: tuple[Receipt, ...]
