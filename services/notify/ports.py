"""What notify needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.notify.domain.delivery import Failure
from services.notify.domain.line import Held
from services.notify.domain.notice import Notice, OpenNotice
from services.notify.domain.view import View
from shared.contracts.order import Receipt
from shared.contracts.values import Lane
from shared.runtime.store import Work


class Clock(Protocol):
    """Platform time; `speed` is how many of its seconds pass in one of the wall's (1 in production)."""

    speed: float

    def now(self) -> datetime:
        """Return platform time, UTC."""


class Known(Protocol):
    """What the ledger holds of one incident."""

    @property
    def version(self) -> int:
        """Version of the stored view, 0 where there is none."""

    @property
    def view(self) -> View | None:
        """The stored view."""

    @property
    def queued(self) -> Sequence[OpenNotice]:
        """Its notices not settled yet, in the order they were queued."""


class Ledger(Protocol):
    """Views of incidents and the notice ledger; everything is written with the offset."""

    owner: str

    async def load(
        self, incidents: Collection[UUID], opened: Collection[UUID] = ()
    ) -> dict[UUID, Known]:
        """Return what is known of *incidents*, every one of them, by one select.

        Of those *opened* by what is being handled nothing may be known: the guard proves it.
        """

    async def standing(self, notices: Collection[Notice]) -> set[UUID]:
        """Return the ids of those *notices* that have a row already, settled or not."""

    def save_view(self, work: Work, view: View, base: int) -> None:
        """Write *view* if the stored one is still at version *base*."""

    def queue(self, work: Work, notice: Notice, body: bytes, owner: str, why: str | None) -> None:
        """Write the row that must stand before any call; *why* marks one that is pointless already."""

    def overtake(self, work: Work, incident: UUID, reasons: Mapping[UUID, str]) -> None:
        """Mark queued rows of *incident* that need not be sent any more."""

    def taken(
        self, work: Work, incident: UUID, duties: Mapping[UUID, datetime], besides: Iterable[UUID]
    ) -> None:
        """Note when units had taken their orders (assignment id to platform time), on all rows but *besides*."""

    def purge(self, work: Work, incident: UUID) -> None:
        """Clear the texts of an incident whose retention has ended."""

    def heard(self, work: Work, lane: Lane, event: UUID) -> None:
        """Note that sla's heartbeat was heard now."""


class Office(Protocol):
    """The senders of this process: what is handed over after the commit goes out at once."""

    @property
    def has_room(self) -> bool:
        """Whether more may be taken into memory; rows nobody owns wait in the ledger."""

    def __contains__(self, notice_id: UUID) -> bool: ...

    def accept(self, notices: Sequence[Held]) -> None:
        """Take notices whose rows are committed."""

    def overtake(self, reasons: Mapping[UUID, str]) -> None:
        """Take out what need not be sent any more."""


class Provider(Protocol):
    """A way out: an SMS gateway or a webhook gateway."""

    async def send(self, bodies: Sequence[bytes]) -> dict[UUID, Receipt] | Failure:
        """Post one batch of orders (each encoded as JSON); never raises for what a provider does."""
