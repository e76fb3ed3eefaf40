"""Every published table of a history: no count of one to four is read or computed from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given

from services.reports.domain.category_months import category_table
from services.reports.domain.facts import Facts, Population
from services.reports.domain.gaps import gap_table, published_gaps
from services.reports.domain.key_figures import figure_table
from services.reports.domain.overdue import overdue_table, published_overdue
from services.reports.domain.overview import overview
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.quality import published_quality, quality_table
from services.reports.domain.tier_affairs import published_tiers, tier_table
from services.reports.domain.units import unit_table
from services.reports.domain.upward_reports import published_ledger, report_ledger
from tests.unit.reports import readers
from tests.unit.reports.cases import NOVEMBER, facts, xianju
from tests.unit.reports.histories import history
from tests.unit.reports.knowable import Reader
from tests.unit.reports.later_cases import FEW, histories

Reading = Callable[[Reader, Any, Any], None]


def _overview(reader: Reader, found: tuple[Any, ...]) -> None:
    whole = overview(*found)
    readers.t1(reader, whole, published_overview(whole))


def _categories(reader: Reader, found: tuple[Any, ...]) -> None:
    whole, shown = category_table(*found), category_table(*found, published=True)
    for name in ("count", "before", "last_year"):
        cells = [f"T2/{name}/{row.id}" for row in (whole.total, *whole.rows)]
        rows = zip((whole.total, *whole.rows), (shown.total, *shown.rows), strict=True)
        for cell, (row, seen) in zip(cells, rows, strict=True):
            reader.reads(cell, getattr(row, name), getattr(seen, name))
        reader.adds(*cells)


def _units(reader: Reader, found: tuple[Any, ...]) -> None:
    whole = unit_table(*found)
    readers.t3(reader, whole, published_units(whole))


def _tiers(reader: Reader, found: tuple[Any, ...]) -> None:
    whole = tier_table(*found)
    shown = published_tiers(whole, overview(*found), unit_table(*found))
    assert whole.handled is not None
    assert shown.handled is not None
    readers.counts(reader, "T4", whole.valid, shown.valid)
    readers.kept(reader, "T4/handled", whole.handled, shown.handled)


def _overdue(reader: Reader, found: tuple[Any, ...]) -> None:
    whole = overdue_table(*found)
    readers.t5(reader, whole, published_overdue(whole, unit_table(*found)))


def _reports(reader: Reader, found: tuple[Any, ...]) -> None:
    whole = report_ledger(*found)
    readers.t6(reader, whole, published_ledger(whole))


def _gaps(reader: Reader, found: tuple[Any, ...]) -> None:
    whole = gap_table(*found)
    readers.t7(reader, whole, published_gaps(whole))


def _quality(reader: Reader, found: tuple[Any, ...]) -> None:
    whole = quality_table(*found)
    readers.t8(reader, whole, published_quality(whole))


def _figures(reader: Reader, found: tuple[Any, ...]) -> None:
    readers.figures(reader, figure_table(*found), figure_table(*found, published=True))


def _bulletin(reader: Reader, found: tuple[Any, ...]) -> None:
    """Read what a bulletin has of one period: T1, T3 and T5 side by side."""
    for table in (_overview, _units, _overdue):
        table(reader, found)


TABLES: Mapping[str, Callable[[Reader, tuple[Any, ...]], None]] = {
    "T1": _overview,
    "T2": _categories,
    "T3": _units,
    "T4": _tiers,
    "T5": _overdue,
    "T6": _reports,
    "T7": _gaps,
    "T8": _quality,
    "K": _figures,
    "T9": _bulletin,
}


def asked(known: Facts) -> tuple[Any, ...]:
    """Return what every table is computed from."""
    return known, NOVEMBER, Population.REAL, xianju()


@pytest.mark.parametrize("table", TABLES)
def test_no_small_count_of_a_month_is_computed(table: str) -> None:
    """FIGURES: in believable months of several sizes."""
    for seed, calls in enumerate((20, 60, 120)):
        reader = Reader()
        TABLES[table](reader, asked(history(NOVEMBER, calls, seed=seed)))

        assert {} == reader.small(), (table, seed)


@given(histories())
@FEW
def test_no_small_count_of_any_history_is_computed(found: list[Any]) -> None:
    """FIGURES: each table by itself, whatever happened."""
    for table, read in TABLES.items():
        reader = Reader()
        read(reader, asked(facts(*found)))

        assert {} == reader.small(), table
