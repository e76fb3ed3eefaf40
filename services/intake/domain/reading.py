"""What every hotline's record becomes, and what a reader must know of the hotline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.intake.domain.contact import Contact
from shared.contracts.call import Kind, Place
from shared.contracts.pack import FeedFormat, Pack, Source
from shared.contracts.values import Lane, Line


@dataclass(frozen=True, slots=True)
class Hotline:
    """One source of the pack with what its records are read by."""

    source: Source
    pack: Pack
    zone: ZoneInfo

    @property
    def keeps_orders(self) -> bool:
        """Whether it writes 12345 orders 工单 (FEEDS 3) instead of call records 接警单."""
        return self.source.line is Line.GOVERNMENT


class Reading(Struct, frozen=True):
    """One call as its record tells it, normalised and scrubbed; times UTC.

    `dated` says whether the record bears its own update time; `unknown_codes` names the fields
    whose code the pack does not know.
    """

    source_id: str
    root: str
    line: Line
    lane: Lane
    received_at: datetime
    kind: Kind
    severity: int
    text: str
    place: Place
    contact: Contact
    hotline_limit: str | None
    dated: bool
    unknown_codes: tuple[str, ...]


class HotlineRefused(ValueError):
    """A source of the pack that intake cannot read; the message says which and why."""


def hotlines(pack: Pack, *, readable: Callable[[str], bool]) -> dict[str, Hotline]:
    """Return every source of *pack* by id; *readable* knows the charsets.

    Raises HotlineRefused at start rather than at the first call.
    """
    zone = pack.region.zone
    for source in pack.sources:
        if source.format is not FeedFormat.JSON:
            raise HotlineRefused(
                f"source {source.id} writes {source.format}: only json is read, change sources.yaml"
            )
        if not readable(source.charset):
            raise HotlineRefused(
                f"source {source.id} writes {source.charset}, which is no known charset"
            )
    return {source.id: Hotline(source, pack, zone) for source in pack.sources}
