"""What a provider (SMS gateway, a unit's webhook) is sent, and what it must answer."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.notice import Purpose
from shared.contracts.values import Instant, Lane


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One notice as it leaves the platform; `notice_id` is the provider's idempotency key.

    The scene is given only to units assigned to the incident; nobody gets the caller.
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
    exercise: bool = False


class OrderBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Body of one request to a provider: at most 100 orders, in order per (incident, recipient)."""

    orders: tuple[Order, ...]


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider's word on one order: accepted, or refused for now (`retry`) or for good."""

    notice_id: UUID
    accepted: bool
    ref: str | None = None
    retry: bool = False
    reason: str | None = None


class ReceiptBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of a provider: one receipt per order."""

    receipts: tuple[Receipt, ...]
