"""Local times in files: their forms, and the instants they name.

Ambiguous local times (the hour repeated in autumn) mean the first of the two instants (fold=0);
times skipped in spring are read with the offset before the change, as Python's fold=0 does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

BLANK = " \t\r\n"
"""What is taken off both ends of every field."""

FIRST_YEAR, LAST_YEAR = 1900, 2199

EPOCH, EPOCH_MS = "epoch", "epoch_ms"
"""Whole forms: seconds, or milliseconds, since 1970 UTC; thousands may be parted by commas."""

OFFSET = "(?:[Zz]|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
"""An offset from UTC, the end of a form with %z."""

_PARTED = "(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)"
_EPOCHS = {EPOCH: f"{_PARTED}(?:\\.[0-9]{{1,6}})?", EPOCH_MS: f"{_PARTED}(?:\\.[0-9]{{1,3}})?"}
LONGEST_NUMBER = 18
_END = int(
    (datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
)
EPOCH_SCALE = {EPOCH: 1_000_000, EPOCH_MS: 1_000}
"""Microseconds in one of the form's numbers."""
EPOCH_END = {form: _END * 1_000_000 // scale for form, scale in EPOCH_SCALE.items()}
"""The first number that is after the last year."""

_CODES = {
    "Y": "(?:19|20|21)[0-9]{2}",
    "y": "[0-9]{2}",
    "m": "(?:1[0-2]|0?[1-9])",
    "b": "(?:[Jj](?:[Aa][Nn]|[Uu][NnLl])|[Ff][Ee][Bb]|[Mm][Aa][RrYy]|[Aa](?:[Pp][Rr]|[Uu][Gg])"
    "|[Ss][Ee][Pp]|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc])",
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


@cache
def pattern(form: str) -> str:
    """Return the expression (for Python and RE2 alike) of texts in *form*; raises UnknownTimeCode.

    Stricter than strptime on both sides, so that the two read the same texts in the same way.
    """
    if form in _EPOCHS:
        return _EPOCHS[form]
    wall, offset = parted(form)
    found = []
    at = 0
    while at < len(wall):
        if wall[at] != "%":
            found.append(_literal(wall[at]))
            at += 1
            continue
        code = wall[at + 1 : at + 2]
        if code not in _CODES:
            known = " ".join(f"%{each}" for each in _CODES)
            raise UnknownTimeCode(
                f"{form!r} has %{code}; write it with {known}, %z at the end, or as epoch, epoch_ms"
            )
        found.append(_CODES[code])
        at += 2
    month = ("%m" in wall) != ("%b" in wall)
    if ("%Y" in wall) == ("%y" in wall) or not month or "%d" not in wall:
        raise UnknownTimeCode(f"{form!r} names no day; it needs %Y (or %y), %m (or %b) and %d")
    if ("%I" in wall) != ("%p" in wall):
        raise UnknownTimeCode(f"{form!r}: %I and %p go together, 1 o'clock is twice a day")
    return "".join(found) + (OFFSET if offset else "")


def parted(form: str) -> tuple[str, bool]:
    """Return *form* without the offset at its end, and whether it has one."""
    return (form[:-2], True) if form.endswith("%z") else (form, False)


def has_offset(form: str) -> bool:
    """Say whether texts in *form* name an instant by themselves."""
    return form in _EPOCHS or parted(form)[1]


def _literal(char: str) -> str:
    return char if char.isalnum() or char in " ,:;/_" else f"\\{char}"


def local_time(text: str, forms: list[str]) -> datetime | None:
    """Return the time *text* names in the first of *forms* it has; None in none of them.

    Without its zone (local), unless the text itself says its offset.
    """
    for form in forms:
        if re.fullmatch(pattern(form), text):
            try:
                return _parsed(text, form)
            except ValueError:
                return None
    return None


def _parsed(text: str, form: str) -> datetime:
    if form in _EPOCHS:
        if (
            len(text) > LONGEST_NUMBER
            or (number := Decimal(text.replace(",", ""))) >= EPOCH_END[form]
        ):
            raise ValueError(form)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            microseconds=int(number * EPOCH_SCALE[form])
        )
    wall, offset = parted(form)
    if not offset:
        return datetime.strptime(text, form)  # noqa: DTZ007 - local until its zone is applied
    found = re.fullmatch(f"(.*?)({OFFSET})", text)
    if found is None:
        raise ValueError(form)
    return datetime.strptime(found[1], wall).replace(tzinfo=_zone(found[2]))


def _zone(offset: str) -> timezone:
    if offset in {"Z", "z"}:
        return UTC
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:].removeprefix(":") or 0))
    return timezone(-ahead if offset[0] == "-" else ahead)


def instant(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of *at*, local to *zone* where it has no offset of its own.

    The first where there are two.
    """
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    return at.replace(tzinfo=zone, fold=0).astimezone(UTC)


@dataclass(frozen=True)
class Step:
    """From `since` (naive, local or UTC) on, the offset is `ahead` of UTC."""

    since: datetime
    ahead: timedelta


@cache
def steps(zone: ZoneInfo) -> tuple[Step, ...]:
    """Return the offsets of *zone* by local time, as `instant` applies them, rising."""
    return tuple(_walked(lambda at: at.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()))


@cache
def utc_steps(zone: ZoneInfo) -> tuple[Step, ...]:
    """Return the offsets of *zone* by instant (UTC, naive), rising."""
    return tuple(
        _walked(lambda at: at.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta())
    )


def _walked(ahead_at: Callable[[datetime], timedelta]) -> Iterator[Step]:
    at = datetime(FIRST_YEAR, 1, 1)  # noqa: DTZ001 - a local time
    last = datetime(LAST_YEAR + 1, 1, 1)  # noqa: DTZ001 - the same
    ahead = ahead_at(at)
    yield Step(at, ahead)
    while at < last:
        after = at + timedelta(days=7)
        if (then := ahead_at(after)) != ahead:
            after = _change(at, after, ahead_at)
            ahead = then = ahead_at(after)
            yield Step(after, then)
        at = after


def _change(low: datetime, high: datetime, ahead_at: Callable[[datetime], timedelta]) -> datetime:
    """Return the first whole second after *low* at which the offset is no longer that of *low*."""
    before = ahead_at(low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if ahead_at(middle) == before else (low, middle)
    return high
