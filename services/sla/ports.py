"""What sla needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.sla.domain.clock_set import ClockSet, Outcome
from shared.contracts.sla import ClockChange
from shared.runtime.store import Work


class Clock(Protocol):
    """Platform time."""

    def now(self) -> datetime:
        """Return platform time, UTC."""

    def tolerance(self, rule: timedelta) -> timedelta:
        """Return *rule*, or longer where platform time runs faster than wall time."""


class ClockSets(Protocol):
    """The clocks as they are kept."""

    async def load(self, incidents: Iterable[UUID]) -> Mapping[UUID, ClockSet]:
        """Return the sets of those *incidents* that have one."""

    def save(self, work: Work, before: ClockSet | None, after: ClockSet) -> datetime | None:
        """Add to *work* what takes the kept set from *before* to *after*, guarded by its version.

        Return when it then wants to be fired first (UTC; None: never).
        """


@dataclass(frozen=True)
class Due:
    """What can be fired: sets with a clock whose next step is at or before `now`.

    `now` is the database's platform time (UTC) when it looked; `earliest` the first step of all.
    """

    now: datetime
    steps: Mapping[UUID, datetime]
    sets: Sequence[ClockSet]
    earliest: datetime | None


@dataclass(frozen=True)
class Firing:
    """One set taken from `before` to what `outcome` says."""

    before: ClockSet
    outcome: Outcome


class DueClocks(Protocol):
    """The sets, by when they want to be fired."""

    async def due(self, *, skip: bool = False) -> Due:
        """Return what is due, oldest first: the first batch, or the one after it (*skip*)."""

    async def store(self, firings: Sequence[Firing], now: datetime) -> frozenset[UUID]:
        """Write each firing whose set is still at its version; return the incidents that were."""


class Alarm(Protocol):
    """The firing loop, as far as others need it."""

    def expect(self, at: datetime) -> None:
        """Something wants to be fired at *at* (UTC)."""


Tally = Callable[[Sequence[ClockChange]], None]
"""Counts what became certain."""
