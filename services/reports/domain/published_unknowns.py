"""Which hidden cells of a table can be computed from the shown ones, all sums taken together."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from random import Random

Sum = tuple[str, ...]
"""Names of cells that make a sum: the total, then its parts."""

_Row = dict[str, int]
"""Factors of the hidden cells in one sum; what they come to is known and does not matter."""

_SWEEPS = 40
_WIDE = 1 << 64


def solved(values: Mapping[str, int], sums: Iterable[Sum], gone: set[str]) -> set[str]:
    """Return those of *gone* which have one value only in what the *sums* leave.

    Exact elimination over every sum at once finds what follows from them; narrowing what follows
    from each sum and from no hidden cell being less than one (zero is never hidden).
    """
    rows = list(dict.fromkeys(_rows(sums, gone)))
    return _determined([dict(row) for row in rows]) | _narrowed(values, rows)


def _rows(sums: Iterable[Sum], gone: set[str]) -> Iterator[tuple[tuple[str, int], ...]]:
    for total, *parts in sums:
        row = Counter(part for part in parts if part in gone)
        if total in gone:
            row[total] -= 1
        if any(row.values()):
            yield tuple(sorted((name, n) for name, n in row.items() if n))


def _determined(rows: Sequence[_Row]) -> set[str]:
    """Return the cells that are zero in every difference of two solutions.

    One such difference with arbitrary numbers for the free cells is computed, exactly. A cell
    that is determined is zero in it for certain, another one with a chance of about 2^-64, and
    then one cell too many is hidden. The numbers are the same at every run.
    """
    often = Counter(name for row in rows for name in row)
    chosen: list[tuple[str, _Row]] = []
    at: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (len(row), sorted(row))):
        left = _reduced(row, chosen, at)
        if left:
            name = min(left, key=lambda name: (abs(left[name]), often[name], name))
            at[name] = len(chosen)
            chosen.append((name, left))
    return _zeros(often, chosen, at)


def _reduced(row: _Row, chosen: Sequence[tuple[str, _Row]], at: Mapping[str, int]) -> _Row:
    """Return *row* less multiples of the *chosen* rows, so that none of their cells is left."""
    left = dict(row)
    waiting = [at[name] for name in left if name in at]
    heapify(waiting)
    while waiting:
        name, other = chosen[heappop(waiting)]
        if name not in left:
            continue
        mine, theirs = left[name], other[name]
        shared = math.gcd(mine, theirs)
        mine, theirs = mine // shared, theirs // shared
        if theirs != 1:
            left = {each: n * theirs for each, n in left.items()}
        for each, n in other.items():
            if each not in left and each in at:
                heappush(waiting, at[each])
            if found := left.get(each, 0) - mine * n:
                left[each] = found
            else:
                left.pop(each, None)
    common = math.gcd(*left.values()) if left else 1
    return {name: n // common for name, n in left.items()} if common > 1 else left


def _zeros(
    names: Iterable[str], chosen: Sequence[tuple[str, _Row]], at: Mapping[str, int]
) -> set[str]:
    numbers = Random(5)  # noqa: S311 (no secret: the same tables hide the same cells)
    found = {name: numbers.randrange(1, _WIDE) for name in sorted(names) if name not in at}
    scale = 1
    for name, row in reversed(chosen):
        # found holds `scale` times the solution, so that it stays whole
        rest = -sum(n * found[each] for each, n in row.items() if each != name)
        by = abs(row[name]) // math.gcd(rest, row[name])
        if by > 1:
            found = {each: n * by for each, n in found.items()}
            scale, rest = scale * by, rest * by
        found[name] = rest // row[name]
    return {name for name, n in found.items() if not n}


def _narrowed(values: Mapping[str, int], rows: Sequence[tuple[tuple[str, int], ...]]) -> set[str]:
    """Return the cells whose least and greatest possible value meet, one sum after the other."""
    least = {name: 1 for row in rows for name, _ in row}
    most: dict[str, float] = dict.fromkeys(least, math.inf)
    beside: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        for name, _ in row:
            beside[name].append(place)
    known = [sum(n * values[name] for name, n in row) for row in rows]
    waiting = set(range(len(rows)))
    for _ in range(_SWEEPS):
        for place, row in enumerate(rows):
            if place not in waiting:
                continue
            waiting.discard(place)
            before = [(least[name], most[name]) for name, _ in row]
            _narrow(row, known[place], least, most)
            for (name, _), was in zip(row, before, strict=True):
                if was != (least[name], most[name]):
                    waiting.update(beside[name])
        if not waiting:
            break
    return {name for name, n in least.items() if n == most[name]}


def _narrow(
    row: Sequence[tuple[str, int]], known: int, least: dict[str, int], most: dict[str, float]
) -> None:
    """Put tighter limits to the cells of *row*, which come to *known*."""
    low = [n * (least[name] if n > 0 else most[name]) for name, n in row]
    high = [n * (most[name] if n > 0 else least[name]) for name, n in row]
    for (name, n), under, over in zip(row, _others(low), _others(high), strict=True):
        ends = sorted(((known - over) / n, (known - under) / n))
        if math.isfinite(ends[0]):
            least[name] = max(least[name], math.ceil(ends[0]))
        if math.isfinite(ends[1]):
            most[name] = min(most[name], math.floor(ends[1]))


def _others(ends: Sequence[float]) -> Iterator[float]:
    """Yield for each of *ends* what the others come to."""
    finite = sum(end for end in ends if math.isfinite(end))
    endless = [end for end in ends if not math.isfinite(end)]
    for end in ends:
        mine = not math.isfinite(end)
        yield endless[0] if len(endless) > mine else finite - (0 if mine else end)
