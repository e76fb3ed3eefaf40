"""Writes a month's judged facts as Parquet files that only depend on the facts, and finds them by hash."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from services.reports.adapters.file_names import digest, path_of
from services.reports.adapters.month_sets import THREADS, Connection, Months, reading
from services.reports.adapters.month_sql import COUNTS, ORDERS, TABLES, Kind
from services.reports.domain import overview, units
from services.reports.domain.freezing import FrozenFile

ROWS_IN_GROUP = 122_880


def write(
    db: Connection, folder: Path, month: str, kinds: Iterable[Kind] = Kind
) -> list[FrozenFile]:
    """Write the facts of *month* from the judged tables in *db*; return what was written.

    Same facts, same bytes: one order, one thread, fixed row groups, no time of writing. A file is
    named after its hash, so a revision that changes no call shares the calls' file.
    """
    place = folder / month
    place.mkdir(parents=True, exist_ok=True)
    db.execute("SET threads = 1")
    try:
        return [_written(db, place, kind) for kind in kinds]
    finally:
        db.execute(f"SET threads = {THREADS}")


def _written(db: Connection, place: Path, kind: Kind) -> FrozenFile:
    partial = place / f".{kind}.partial"
    formulas = f"T1={overview.FORMULA} T3={units.FORMULA}"
    rows = db.execute(
        f"COPY ({_sorted(db, kind)}) TO {_literal(partial)} "
        f"(FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE {ROWS_IN_GROUP}, "
        f"KV_METADATA {{'liandong.judged_by': '{formulas}'}})"
    ).fetchall()[0][0]
    file = FrozenFile(kind=kind, rows=rows, size=partial.stat().st_size, sha256=digest(partial))
    partial.replace(path_of(place.parent, place.name, file))
    return file


def _sorted(db: Connection, kind: Kind) -> str:
    if kind in COUNTS:
        return Months(db).text(f"SELECT * FROM {{{kind}}} ORDER BY ALL")
    return f"SELECT * FROM {TABLES[kind]} ORDER BY {ORDERS[kind]}"


def months_of(db: Connection, folder: Path, month: str, files: list[FrozenFile]) -> Months:
    """Return a closed month, to be counted straight from its files."""
    return Months(db, {Kind(file.kind): reading([path_of(folder, month, file)]) for file in files})


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
