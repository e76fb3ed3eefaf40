"""What reports needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    Facts,
    IncidentFact,
    LinkFact,
    NoticeFact,
    Population,
    RejectionFact,
)
from services.reports.domain.freezing import EpochEnd, FrozenFile, Revision
from services.reports.domain.later_facts import LaterFact
from services.reports.domain.live_baseline import Baseline
from services.reports.domain.live_calls import CallSeen
from services.reports.domain.live_open import IncidentSeen
from services.reports.domain.period import Period
from shared.contracts.envelope import Message
from shared.runtime.store import Work

Fact = (
    CallFact
    | IncidentFact
    | LinkFact
    | AssignmentFact
    | ClockFact
    | NoticeFact
    | RejectionFact
    | LaterFact
)


class Stream(NamedTuple):
    """One partition's events of one population."""

    topic: str
    partition: int
    exercise: bool


class FactSink(Protocol):
    """Where facts go; nothing is written before the work is committed."""

    def add(self, work: Work, facts: Iterable[Fact]) -> None:
        """Put *facts*, at most one of each key, into *work*; an older version changes nothing."""

    def heard(self, work: Work, times: Mapping[Stream, datetime]) -> None:
        """Note the newest event time (platform, UTC) of each stream."""


class FactSource(Protocol):
    """Where facts are read."""

    async def of(self, period: Period, *, as_of_epoch: int | None = None) -> Facts:
        """Return the facts of *period*, now or as of that epoch's end; raises Unavailable."""


class MonthFiles(Protocol):
    """Where a closed month's facts are kept as files, named by what they hash to."""

    async def write(self, period: Period, epoch: int) -> list[FrozenFile]:
        """Write the facts of *period* as of *epoch*, same facts same bytes; raises Unavailable."""

    async def hashes(self, revision: Revision) -> Mapping[str, str]:
        """Return the SHA-256 (hex) of each file of *revision* that is there, by kind."""


class MonthArchive(Protocol):
    """Where frozen months are kept; everything may raise Unavailable."""

    async def now(self) -> datetime:
        """Return platform time, UTC."""

    async def revision(self, month: str, number: int | None = None) -> Revision | None:
        """Return revision *number* of *month*, the newest without one; None when there is none."""

    async def revisions(self, month: str, *, after: int, limit: int) -> list[Revision]:
        """Return at most *limit* revisions numbered above *after*, in order."""

    async def offsets(self) -> Mapping[str, int]:
        """Return the next offset the facts were taken up to, by `<topic>/<partition>`."""

    async def end_epoch(self) -> EpochEnd:
        """End the open epoch: no batch is in flight, and later ones write into the next."""

    async def keep(
        self, revision: Revision, bodies: Iterable[bytes], said: Iterable[Message] = ()
    ) -> bool:
        """Store *revision*, its *bodies* and what is *said* of it whole; False when its number is taken."""

    async def body(self, sha256: str) -> bytes | None:
        """Return the stored bytes with this hash (hex), None when they were deleted."""

    async def put_back(self, bodies: Iterable[bytes]) -> None:
        """Store *bodies* that are missing."""


class LiveFacts(Protocol):
    """What the live picture begins with and is put right by; everything may raise Unavailable."""

    async def calls(self, since: datetime) -> Sequence[CallSeen]:
        """Return the newest revision of every call received at or after *since* (UTC)."""

    async def incidents(self, known: Sequence[UUID]) -> Sequence[IncidentSeen]:
        """Return the newest snapshot of what is open, and of *known* whatever their state."""

    async def baseline(self, population: Population, now: datetime) -> Baseline | None:
        """Return what is usual of *population*, None while there is too little history."""
