"""Closed months by our own code: from the counts that lie beside their rows, or from the rows themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import month_facts
from services.reports.adapters import month_questions, month_sets
from services.reports.adapters.month_sets import Months, reading
from services.reports.adapters.month_sql import COUNTS, Kind
from services.reports.domain.facts import Facts, Population
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.handlers import Question, Table
from shared.contracts.pack import Pack

Cells = dict[str, list[str]]
"""What every engine must agree on in each cell: the rows of `month_sql.COUNTS`, as text, sorted."""
Figures = dict[str, Cells]
"""The cells of each month, by its label."""
POPULATION = Population.REAL
TABLES = (Table.OVERVIEW, Table.CATEGORIES, Table.UNITS, Table.TIERS)
COMPARED = 3
"""A month, the one before and the same of last year: T1 begins with them, T2 shows them."""


def compared(known: Pack) -> tuple[Period, Period, Period]:
    """Return the month that is counted and the two it is compared with."""
    every = month_facts.months(known)
    return every[-1], every[-2], every[0]


def cells(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return rows to be compared: whatever class an engine gives its numbers and ids."""
    return sorted("|".join("" if each is None else str(each) for each in row) for row in rows)


class Ours:
    """T1 to T4, counted and assembled into the tables by the functions reports runs.

    A month by `month_questions.counted`: reports gives it facts it loaded from PostgreSQL, here it
    is given files. A year by what `counted` calls, without comparing months.
    """

    READS: Iterable[Kind] = COUNTS

    def __init__(self, folder: Path, known: Pack) -> None:
        self._folder = folder
        self._pack = known
        self._opened = month_sets.opened()
        self._db = self._opened.__enter__()
        self._made: list[Any] = []

    @contextmanager
    def _given(
        self, read: dict[str, Months], month: Period, _: Collection[Kind]
    ) -> Iterator[tuple[Months, Facts]]:
        """Give a closed month to count: what *read* has already is not read again."""
        yield read.setdefault(month.label, self._months(month)), Facts(read_at=month.end)

    def _months(self, month: Period) -> Months:
        files = {kind: month_facts.paths(self._folder, month, kind) for kind in self.READS}
        return Months(self._db, {kind: reading(found) for kind, found in files.items()})

    def month(self, month: Period) -> None:
        """Answer the questions for T1, T2, T3 and T4 of one month."""
        given = partial(self._given, {})
        asked = (Question(table, month, POPULATION) for table in TABLES)
        self._made = [month_questions.counted(each, self._pack, given) for each in asked]

    def year(self, year: Sequence[Period]) -> None:
        """Compute T1, T3 and T4 of each month: unit by month."""
        self._made = []
        for month in year:
            months = self._months(month)
            self._made.append([self._overview(months, month), *self._limits(months, month)])

    def _overview(self, months: Months, month: Period) -> Overview:
        return month_sets.overview(months, month, POPULATION, self._pack)

    def _limits(self, months: Months, month: Period) -> tuple[Any, Any]:
        told = (months, month, POPULATION, self._pack, month.end)
        return month_sets.unit_table(*told), month_sets.tier_table(*told)

    def figures(self, months: Sequence[Period]) -> Figures:
        """Return what the last tables were made of, and the tables."""
        found: Figures = {}
        for month in months:
            counted = self._months(month)
            found[month.label] = {kind: cells(counted.counted(kind, POPULATION)) for kind in COUNTS}
        return found

    def tables(self) -> str:
        """Return the last tables as JSON, to be compared whole."""
        return msgspec.json.encode(self._made).decode()

    def close(self) -> None:
        """Give the engine's memory back."""
        self._opened.__exit__(None, None, None)


class FromRows(Ours):
    """The same without the counts: every figure from the rows of calls and limits."""

    READS = month_facts.COUNTED
