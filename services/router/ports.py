"""What router needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from services.router.domain.casebook import Casebook
from services.router.domain.policy import Policy
from shared.contracts.values import Lane
from shared.runtime.store import Work


class Clock(Protocol):
    """Platform time."""

    def now(self) -> datetime:
        """Return platform time, UTC."""


class Region(Protocol):
    """The pack with its tolerances at the platform's present speed."""

    def policy(self) -> Policy:
        """Return the policy decisions are made under now."""


class Numbers(Protocol):
    """Serial numbers of incidents: unique per local day over all processes, with gaps."""

    async def reserve(self, wanted: Iterable[date]) -> None:
        """Make sure that as many serials as days in *wanted* can be taken; raises Unavailable."""

    def take(self, day: date) -> int:
        """Return a reserved serial of *day* that nobody else gets."""


class Incidents(Protocol):
    """Incidents with their calls, assignments and parked feedback."""

    async def load(
        self,
        book: Casebook,
        *,
        calls: Iterable[UUID] = (),
        incidents: Iterable[UUID] = (),
        assignments: Iterable[UUID] = (),
    ) -> Casebook:
        """Fill *book* with what belongs to these ids, in one look; raises Unavailable."""

    def save(self, work: Work, book: Casebook) -> None:
        """Put what was decided into *work*, guarded by the versions read."""


class Due(NamedTuple):
    """What can be purged: the oldest first, and the database's platform time (UTC) when it looked."""

    now: datetime
    incidents: Sequence[UUID]


class Retained(Protocol):
    """What is kept until its retention ends."""

    async def due(self, lane: Lane, retention: timedelta) -> Due:
        """Return incidents of *lane* over for *retention*, a batch; raises Unavailable."""

    async def drop_parked(self, retention: timedelta) -> int:
        """Delete a batch of feedback whose call never came in *retention*; return how many."""


class Answers(Protocol):
    """Answers to commands that were done before."""

    async def answered(self, keys: Sequence[str]) -> Mapping[str, tuple[bytes, bytes]]:
        """Return digest of the request and answer, by caller and command id."""
