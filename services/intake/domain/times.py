"""Times as the hotlines write them, local, become instants in UTC (FEEDS 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.intake.domain.faults import FaultReason

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier ones are sentinels (1900-01-01, 1970-01-01), *ours*."""

FUTURE_TOLERANCE = timedelta(minutes=5)
"""How far a sender's clock may run ahead, *ours*."""

_SPACED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_PACKED = re.compile(r"[0-9]{14}")
_OFFSET = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class Horizon:
    """Platform time *now* (UTC) and how far beyond it a stated time may lie."""

    now: datetime
    tolerance: timedelta = FUTURE_TOLERANCE


def parse(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the instant (UTC) that *text* names, None when it is in none of the known formats.

    `yyyy-MM-dd HH:mm:ss` and `yyyyMMddHHmmss` are local to *zone*; ISO 8601 must bear its offset:
    a naive one is refused, since nobody can say which clock it was read from.
    """
    try:
        if _SPACED.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
        if _PACKED.fullmatch(text):
            whole = datetime.fromisoformat(f"{text[:8]}T{text[8:]}")
            return whole.replace(tzinfo=zone).astimezone(UTC)
        if _OFFSET.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None


def fault_of(at: datetime, horizon: Horizon) -> FaultReason | None:
    """Say why the instant *at* cannot be when a call came, None when it can."""
    if at < EARLIEST:
        return FaultReason.TOO_LONG_AGO
    if at > horizon.now + horizon.tolerance:
        return FaultReason.IN_THE_FUTURE
    return None
