"""Recorded history with its ground truth, outside the checkout; absent, the tests skip."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from services.reports.adapters import history, history_months
from services.reports.adapters.history_cases import cases_of
from services.reports.adapters.history_scope import scope_of
from services.reports.adapters.history_tables import HistoryTables
from services.reports.domain import period as periods
from services.reports.domain.history_figures import Counts, HistoryMonth
from services.reports.domain.history_mapping import Dimension, checked
from services.reports.domain.history_rows import Case
from services.reports.domain.history_tables import Asked
from services.reports.domain.key_figures import FigureTable
from services.reports.domain.period import Period
from services.reports.domain.report import Report
from services.reports.domain.units import UnitTable

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("LIANDONG_DATA") or ROOT.parent / "shared" / "data")
MAPPINGS = ROOT / "docs" / "import"


def recorded(name: str) -> Path:
    """Return the recorded file *name*, or skip and say where it was looked for."""
    path = FOLDER / "data" / name
    if not path.exists():
        pytest.skip(f"no recorded data: {name} is not in {FOLDER / 'data'} (set LIANDONG_DATA)")
    return path


def truth(name: str) -> list[dict[str, str]]:
    """Return the rows of the truth file *name*, or skip."""
    path = FOLDER / "truth" / name
    if not path.exists():
        pytest.skip(f"no truth: {name} is not in {FOLDER / 'truth'} (set LIANDONG_DATA)")
    with path.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def imported(name: str, mapping: str, folder: Path, **changes: Any) -> history.Imported:
    """Import the recorded file *name* by docs/import/*mapping*.yaml, changed so, into *folder*."""
    read = checked(replace(history.read_mapping(MAPPINGS / f"{mapping}.yaml"), **changes))
    return history.load(recorded(name), read, "recorded", folder, lambda _: None)


def month(folder: Path, label: str, as_of: datetime | None = None) -> HistoryMonth:
    """Return the month *label* of what was imported into *folder*."""
    with history.opened(folder, write=False) as db:
        scope = scope_of(db, None, as_of)
        return history_months.computed(scope, period_of(label, scope.zone))


def period_of(label: str, zone: ZoneInfo) -> Period:
    """Return the month, quarter or year *label*."""
    return periods.longer(label, zone) if len(label) == len("2018") else periods.month(label, zone)


def parts(folder: Path, dimension: str, labels: Iterable[str]) -> dict[tuple[str, str], Counts]:
    """Return the counts by month and value of *dimension*; no value is the empty text."""
    with history.opened(folder, write=False) as db:
        scope = scope_of(db, None, None)
        months = {label: period_of(label, scope.zone) for label in labels}
        return {
            (label, part.value or ""): part.counts
            for label, period in months.items()
            for part in history_months.computed(scope, period).by[Dimension(dimension)]
        }


def table(folder: Path, label: str, asked: Asked) -> Report:
    """Return a table of a month of what was imported into *folder*."""
    with history.opened(folder, write=False) as db:
        scope = scope_of(db, None, None)
        return HistoryTables(scope, period_of(label, scope.zone)).table(asked)


def figures(folder: Path, label: str) -> dict[str, tuple[int, int] | None]:
    """Return numerator and denominator of every figure of the list."""
    found = table(folder, label, Asked.FIGURES)
    assert isinstance(found, FigureTable)
    return {
        each.id: (each.value.numerator, each.value.denominator) if each.value else None
        for each in found.figures
    }


def units(folder: Path, label: str) -> UnitTable:
    """Return T3 of a month of what was imported into *folder*."""
    found = table(folder, label, Asked.UNITS)
    assert isinstance(found, UnitTable)
    return found


def every_case(folder: Path) -> list[Case]:
    """Return the cases that were imported into *folder*."""
    with history.opened(folder, write=False) as db:
        return cases_of(scope_of(db, None, None), "true")


def editions(data: str, truths: str) -> list[str]:
    """Return which months are there with their truth, by what their file names end with.

    `*` in both names stands for it: other months, laid beside, are tried without a change here.
    """
    first, last = data.split("*")
    names = sorted(path.name for path in (FOLDER / "data").glob(data))
    ends = [name[len(first) : len(name) - len(last)] for name in names]
    return [end for end in ends if (FOLDER / "truth" / truths.replace("*", end)).exists()]
