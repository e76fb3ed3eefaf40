"""Calendar months and days in the region's zone: `[start, end)` as instants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_FIRST_YEAR = 1990
_LAST_YEAR = 2199


class PeriodKind(StrEnum):
    """How long a period is."""

    MONTH = "month"
    DAY = "day"


class WrongPeriod(ValueError):
    """Not the name of a month or day; the message names the form."""


@dataclass(frozen=True)
class Period:
    """`[start, end)`, UTC; `label` as people write it (`2026-11`, `2026-11-22`)."""

    kind: PeriodKind
    label: str
    start: datetime
    end: datetime
    zone: ZoneInfo

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    @property
    def days(self) -> list[date]:
        """Local calendar days in order."""
        first = self.start.astimezone(self.zone).date()
        last = (self.end - timedelta(microseconds=1)).astimezone(self.zone).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    @property
    def title(self) -> str:
        """Return `2026年11月` or `2026年11月22日`."""
        year, month, *day = self.label.split("-")
        return f"{year}年{int(month)}月" + "".join(f"{int(d)}日" for d in day)


def month(label: str, zone: ZoneInfo) -> Period:
    """Return the month *label* (`YYYY-MM`) in *zone*; raises WrongPeriod."""
    found = _MONTH.match(label)
    if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise WrongPeriod(f"{label!r} is not a month: write YYYY-MM, for example 2026-11")
    first = date(int(found[1]), int(found[2]), 1)
    after = (first + timedelta(days=31)).replace(day=1)
    return Period(PeriodKind.MONTH, label, _midnight(first, zone), _midnight(after, zone), zone)


def day(label: str, zone: ZoneInfo) -> Period:
    """Return the day *label* (`YYYY-MM-DD`) in *zone*; raises WrongPeriod."""
    try:
        found = date.fromisoformat(label) if _DAY.match(label) else None
    except ValueError:
        found = None
    if found is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise WrongPeriod(f"{label!r} is not a day: write YYYY-MM-DD, for example 2026-11-22")
    after = found + timedelta(days=1)
    return Period(PeriodKind.DAY, label, _midnight(found, zone), _midnight(after, zone), zone)


def _midnight(at: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(at, time(), zone).astimezone(UTC)
