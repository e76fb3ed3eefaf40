"""Which cells to hide so that none below five can be read, or computed from the sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.published_unknowns import Sum, solved

LEAST = 5
"""Smaller counts are not published; zero says nothing about anybody and stays."""

__all__ = ["LEAST", "Sum", "hidden", "without"]


def hidden(values: Mapping[str, int], sums: Iterable[Sum]) -> frozenset[str]:
    """Return the cells to hide so that no cell of 1 to 4 can be read or computed.

    In each sum whose total stays, at least two parts are hidden together and they make at least
    `LEAST`; the next smallest that is not zero goes with them, the total itself when no part is
    left. Repeated until nothing changes, so cells may be shared by several sums. Then all *sums*
    are taken together, and beside every hidden cell that has one value only another one goes.

    Protected: no hidden cell follows exactly from the shown ones, not by any combination of
    sums, nor by one sum after the other knowing that what is hidden is at least one. Not
    protected: that a hidden cell is small (its place may say so), a range of several values, and
    what needs both a combination of sums and that nothing is negative.
    """
    gone = {name for name, value in values.items() if 0 < value < LEAST}
    equations = [tuple(each) for each in sums]
    beside = _beside(equations)
    new = set(gone)
    while True:
        _each_alone((equations, beside), values, gone, new)
        known = solved(values, equations, gone)
        more: set[str] = set()
        for name in sorted(known, key=lambda name: (values[name], name)):
            nearest = _nearest(name, values, gone, (equations, beside))
            if not nearest & more:
                more |= set(sorted(nearest, key=lambda name: (values[name], name))[:1])
        if not more:
            return frozenset(gone)
        gone |= more
        new = more


System = tuple[Sequence[Sum], Mapping[str, list[int]]]
"""Sums, and of each cell the places of those it is in."""


def _each_alone(system: System, values: Mapping[str, int], gone: set[str], new: set[str]) -> None:
    """Hide what one sum after the other gives away; only those with a cell of *new* can have changed."""
    equations, beside = system
    waiting = {n for name in new for n in beside.get(name, ())}
    while waiting:
        for n in range(len(equations)):
            if n not in waiting:
                continue
            more = _given_away(equations[n], values, gone)
            gone |= more
            waiting |= {other for name in more for other in beside[name]}
            waiting.discard(n)


def _given_away(equation: Sum, values: Mapping[str, int], gone: set[str]) -> set[str]:
    total, parts = equation[0], equation[1:]
    more: set[str] = set()
    if not _solvable(total, parts, values, gone):
        return more
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


def _beside(equations: Sequence[Sum]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for n, equation in enumerate(equations):
        for name in equation:
            found[name].append(n)
    return found


def _nearest(
    name: str,
    values: Mapping[str, int],
    gone: set[str],
    system: System,
) -> set[str]:
    """Return the shown cells in the sums of *name*; where there are none, in those of its neighbours.

    Empty only when nothing that hangs together with *name* is shown but zeros: nothing follows
    from zeros.
    """
    equations, beside = system
    seen, edge = {name}, {name}
    while edge:
        around = {each for cell in edge for n in beside[cell] for each in equations[n]} - seen
        if shown := {each for each in around if each not in gone and values[each]}:
            return shown
        seen |= around
        edge = around & gone
    return set()


R = TypeVar("R", bound=Struct)


def without(row: R, key: str, cells: Iterable[str], gone: Iterable[str]) -> R:
    """Return *row* with None for each of its *cells* whose `key/cell` is in *gone*."""
    hide = frozenset(gone)
    return replace(row, **{cell: None for cell in cells if f"{key}/{cell}" in hide})
