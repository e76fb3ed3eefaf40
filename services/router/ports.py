"""What router needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from services.router.domain.casebook import Casebook
from services.router.domain.policy import Policy
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


class Answers(Protocol):
    """Answers to commands that were done before."""

    async def answered(self, keys: Sequence[str]) -> Mapping[str, tuple[bytes, bytes]]:
        """Return digest of the request and answer, by caller and command id."""
