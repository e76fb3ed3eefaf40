"""What a scenario consists of: reports, the records they are sent as, and what must be answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.pack import DrillPlace, Malformed


class Feed(StrEnum):
    """Intake's two doors of a source; the value is the last part of the address."""

    CALLS = "calls"
    HANDLING = "handling"


class Answered(StrEnum):
    """How an item that was sent ended; every item ends as exactly one of these."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One person reporting something: `at` UTC; `chain` is the index of the report it repeats."""

    at: datetime
    source: str
    category: str
    place: DrillPlace
    text: str
    caller: str
    chain: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A report with its number, as the hotline keeps it; `main` is the chain's first number."""

    report: Report
    number: str
    main: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One request to intake's door at platform time `at` (UTC), with the answers it may get.

    `name` is unique in a scenario. A record sent again may be the first to arrive, so it allows
    two answers; a faulty one allows none but its refusal.
    """

    name: str
    at: datetime
    source: str
    number: str | None
    body: bytes
    allowed: frozenset[Answered]
    feed: Feed = Feed.CALLS
    malformed: Malformed | None = None
    own_key: bool = True


ONCE = frozenset({Answered.ACCEPTED})
AGAIN = frozenset({Answered.ACCEPTED, Answered.REPEATED})
REFUSED = frozenset({Answered.REJECTED})
