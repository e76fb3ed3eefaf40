"""Closed months by our own code: from the counts that lie beside their rows, or from the rows themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import month_facts
from services.reports.adapters import month_sets
from services.reports.adapters.month_sets import Months, reading
from services.reports.adapters.month_sql import COUNTS, Kind
from services.reports.domain.category_months import category_table_of
from services.reports.domain.facts import Population
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from shared.contracts.pack import Pack

Cells = dict[str, list[str]]
"""What every engine must agree on in each cell: the rows of `month_sql.COUNTS`, as text, sorted."""
Figures = dict[str, Cells]
"""The cells of each month, by its label."""
POPULATION = Population.REAL
COMPARED = 3
"""A month, the one before and the same of last year: T2."""


def compared(known: Pack) -> tuple[Period, Period, Period]:
    """Return the month that is counted and the two it is compared with."""
    every = month_facts.months(known)
    return every[-1], every[-2], every[0]


def cells(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return rows to be compared: whatever class an engine gives its numbers and ids."""
    return sorted("|".join("" if each is None else str(each) for each in row) for row in rows)


class Ours:
    """What reports runs: T1 to T4, counted and assembled into the tables themselves."""

    READS: Iterable[Kind] = COUNTS

    def __init__(self, folder: Path, known: Pack) -> None:
        self._folder = folder
        self._pack = known
        self._opened = month_sets.opened()
        self._db = self._opened.__enter__()
        self._made: list[Any] = []

    def _months(self, month: Period) -> Months:
        files = {kind: month_facts.paths(self._folder, month, kind) for kind in self.READS}
        return Months(self._db, {kind: reading(found) for kind, found in files.items()})

    def month(self, month: Period) -> None:
        """Compute T1, T2, T3 and T4 of one month."""
        months = self._months(month)
        calls = {m.label: self._overview(self._months(m), m) for m in compared(self._pack)[1:]}
        calls[month.label] = self._overview(months, month)
        second = category_table_of(lambda m: calls[m.label], month, POPULATION, self._pack)
        self._made = [calls[month.label], second, *self._limits(months, month)]

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
