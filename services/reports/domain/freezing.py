"""When a month may be frozen or revised, and what a frozen month consists of (FIGURES, T + 3 days)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from msgspec import Struct

from services.reports.domain.facts import Population
from services.reports.domain.period import Period

DAYS_AFTER = 3
FROZEN = 0
"""Number of the freeze itself; its revisions are 1..n."""


class FreezeRefusal(StrEnum):
    """Why a month was not frozen, revised, recomputed or compared."""

    TOO_EARLY = "too_early"
    BEHIND = "behind"
    NOT_IMPORTED = "not_imported"
    ALREADY_FROZEN = "already_frozen"
    NOT_FROZEN = "not_frozen"
    UNKNOWN_REVISION = "unknown_revision"
    UNKNOWN_TABLE = "unknown_table"
    NOTHING_CHANGED = "nothing_changed"
    OVERTAKEN = "overtaken"
    BODY_DELETED = "body_deleted"
    PACK_DELETED = "pack_deleted"
    PACK_UNREADABLE = "pack_unreadable"


class FreezeRefused(Exception):
    """Refused by name; the message says which month and what to do."""

    def __init__(self, reason: FreezeRefusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class RevisionReason(StrEnum):
    """Why published numbers are corrected."""

    LATE_EVENTS = "late_events"
    CORRECTION = "correction"
    APPEAL = "appeal"
    RECLASSIFICATION = "reclassification"
    DEFINITIONS = "definitions"


REASONS = {
    RevisionReason.LATE_EVENTS: "迟到数据补入",
    RevisionReason.CORRECTION: "数据更正",
    RevisionReason.APPEAL: "申诉成立",
    RevisionReason.RECLASSIFICATION: "类别改定",
    RevisionReason.DEFINITIONS: "口径或区域包变更",
}


class EpochEnd(Struct, frozen=True, kw_only=True):
    """The facts up to here: `offsets` is the next offset by `<topic>/<partition>`, `at` UTC."""

    number: int
    at: datetime
    offsets: dict[str, int]


class Sheet(Struct, frozen=True, kw_only=True):
    """Which table of a month, of whom; `published`: cells below five hidden."""

    table: str
    population: Population
    published: bool

    def __str__(self) -> str:
        words = [self.table, str(self.population), *(["published"] if self.published else [])]
        return "/".join(words)


class FrozenSheet(Struct, frozen=True, kw_only=True):
    """One stored table: version of its formula, SHA-256 (hex) of its JSON."""

    sheet: Sheet
    formula: int
    sha256: str


class FrozenFile(Struct, frozen=True, kw_only=True):
    """The facts of one kind a month was computed from: how many, bytes, SHA-256 (hex) of the file."""

    kind: str
    rows: int
    size: int
    sha256: str


class Revision(Struct, frozen=True, kw_only=True):
    """A month as it was frozen (`number` 0) or corrected (1..n); `at` platform time, UTC.

    `pack_stamp` names the region pack (names, categories), `pack_sha256` its stored JSON.
    """

    month: str
    number: int
    at: datetime
    reason: RevisionReason | None
    epoch: int
    offsets: dict[str, int]
    pack_stamp: str
    pack_sha256: str
    sheets: list[FrozenSheet]
    files: list[FrozenFile] = []


def opens_at(period: Period) -> datetime:
    """Return the instant (UTC) from which *period* may be frozen: local midnight, T + 3 days."""
    end = period.end.astimezone(period.zone).date() + timedelta(days=DAYS_AFTER)
    return datetime.combine(end, time(), period.zone).astimezone(UTC)


def refuse_freeze(period: Period, now: datetime, newest: Revision | None) -> FreezeRefusal | None:
    """Say why *period* cannot be frozen at *now* (UTC), None when it can."""
    if newest is not None:
        return FreezeRefusal.ALREADY_FROZEN
    return FreezeRefusal.TOO_EARLY if now < opens_at(period) else None


def refuse_revision(newest: Revision | None, *, changed: bool) -> FreezeRefusal | None:
    """Say why a month cannot be revised; `changed`: some table's bytes differ from the newest's."""
    if newest is None:
        return FreezeRefusal.NOT_FROZEN
    return None if changed else FreezeRefusal.NOTHING_CHANGED


def lacking(stored: Mapping[str, int], ends: Mapping[str, int]) -> dict[str, int]:
    """Return how many events are missing of each `<topic>/<partition>` up to *ends*, none left out.

    Both are next offsets: *stored* what the facts were taken up to, *ends* what the broker had.
    """
    missing = {place: end - stored.get(place, 0) for place, end in sorted(ends.items())}
    return {place: count for place, count in missing.items() if count > 0}


def next_number(newest: Revision | None) -> int:
    """Return the number of what follows *newest*: 0 the freeze, then 1..n."""
    return FROZEN if newest is None else newest.number + 1
