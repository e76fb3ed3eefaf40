"""Tables of two dimensions: promises kept or not by row and column, with both margins and nothing small to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.quantities import OTHER, OTHER_NAME, Rate, rate
from services.reports.domain.suppression import Sum, hidden

TOTAL, TOTAL_NAME = "total", "合计"


class Outcome(StrEnum):
    """What became of a promise; an exempt one (an appeal was granted) is in no rate."""

    ON_TIME = "on_time"
    LATE = "late"
    OPEN = "open"
    EXEMPT = "exempt"


_OWED = (Outcome.ON_TIME, Outcome.LATE, Outcome.OPEN)


class Case(NamedTuple):
    """One promise: in which row and column it counts, and what became of it."""

    row: str
    column: str
    outcome: Outcome


class Kept(Struct, frozen=True, kw_only=True):
    """One cell: `should` = `on_time` + `late` + `open`; `rate` = on time / should. None: suppressed.

    `exempt` ones are in none of them.
    """

    id: str
    should: int | None
    on_time: int | None
    late: int | None
    open: int | None
    rate: Rate | None
    exempt: int | None = 0


class KeptRow(Struct, frozen=True, kw_only=True):
    """One row: its `cells` by column sum to `total`."""

    id: str
    name: str
    cells: list[Kept]
    total: Kept


class KeptTable(Struct, frozen=True, kw_only=True):
    """Rows sum to `total` in every column; columns are in the same order in every row."""

    rows: list[KeptRow]
    total: KeptRow


Names = Mapping[str, str]
MEASURES = ("should", "on_time", "late", "open")


def kept_table(
    cases: Mapping[Case, int], rows: Names, columns: Sequence[str], *, other: bool = False
) -> KeptTable:
    """Arrange counted *cases* under the named *rows* and *columns*, the rest under `other`.

    That row and column stand there when something is in them, with *other* always.
    """
    amount: Counter[Case] = Counter()
    for case, n in cases.items():
        row = case.row if case.row in rows else OTHER
        column = case.column if case.column in columns else OTHER
        amount[Case(row, column, case.outcome)] += n
    names = dict(rows)
    if other or any(case.row == OTHER for case in amount):
        names[OTHER] = names.pop(OTHER, OTHER_NAME)
    across = [column for column in columns if column != OTHER]
    if other or any(case.column == OTHER for case in amount):
        across.append(OTHER)
    return KeptTable(
        rows=[_row(id_, name, across, amount, [id_]) for id_, name in names.items()],
        total=_row(TOTAL, TOTAL_NAME, across, amount, list(names)),
    )


def _row(
    id_: str, name: str, columns: Sequence[str], amount: Counter[Case], rows: Sequence[str]
) -> KeptRow:
    cells = [_cell(column, amount, rows, [column]) for column in columns]
    return KeptRow(id=id_, name=name, cells=cells, total=_cell(TOTAL, amount, rows, columns))


def _cell(id_: str, amount: Counter[Case], rows: Sequence[str], columns: Sequence[str]) -> Kept:
    found = {
        outcome: sum(amount[Case(row, column, outcome)] for row in rows for column in columns)
        for outcome in Outcome
    }
    should = sum(found[outcome] for outcome in _OWED)
    return Kept(
        id=id_,
        should=should,
        on_time=found[Outcome.ON_TIME],
        late=found[Outcome.LATE],
        open=found[Outcome.OPEN],
        rate=rate(found[Outcome.ON_TIME], should),
        exempt=found[Outcome.EXEMPT],
    )


def published_kept(whole: KeptTable) -> KeptTable:
    """Return the table as it may be published: no count of one to four nor one that gives it away."""
    rows = [whole.total, *whole.rows]
    values = {
        f"{row.id}/{cell.id}/{name}": getattr(cell, name) or 0
        for row in rows
        for cell in _cells(row)
        for name in MEASURES
    }
    gone = hidden(values, _sums(rows))
    return KeptTable(
        rows=[_shown(row, gone) for row in whole.rows], total=_shown(whole.total, gone)
    )


def _sums(rows: Sequence[KeptRow]) -> Iterator[Sum]:
    for row in rows:
        for cell in _cells(row):
            yield tuple(f"{row.id}/{cell.id}/{name}" for name in MEASURES)
        for name in MEASURES:
            yield tuple(f"{row.id}/{cell.id}/{name}" for cell in _cells(row))
    for cell in _cells(rows[0]):
        for name in MEASURES:
            yield tuple(f"{row.id}/{cell.id}/{name}" for row in rows)


def _cells(row: KeptRow) -> list[Kept]:
    return [row.total, *row.cells]


def _shown(row: KeptRow, gone: frozenset[str]) -> KeptRow:
    return replace(
        row,
        cells=[_without(cell, f"{row.id}/{cell.id}", gone) for cell in row.cells],
        total=_without(row.total, f"{row.id}/{TOTAL}", gone),
    )


def _without(cell: Kept, path: str, gone: frozenset[str]) -> Kept:
    counts = {name: None if f"{path}/{name}" in gone else getattr(cell, name) for name in MEASURES}
    known = counts["should"] is not None and counts["on_time"] is not None
    return replace(cell, **counts, rate=cell.rate if known else None, exempt=None)


def withheld_kept(whole: KeptTable) -> KeptTable:
    """Return the table without any number: another one would give away what this one shows."""
    rows = [whole.total, *whole.rows]
    gone = frozenset(
        f"{row.id}/{cell.id}/{name}" for row in rows for cell in _cells(row) for name in MEASURES
    )
    return KeptTable(
        rows=[_shown(row, gone) for row in whole.rows], total=_shown(whole.total, gone)
    )


class Count(Struct, frozen=True):
    """One cell of counts; None: suppressed."""

    id: str
    count: int | None


class CountRow(Struct, frozen=True, kw_only=True):
    """One row: its `cells` by column sum to `total`."""

    id: str
    name: str
    cells: list[Count]
    total: int | None


class CountTable(Struct, frozen=True, kw_only=True):
    """Rows sum to `total` in every column."""

    rows: list[CountRow]
    total: CountRow


def count_table(
    places: Mapping[tuple[str, str], int], rows: Names, columns: Sequence[str]
) -> CountTable:
    """Arrange counted (row, column) pairs; what is not named is `other`, which always stands last."""
    amount: Counter[tuple[str, str]] = Counter()
    for (row, column), n in places.items():
        amount[row if row in rows else OTHER, column if column in columns else OTHER] += n
    names = {**{k: v for k, v in rows.items() if k != OTHER}, OTHER: rows.get(OTHER, OTHER_NAME)}
    across = [*(column for column in columns if column != OTHER), OTHER]

    def counted(id_: str, name: str, within: Sequence[str]) -> CountRow:
        cells = [Count(c, sum(amount[row, c] for row in within)) for c in across]
        return CountRow(
            id=id_, name=name, cells=cells, total=sum(cell.count or 0 for cell in cells)
        )

    return CountTable(
        rows=[counted(id_, name, [id_]) for id_, name in names.items()],
        total=counted(TOTAL, TOTAL_NAME, list(names)),
    )


def published_counts(whole: CountTable) -> CountTable:
    """Return the counts as they may be published."""
    rows = [whole.total, *whole.rows]
    values = {
        f"{row.id}/{id_}": count or 0
        for row in rows
        for id_, count in [(TOTAL, row.total), *((c.id, c.count) for c in row.cells)]
    }
    columns = [TOTAL, *(cell.id for cell in whole.total.cells)]
    sums: list[Sum] = [tuple(f"{row.id}/{column}" for column in columns) for row in rows]
    sums += [tuple(f"{row.id}/{column}" for row in rows) for column in columns]
    gone = hidden(values, sums)

    def shown(row: CountRow) -> CountRow:
        return replace(
            row,
            cells=[Count(c.id, None if f"{row.id}/{c.id}" in gone else c.count) for c in row.cells],
            total=None if f"{row.id}/{TOTAL}" in gone else row.total,
        )

    return CountTable(rows=[shown(row) for row in whole.rows], total=shown(whole.total))


def withheld_counts(whole: CountTable) -> CountTable:
    """Return the counts without any number."""

    def blank(row: CountRow) -> CountRow:
        return replace(row, cells=[Count(cell.id, None) for cell in row.cells], total=None)

    return CountTable(rows=[blank(row) for row in whole.rows], total=blank(whole.total))
