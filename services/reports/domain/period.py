"""Calendar days, months, quarters, half-years and years in the region's zone: `[start, end)` as instants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_SPAN = re.compile(r"^(\d{4})(?:-([QH])([1-4]))?$")
_FIRST_YEAR = 1990
_LAST_YEAR = 2199


class PeriodKind(StrEnum):
    """How long a period is."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    HALF = "half"
    YEAR = "year"


_SPANS = {"Q": (PeriodKind.QUARTER, 3), "H": (PeriodKind.HALF, 6), None: (PeriodKind.YEAR, 12)}
_LETTERS = {kind: letter for letter, (kind, _) in _SPANS.items()}
MONTHS = {PeriodKind.MONTH: 1} | dict(_SPANS.values())
"""How many calendar months a period of each kind has; a day has none."""


class WrongPeriod(ValueError):
    """Not the name of a period; the message names the form."""


@dataclass(frozen=True)
class Period:
    """`[start, end)`, UTC; `label` as written: `2026-11-22`, `2026-11`, `2026-Q4`, `2026-H2`, `2026`."""

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
    def months(self) -> list[str]:
        """Local calendar months it touches, `YYYY-MM`, in order."""
        return list(dict.fromkeys(f"{each:%Y-%m}" for each in self.days))

    @property
    def title(self) -> str:
        """Return `2026年11月22日`, `2026年11月`, `2026年第4季度`, `2026年下半年` or `2026年`."""
        year, *rest = self.label.split("-")
        match self.kind:
            case PeriodKind.QUARTER:
                return f"{year}年第{rest[0][1]}季度"
            case PeriodKind.HALF:
                return f"{year}年{'上半年' if rest[0] == 'H1' else '下半年'}"
            case _:
                words = zip(rest, ("月", "日"), strict=False)
                return f"{year}年" + "".join(f"{int(number)}{word}" for number, word in words)


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


def longer(label: str, zone: ZoneInfo) -> Period:
    """Return the quarter, half-year or year *label* in *zone*; raises WrongPeriod."""
    found = _SPAN.match(label)
    kind, months = _SPANS[found[2]] if found else (PeriodKind.YEAR, 12)
    number = int(found[3] or 1) if found else 0
    if (
        found is None
        or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR
        or number * months > MONTHS[PeriodKind.YEAR]
    ):
        raise WrongPeriod(
            f"{label!r} is no quarter, half-year or year: write YYYY-Q1 to YYYY-Q4, YYYY-H1, "
            "YYYY-H2 or YYYY, for example 2026-Q4"
        )
    first = date(int(found[1]), (number - 1) * months + 1, 1)
    last = month(f"{first.year}-{first.month + months - 1:02}", zone)
    return Period(kind, label, _midnight(first, zone), last.end, zone)


def at(kind: PeriodKind, first: date, zone: ZoneInfo) -> Period:
    """Return the period of *kind* that has the local day *first* in it."""
    if kind is PeriodKind.DAY:
        return day(first.isoformat(), zone)
    if kind is PeriodKind.MONTH:
        return month(f"{first:%Y-%m}", zone)
    letter, number = _LETTERS[kind], (first.month - 1) // MONTHS[kind] + 1
    return longer(f"{first.year}-{letter}{number}" if letter else f"{first.year}", zone)


def _midnight(at: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(at, time(), zone).astimezone(UTC)
