"""Reads a recording: its mapping from `recordings/`, its rows from where the data lies."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import yaml

from services.drill.domain.recorded import Meaning, Reading, RecordedCall, calls_of

FOLDER = Path(__file__).resolve().parents[1] / "recordings"


class RecordingAbsent(Exception):
    """The recording cannot be played here; the message says what is missing."""


def reading(name: str) -> Reading:
    """Return the mapping called *name*; raises RecordingAbsent naming those there are."""
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise RecordingAbsent(f"no recording is called {name}: there are {known}")
    content = yaml.safe_load(path.read_bytes())
    return Reading(
        file=content["file"],
        day=date.fromisoformat(content["day"]),
        time_format=content["time_format"],
        columns=content["columns"],
        default=Meaning(**content["default"]),
        kinds={kind: Meaning(**meaning) for kind, meaning in content["kinds"].items()},
        answers_as=content["answers_as"],
    )


def recorded_calls(mapping: Reading, folder: Path) -> list[RecordedCall]:
    """Return the calls of the mapping's day; raises RecordingAbsent where *folder* has no such file."""
    path = folder / mapping.file
    if not path.is_file():
        raise RecordingAbsent(
            f"{mapping.file} is not in {folder}: recorded data is not part of this repository"
        )
    with path.open(encoding="utf-8", newline="") as rows:
        return calls_of(csv.DictReader(rows), mapping)
