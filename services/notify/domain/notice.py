"""One notice before it leaves: its order, what caused it, and where it stands in the ledger."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.pack import Channel, Endpoints, Pack, Recipient

NO_INCIDENT = UUID(int=0)
"""Stands in a notice that belongs to no incident: an alarm about the platform, a digest."""


class Pointless(StrEnum):
    """Why a queued notice is not sent any more; the word stands in `notice.events` as its reason."""

    INCIDENT_OVER = "incident_over"
    DUTY_OVER = "duty_over"
    CLOCK_STOPPED = "clock_stopped"
    CLOCK_CORRECTED = "clock_corrected"
    PURGED = "purged"
    DIGESTED = "digested"


class Occasion(Struct, frozen=True):
    """What every notice of one event shares: the causing event, platform time (UTC), its trace."""

    pack: Pack
    cause: UUID
    now: datetime
    trace: str | None = None


class Addressee(Struct, frozen=True):
    """Somebody to tell: a unit or a post, in which part, for which duty.

    `assigned` is true of a unit that holds the duty: only such a one is given the exact place.
    """

    to: Recipient
    id: str
    name: str
    endpoints: Endpoints
    assignment_id: UUID | None = None
    assigned: bool = False

    def address(self, channel: Channel) -> str:
        """Return where *channel* reaches them: a token of the SMS gateway, or a webhook path."""
        return self.endpoints.sms if channel is Channel.SMS else self.endpoints.webhook


class Notice(Struct, frozen=True, kw_only=True):
    """A notice to queue: the ledger's row and the order are made of it.

    A `late` one is not told singly any more: it waits for its recipient's digest. `acknowledged_at`
    (platform time, UTC): its unit had taken the duty before the row was written.
    """

    order: Order
    cause: UUID
    clock_id: UUID | None = None
    trace: str | None = None
    late: bool = False
    acknowledged_at: datetime | None = None

    @property
    def key(self) -> Key:
        """Return the line it stands in."""
        return Key(self.order.channel, self.order.incident_id, self.order.recipient)


class Key(NamedTuple):
    """First in, first out within these three: one recipient hears of one incident in order."""

    channel: str
    incident_id: UUID
    recipient: str


class OpenNotice(Struct, frozen=True, kw_only=True):
    """A queued row of the ledger, as far as deciding needs it; `owner` is the process that sends it."""

    notice_id: UUID
    recipient: str
    channel: str
    purpose: Purpose
    assignment_id: UUID | None = None
    clock_id: UUID | None = None
    owner: str = ""
    pointless: str | None = None
    late: bool = False
