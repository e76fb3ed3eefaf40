"""Rates and spreads: numerators kept, percentiles by nearest rank, nothing averaged twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct

UNSTABLE_BELOW = 20
"""Fewer cases than this are marked unstable (FIGURES)."""


R = TypeVar("R")


class Rate(Struct, frozen=True):
    """numerator ÷ denominator; `percent` to two decimals, half up, None when there is none (–)."""

    numerator: int
    denominator: int
    percent: float | None


def rate(numerator: int, denominator: int) -> Rate:
    """Return the rate, exact in whole hundredths of a percent."""
    if denominator == 0:
        return Rate(numerator, 0, None)
    hundredths = (numerator * 20_000 + denominator) // (2 * denominator)
    return Rate(numerator, denominator, hundredths / 100)


class Spread(Struct, frozen=True, kw_only=True):
    """How long it took, seconds: of `n` finished cases; None for all when there is none."""

    n: int
    mean_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    p95_s: float | None = None
    max_s: float | None = None
    unstable: bool = True


def spread(durations: Iterable[timedelta]) -> Spread:
    """Return the spread of *durations*, percentiles by nearest rank from the rows themselves."""
    rows = sorted(each // _MICROSECOND for each in durations)
    if not rows:
        return Spread(n=0)
    ranks = (nearest_rank(rows, percent) for percent in PERCENTS)
    return spread_of(len(rows), sum(rows), rows[-1], *ranks)


PERCENTS = (50, 90, 95)
_MICROSECOND = timedelta(microseconds=1)


def spread_of(n: int, total: int, most: int, *ranks: int) -> Spread:
    """Return the spread of *n* > 0 durations from their sum, the longest and their PERCENTS.

    All in whole microseconds, in which a large month is counted too.
    """
    p50, p90, p95 = ranks
    return Spread(
        n=n,
        mean_s=_seconds(_divided(total, n)),
        p50_s=_seconds(p50),
        p90_s=_seconds(p90),
        p95_s=_seconds(p95),
        max_s=_seconds(most),
        unstable=n < UNSTABLE_BELOW,
    )


def _divided(whole: int, by: int) -> int:
    """Return whole ÷ by, the nearest whole number and of two the even one, as timedelta divides."""
    quotient, rest = divmod(whole, by)
    return quotient + (2 * rest > by or (2 * rest == by and quotient % 2 == 1))


def nearest_rank(ordered: Sequence[R], percent: int) -> R:
    """Return the ⌈percent ÷ 100 × n⌉-th of *ordered* (not empty, 0 < percent ≤ 100)."""
    return ordered[-(-percent * len(ordered) // 100) - 1]


def seconds(length: timedelta) -> float:
    """Return *length* in seconds, whole milliseconds."""
    return _seconds(length // _MICROSECOND)


def _seconds(microseconds: int) -> float:
    return round(microseconds / 1000) / 1000


class Part(Struct, frozen=True):
    """One row of a breakdown; `count` None when suppressed in what is published."""

    id: str
    name: str
    count: int | None
    percent: float | None


class Breakdown(Struct, frozen=True):
    """Parts that sum to the total."""

    rows: list[Part]
    total: int | None


class PartsExceedTotal(ValueError):
    """Named parts are more than the whole: a case was counted twice."""


def breakdown(
    total: int, counts: Mapping[str, int], names: Mapping[str, str], *, complete: bool = False
) -> Breakdown:
    """Return the rows of *names* in order; `other` is what remains of *total* (A05-07).

    Counts of ids without a name go to `other`, which stands last, and always unless the names
    are *complete* (hours, days). Raises PartsExceedTotal when the named are more than the whole.
    """
    named = {id_: counts.get(id_, 0) for id_ in names if id_ != OTHER}
    rest = total - sum(named.values())
    if rest < 0:
        raise PartsExceedTotal(f"the parts sum to {total - rest}, the whole is {total}")
    rows = [Part(i, names[i], n, rate(n, total).percent) for i, n in named.items()]
    if complete and not rest:
        return Breakdown(rows, total)
    other = Part(OTHER, names.get(OTHER, OTHER_NAME), rest, rate(rest, total).percent)
    return Breakdown([*rows, other], total)


OTHER, OTHER_NAME = "other", "其他 / 未分类"
