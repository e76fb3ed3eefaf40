"""What reports needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    Facts,
    IncidentFact,
    LinkFact,
    NoticeFact,
    RejectionFact,
)
from services.reports.domain.period import Period
from shared.runtime.store import Work

Fact = CallFact | IncidentFact | LinkFact | AssignmentFact | ClockFact | NoticeFact | RejectionFact


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

    async def of(self, period: Period, *, epoch: int | None = None) -> Facts:
        """Return the facts of *period*, now or as of the end of *epoch*; raises Unavailable."""
