"""What a reader of published tables can compute: a second solver, by nullspace and fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Line = dict[int, Fraction]


class Reader:
    """Somebody who has the published numbers and knows which of them make a sum.

    A cell that stands in several tables has one name; shown in one of them it is known.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.real: dict[str, int] = {}
        self.known: set[str] = set()
        self.sums: list[tuple[str, ...]] = []

    def reads(self, name: str, real: int | None, shown: int | None) -> None:
        """Read *shown* where *real* stands in what is not published."""
        number = real or 0
        assert self.real.setdefault(name, number) == number, name
        if shown is not None:
            assert shown == number, name
            self.known.add(name)

    def adds(self, total: str, *parts: str) -> None:
        """Know that *parts* sum to *total*; a part nobody prints has the name of what is left."""
        missing = [name for name in (total, *parts) if name not in self.real]
        assert len(missing) < 2, missing
        for name in missing:
            others = sum(self.real[each] for each in parts if each != name)
            self.real[name] = others if name == total else self.real[total] - others
        self.sums.append((total, *parts))

    def computes(self) -> dict[str, int]:
        """Return the hidden cells that have one value only, with it."""
        hidden = sorted(name for name in self.real if name not in self.known)
        place = {name: n for n, name in enumerate(hidden)}
        lines: list[Line] = []
        for total, *parts in self.sums:
            line: Line = {}
            for name, factor in ((total, Fraction(-1)), *((part, Fraction(1)) for part in parts)):
                if name in place:
                    at = place[name]
                    line[at] = line.get(at, Fraction(0)) + factor
            lines.append({at: factor for at, factor in line.items() if factor})
        free = _free(lines, len(hidden))
        return {name: self.real[name] for name in hidden if place[name] not in free}

    def small(self) -> dict[str, int]:
        """Return the counts of one to four that are read or computed."""
        found = {name: self.real[name] for name in self.known} | self.computes()
        return {name: number for name, number in found.items() if 0 < number < 5}


def _free(lines: Sequence[Line], width: int) -> set[int]:
    """Return the columns in which some vector of the nullspace is not zero."""
    reduced: dict[int, Line] = {}
    for each in lines:
        line = dict(each)
        for at in [at for at in line if at in reduced]:
            _take(line, reduced[at], line[at])
        if not line:
            continue
        pivot = next(iter(line))
        first = line[pivot]
        line = {at: factor / first for at, factor in line.items()}
        for other in reduced.values():
            if pivot in other:
                _take(other, line, other[pivot])
        reduced[pivot] = line
    free = {at for at in range(width) if at not in reduced}
    return free | {at for at, line in reduced.items() if len(line) > 1}


def _take(line: Line, other: Line, times: Fraction) -> None:
    for at, factor in other.items():
        left = line.get(at, Fraction(0)) - times * factor
        if left:
            line[at] = left
        else:
            line.pop(at, None)
