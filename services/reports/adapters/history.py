"""Closed history in a DuckDB file of its own: reads a mapped CSV set by set, one transaction."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import msgspec
from msgspec import Struct

from services.reports.adapters import history_sql as sql
from services.reports.adapters.history_mapping_file import read_mapping
from services.reports.adapters.history_source import (
    HistoryRefused,
    Told,
    digest,
    in_utf8,
    source_of,
)
from services.reports.domain.history_mapping import Mapping, Stamp, columns_of
from services.reports.domain.history_notes import too_early
from services.reports.domain.history_rows import Reason
from services.reports.domain.history_terms import Terms, terms_of
from services.reports.domain.history_time import Step, steps, utc_steps

__all__ = [
    "FILE",
    "HistoryRefused",
    "Imported",
    "Refused",
    "files_of",
    "load",
    "opened",
    "read_mapping",
]

FILE = "history.duckdb"
MEMORY, THREADS = "1GB", 2
SHOWN = 10
"""So many refused rows are printed; all of them stand in the rejects file."""


class Refused(Struct, frozen=True, kw_only=True):
    """A refused row as it is shown: never the value, only what it looks like."""

    row: int | None
    line: int | None
    reason: str
    field: str | None
    column: str | None
    shape: str | None


class Read(Struct, frozen=True, kw_only=True):
    """One stamp or dimension: the column it is read from and in how many cases it is known."""

    column: str
    known: int


class Imported(Struct, frozen=True, kw_only=True):
    """What an import did, or would do (`dry_run`); rows = those of the cases + the rejected ones.

    `absent`: optional columns this file lacks. `warnings`: what makes its figures doubtful.
    """

    region: str
    dry_run: bool
    rows: int
    cases: int
    new: int
    changed: int
    unchanged: int
    months: list[str]
    read: dict[str, Read]
    absent: list[str]
    warnings: list[str]
    rejected: dict[str, int]
    first_rejected: list[Refused]
    closed_before_received: int
    rejects_file: str | None
    kept_in: str | None


@contextmanager
def opened(folder: Path, *, write: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the history kept in *folder*; raises HistoryRefused where there is none to read."""
    path = folder / FILE
    if not write and not path.exists():
        raise HistoryRefused(
            f"no history in {folder}: load one with `import FILE --local {folder}`"
        )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(path), read_only=not write)
    except duckdb.IOException as taken:
        raise HistoryRefused(f"{path} does not open (another import running?): {taken}") from taken
    try:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET threads = {THREADS}")
        connection.execute("SET enable_progress_bar = false")
        _same_version(connection, folder)
        yield connection
    except RuntimeError as stopped:
        # what DuckDB makes of Ctrl-C during a statement
        if str(stopped) == "Query interrupted":
            raise KeyboardInterrupt from stopped
        raise
    finally:
        connection.close()


def _same_version(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    tables = {name for (name,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if "cases" not in tables:
        return
    old = "files" not in tables
    if old or _one(db, f"SELECT count(*) FROM files WHERE version <> {sql.VERSION}"):
        raise HistoryRefused(
            f"the history in {folder} was made by another version: import its files into a new folder"
        )


def load(
    file: Path,
    mapping: Mapping,
    region: str,
    folder: Path,
    tell: Told,
    *,
    dry_run: bool = False,
) -> Imported:
    """Load *file* into the history in *folder*; all of it or nothing, and nothing in a dry run."""
    kept, source = source_of(file, mapping)
    name = digest(file)
    with _scratch(folder, dry_run=dry_run) as (place, scratch), opened(place, write=True) as db:
        db.execute(f"SET temp_directory = '{sql.quoted(str(scratch))}'")
        source = in_utf8(source, kept, scratch, tell)
        tell(f"reading {file.name} ({file.stat().st_size / 1e6:,.1f} MB)")
        db.execute("BEGIN")
        db.execute(sql.TABLES)
        number = _recorded(db, region, name, terms_of(kept))
        db.execute(sql.raw(source), {"path": glob.escape(str(source.path))})
        tell(f"judging {_one(db, 'SELECT count(*) FROM raw'):,} rows")
        _judge(db, kept, region)
        tell(
            f"{'comparing' if dry_run else 'storing'} {_one(db, 'SELECT count(*) FROM fresh'):,} cases"
        )
        different = _store(db, region, number)
        refused = _rejects(db, kept, scratch / "rejects.csv")
        rejects = folder / f"rejects-{region}-{name[:12]}.csv" if refused and not dry_run else None
        absent = [each for each in mapping.wanted if each not in kept.wanted]
        done = _report(db, region, different, (kept, absent), (folder, rejects), dry_run=dry_run)
        if dry_run:
            db.execute("ROLLBACK")
            return done
        db.execute("COMMIT")
        if rejects:
            (scratch / "rejects.csv").replace(rejects)
        else:
            (folder / f"rejects-{region}-{name[:12]}.csv").unlink(missing_ok=True)
    return done


def with_columns_of(file: Path, mapping: Mapping) -> Mapping:
    """Return *mapping* as far as *file* has its columns; raises HistoryRefused for one it lacks."""
    return source_of(file, mapping)[0]


@contextmanager
def _scratch(folder: Path, *, dry_run: bool) -> Iterator[tuple[Path, Path]]:
    """Give the folder of the database and one for what is only needed now.

    A dry run where there is no history yet leaves none behind.
    """
    if dry_run and not (folder / FILE).exists():
        with TemporaryDirectory() as place:
            yield Path(place), Path(place)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        yield folder, Path(place)


def files_of(db: duckdb.DuckDBPyConnection, region: str) -> dict[int, Terms]:
    """Return the files of *region* in the order imported, with their terms."""
    found = db.execute(
        "SELECT file, terms FROM files WHERE region = ? ORDER BY file", [region]
    ).fetchall()
    return {file: msgspec.json.decode(terms, type=Terms) for file, terms in found}


def _recorded(db: duckdb.DuckDBPyConnection, region: str, name: str, terms: Terms) -> int:
    """Keep what the figures need of the mapping; the same file again keeps its number."""
    known = files_of(db, region)
    first = next(iter(known.values()), terms)
    if (first.across_files, first.row_key) != (terms.across_files, terms.row_key):
        raise HistoryRefused(
            f"region {region} is read with across_files: {first.across_files} and row_key "
            f"{first.row_key}, the mapping says {terms.across_files} and {terms.row_key}: "
            "use another --region or --local"
        )
    again = db.execute(
        "SELECT file FROM files WHERE region = ? AND digest = ?", [region, name]
    ).fetchone()
    number = int(again[0]) if again else _one(db, "SELECT coalesce(max(file), 0) + 1 FROM files")
    db.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
        [number, region, name, sql.VERSION, msgspec.json.encode(terms).decode()],
    )
    return number


def offsets(db: duckdb.DuckDBPyConnection, table: str, found: Iterable[Step]) -> None:
    """Keep the offsets of a zone as a temporary table: from `since` on, `ahead` of UTC."""
    known = list(found)
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS "
        "SELECT unnest($since) AS since, to_seconds(unnest($ahead)) AS ahead",
        {
            "since": [each.since for each in known],
            "ahead": [int(each.ahead.total_seconds()) for each in known],
        },
    )


def _judge(db: duckdb.DuckDBPyConnection, mapping: Mapping, region: str) -> None:
    offsets(db, "steps", steps(mapping.zone))
    offsets(db, "utc_steps", utc_steps(mapping.zone))
    for statement in (sql.read(mapping), sql.judged(mapping), sql.fresh(mapping, region)):
        db.execute(statement)


def _store(db: duckdb.DuckDBPyConnection, region: str, number: int) -> tuple[int, int]:
    """Store what is new or different; returns how many of each."""
    db.execute(sql.DIFFERENT, [region])
    different = _one(db, "SELECT count(*) FROM different")
    changed = _one(db, sql.REPLACED)
    if changed:
        db.execute(sql.DELETE_REPLACED)
    if different:
        db.execute(sql.INSERT, [number])
    return different - changed, changed


def _rejects(db: duckdb.DuckDBPyConnection, mapping: Mapping, path: Path) -> bool:
    db.execute(sql.rejects(mapping))
    if not _one(db, "SELECT count(*) FROM rejects"):
        return False
    db.execute(sql.COPY_REJECTS.format(path=sql.quoted(str(path))))
    return True


def _report(
    db: duckdb.DuckDBPyConnection,
    region: str,
    different: tuple[int, int],
    read: tuple[Mapping, list[str]],
    kept: tuple[Path, Path | None],
    *,
    dry_run: bool,
) -> Imported:
    (new, changed), (mapping, absent), (folder, rejects) = different, read, kept
    cases = _one(db, "SELECT count(*) FROM fresh")
    counted = db.execute("SELECT reason, count(*) FROM rejects GROUP BY ALL").fetchall()
    reasons = dict(counted)
    lines = _one(db, "SELECT count(*) FROM rejects WHERE line IS NOT NULL")
    shown = db.execute(f"{sql.REFUSED} LIMIT {SHOWN}").fetchall()
    months = db.execute(
        "SELECT DISTINCT strftime(counted_at + ahead, '%Y-%m') AS month FROM fresh "
        "ASOF JOIN utc_steps ON counted_at >= since ORDER BY month"
    ).fetchall()
    return Imported(
        region=region,
        dry_run=dry_run,
        rows=_one(db, "SELECT count(*) FROM raw") + lines,
        cases=cases,
        new=new,
        changed=changed,
        unchanged=cases - new - changed,
        months=[month for (month,) in months],
        read=_read(db, mapping),
        absent=absent,
        warnings=_warnings(db, mapping),
        rejected={str(r): reasons[r] for r in Reason if r in reasons},
        first_rejected=[
            Refused(**dict(zip(Refused.__struct_fields__, each, strict=True))) for each in shown
        ],
        closed_before_received=_one(
            db, f"SELECT count(*) FROM fresh WHERE {Stamp.CLOSED} < {Stamp.RECEIVED}"
        ),
        rejects_file=str(rejects) if rejects else None,
        kept_in=None if dry_run else str(folder),
    )


def _warnings(db: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    """Return what a person has to know at once: an as-of kept from another file judges nothing."""
    seen = ", ".join(s for s in Stamp if s is not Stamp.DUE)
    found = db.execute(f"SELECT max(greatest({seen})) FROM fresh").fetchone()
    at = terms_of(mapping).as_of
    if at is None or not found or found[0] is None or at >= found[0].replace(tzinfo=UTC):
        return []
    return [too_early(at, found[0].replace(tzinfo=UTC), mapping.zone).en]


def _read(db: duckdb.DuckDBPyConnection, mapping: Mapping) -> dict[str, Read]:
    """Return what each mapped column gave."""
    names = [*Stamp, *sql.DIMENSIONS, "number"]
    columns = {n: column for n in names if (column := columns_of(getattr(mapping.columns, n)))}
    if not columns:
        return {}
    known = db.execute(f"SELECT {', '.join(f'count({n})' for n in columns)} FROM fresh").fetchall()
    return {
        str(name): Read(column=column, known=count)
        for (name, column), count in zip(columns.items(), known[0], strict=True)
    }


def _one(db: duckdb.DuckDBPyConnection, query: str) -> int:
    found = db.execute(query).fetchone()
    return int(found[0]) if found else 0
