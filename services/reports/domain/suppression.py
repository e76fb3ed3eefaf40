"""Which cells to hide so that none below five can be read, or computed from a sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

LEAST = 5
"""Smaller counts are not published; zero says nothing about anybody and stays."""

Sum = tuple[str, ...]
"""Names of cells that make a sum: the total, then its parts."""


def hidden(values: Mapping[str, int], sums: Iterable[Sum]) -> frozenset[str]:
    """Return the cells to hide so that no cell of 1 to 4 can be read or computed.

    In each sum whose total stays, at least two parts are hidden together and they make at least
    `LEAST`; the next smallest that is not zero goes with them, the total itself when no part is
    left. Repeated until nothing changes, so cells may be shared by several sums.
    """
    gone = {name for name, value in values.items() if 0 < value < LEAST}
    equations = list(sums)
    before = -1
    while before != len(gone):
        before = len(gone)
        for equation in equations:
            gone |= _given_away(equation, values, gone)
    return frozenset(gone)


def _given_away(equation: Sum, values: Mapping[str, int], gone: set[str]) -> set[str]:
    total, parts = equation[0], equation[1:]
    more: set[str] = set()
    spare = sorted((p for p in parts if p not in gone and values[p]), key=lambda p: (values[p], p))
    while _solvable(total, parts, values, gone | more):
        more.add(spare.pop(0) if spare else total)
    return more


def _solvable(total: str, parts: Sequence[str], values: Mapping[str, int], gone: set[str]) -> bool:
    covered = [part for part in parts if part in gone]
    if total in gone:
        # the hidden total is the sum of its parts: one of them must be hidden too
        return not covered and any(values[part] for part in parts)
    return bool(covered) and (len(covered) == 1 or sum(values[p] for p in covered) < LEAST)


R = TypeVar("R", bound=Struct)


def without(row: R, key: str, cells: Iterable[str], gone: Iterable[str]) -> R:
    """Return *row* with None for each of its *cells* whose `key/cell` is in *gone*."""
    hide = frozenset(gone)
    return replace(row, **{cell: None for cell in cells if f"{key}/{cell}" in hide})
