"""Small CSV files of an invented centre and a mapping for them."""

from __future__ import annotations

import csv
from collections.abc import Mapping as Row
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from services.reports.adapters import history
from services.reports.domain.history_mapping import (
    AcrossFiles,
    Affairs,
    Columns,
    Dimension,
    Label,
    Limits,
    Mapping,
    PartOf,
    Standings,
    Urgent,
    Within,
)
from shared.contracts.pack import AffairClass

HEADER = [
    "no",
    "in",
    "out",
    "there",
    "done",
    "due",
    "dept",
    "unit",
    "what",
    "where",
    "verdict",
    "phone",
    "signed",
    "left",
    "told",
    "state",
    "file no",
]

ROWS = Mapping(
    time_zone="America/New_York",
    time_formats=["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"],
    key=["no"],
    columns=Columns(
        received="in",
        dispatched="out",
        arrived="there",
        closed="done",
        due="due",
        unit="unit",
        department="dept",
        category=PartOf(column="what", regex="^([^:]+):"),
        kind="what",
        area="where",
    ),
    label=Label(column="verdict", overdue=["LATE"], not_overdue=["OK", "FINE"]),
    within=Within(arrived=[300, 480], closed=[3600]),
    missing=["NA"],
    missing_before=date(1950, 1, 1),
    as_of=datetime(2015, 12, 1),  # noqa: DTZ001 - local, as the mapping has it
)
"""A row is a case."""

UNITS = replace(ROWS, key=[], group_by=["no"])
"""A row is a unit of a case."""

JUDGED = replace(
    ROWS,
    columns=replace(
        ROWS.columns,
        acked="signed",
        turned_out="left",
        fed_back="told",
        number="file no",
        unit=None,
    ),
    limits=Limits(acked=60, turned_out=300, arrived=480, fed_back=7200, closed=3600),
    standing=Standings(
        column="state", invalid=["void"], duplicate=["dup"], test=["test"], exercise=["drill"]
    ),
    ignore_case=True,
    within=Within(acked=[30], turned_out=[300], arrived=[300, 480], closed=[3600]),
    affairs=Affairs(by=Dimension.KIND, emergency=["fire", "ems: burn"], public_order=["a:b:c"]),
    urgent=Urgent(by=Dimension.KIND, texts=["fire", "a:b:c"]),
    sub_centres={"South": ["fire", "x\ty"], "North": ["A:b:c"]},
)
"""Everything a mapping can say, a row being a case of its department."""

JUDGED_UNITS = replace(
    JUDGED,
    key=[],
    group_by=["no"],
    columns=replace(JUDGED.columns, unit="unit"),
    affairs=Affairs(emergency=["ems"], rest=AffairClass.LIVELIHOOD),
    sub_centres={},
)
"""The same, a row being a unit of a case; affair classes by the rows, the rest is livelihood."""

MERGED = replace(JUDGED_UNITS, across_files=AcrossFiles.MERGE)
"""The same, units of one case in several files."""


def row(**fields: str) -> dict[str, str]:
    """Return a row of HEADER; `in_` stands for the column `in`."""
    given = {name.rstrip("_"): value for name, value in fields.items()}
    return dict.fromkeys(HEADER, "") | {"no": "1", "in": "2015-11-02 08:00:00"} | given


def written(path: Path, rows: Sequence[Row[str, str]], encoding: str = "utf-8") -> Path:
    """Write *rows* to *path* and return it."""
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, HEADER)
        writer.writeheader()
        writer.writerows(rows)
    return path


def load(file: Path, folder: Path, mapping: Mapping = ROWS) -> history.Imported:
    """Import *file* into *folder* as region `county`."""
    return history.load(file, mapping, "county", folder, lambda _: None)


def stored(folder: Path) -> list[tuple[Any, ...]]:
    """Return every row of every table of the history in *folder*."""
    with history.opened(folder, write=False) as db:
        return [
            found
            for table in ("cases", "files")
            for found in db.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
        ]


def rejects(done: history.Imported) -> list[list[str]]:
    """Return the rows of the rejects file, without its header."""
    if done.rejects_file is None:
        return []
    with Path(done.rejects_file).open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text))[1:]
