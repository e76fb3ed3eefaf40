"""Recorded history with its ground truth, outside the checkout; absent, the tests skip."""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path

import pytest

from services.reports.adapters import history, history_months
from services.reports.domain.history_figures import Counts, HistoryMonth
from services.reports.domain.history_mapping import Dimension

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


def imported(name: str, mapping: str, folder: Path) -> history.Imported:
    """Import the recorded file *name* by docs/import/*mapping*.yaml into *folder*."""
    read = history.read_mapping(MAPPINGS / f"{mapping}.yaml")
    return history.load(recorded(name), read, "recorded", folder, lambda _: None)


def month(folder: Path, label: str, as_of: datetime | None = None) -> HistoryMonth:
    """Return the month *label* of what was imported into *folder*."""
    with history.opened(folder, write=False) as db:
        return history_months.month(db, label, None, as_of)


def parts(folder: Path, dimension: str, labels: list[str]) -> dict[tuple[str, str], Counts]:
    """Return the counts by month and value of *dimension*; no value is the empty text."""
    with history.opened(folder, write=False) as db:
        return {
            (label, part.value or ""): part.counts
            for label in labels
            for part in history_months.month(db, label, None, None).by[Dimension(dimension)]
        }
