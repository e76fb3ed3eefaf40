"""Local times in files: their forms, and the instants they name.

Ambiguous local times (the hour repeated in autumn) mean the first of the two instants (fold=0);
times skipped in spring are read with the offset before the change, as Python's fold=0 does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

BLANK = " \t\r\n"
"""What is taken off both ends of every field."""

FIRST_YEAR, LAST_YEAR = 1900, 2199

_CODES = {
    "Y": "(?:19|20|21)[0-9]{2}",
    "m": "(?:1[0-2]|0?[1-9])",
    "d": "(?:3[01]|[12][0-9]|0?[1-9])",
    "H": "(?:2[0-3]|[01]?[0-9])",
    "I": "(?:1[0-2]|0?[1-9])",
    "M": "[0-5]?[0-9]",
    "S": "[0-5]?[0-9]",
    "f": "[0-9]{1,6}",
    "p": "(?:[AaPp][Mm])",
}


class UnknownTimeCode(ValueError):
    """A time format with a code we do not read; the message lists those we do."""


def pattern(form: str) -> str:
    """Return the expression (for Python and RE2 alike) of texts in *form*; raises UnknownTimeCode.

    Stricter than strptime on both sides, so that the two read the same texts in the same way.
    """
    found = []
    at = 0
    while at < len(form):
        if form[at] != "%":
            found.append(_literal(form[at]))
            at += 1
            continue
        code = form[at + 1 : at + 2]
        if code not in _CODES:
            known = " ".join(f"%{each}" for each in _CODES)
            raise UnknownTimeCode(f"{form!r} has %{code}; write it with {known}")
        found.append(_CODES[code])
        at += 2
    if "%Y" not in form or "%m" not in form or "%d" not in form:
        raise UnknownTimeCode(f"{form!r} names no day; it needs %Y, %m and %d")
    return "".join(found)


def _literal(char: str) -> str:
    return char if char.isalnum() or char in " ,:;/_" else f"\\{char}"


def local_time(text: str, forms: list[str]) -> datetime | None:
    """Return the local time *text* names in the first of *forms* it has; None in none of them."""
    for form in forms:
        if re.fullmatch(pattern(form), text):
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007 - local until its zone is applied
            except ValueError:
                return None
    return None


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of *local* (naive) in *zone*: the first where there are two."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


@dataclass(frozen=True)
class Step:
    """From the local time `since` (naive) on, the offset is `ahead` of UTC."""

    since: datetime
    ahead: timedelta


def steps(zone: ZoneInfo) -> Iterator[Step]:
    """Yield the offsets of *zone* by local time, as `instant` applies them, rising."""
    at = datetime(FIRST_YEAR, 1, 1)  # noqa: DTZ001 - a local time
    last = datetime(LAST_YEAR + 1, 1, 1)  # noqa: DTZ001 - the same
    ahead = _ahead(at, zone)
    yield Step(at, ahead)
    while at < last:
        after = at + timedelta(days=7)
        if (then := _ahead(after, zone)) != ahead:
            after = _change(at, after, zone)
            ahead = then = _ahead(after, zone)
            yield Step(after, then)
        at = after


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the first whole second after *low* at which the offset is no longer that of *low*."""
    before = _ahead(low, zone)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _ahead(middle, zone) == before else (low, middle)
    return high


def _ahead(local: datetime, zone: ZoneInfo) -> timedelta:
    return local.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
