"""Closed history in a DuckDB file of its own: reads a mapped CSV set by set, one transaction."""

from __future__ import annotations

import csv
import glob
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import msgspec
import yaml
from msgspec import Struct

from services.reports.adapters import history_sql as sql
from services.reports.domain.history_mapping import Mapping, Stamp, WrongMapping, checked
from services.reports.domain.history_rows import Reason
from services.reports.domain.history_time import steps

FILE = "history.duckdb"
MEMORY, THREADS = "1GB", 2
_BUFFER = 1 << 20

Told = Callable[[str], None]


class HistoryRefused(Exception):
    """The file, the mapping or the folder cannot be used; the message says what to do."""


class Imported(Struct, frozen=True, kw_only=True):
    """What an import did; rows = those of the cases + the rejected ones."""

    region: str
    rows: int
    cases: int
    new: int
    changed: int
    unchanged: int
    rejected: dict[str, int]
    closed_before_received: int
    rejects_file: str | None


def read_mapping(path: Path) -> Mapping:
    """Read the mapping in *path*; raises HistoryRefused with the field and what to do."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
        return checked(msgspec.convert(found, Mapping))
    except OSError as away:
        raise HistoryRefused(
            f"mapping {path}: {away.strerror}; name a file that can be read"
        ) from away
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise HistoryRefused(f"mapping {path} is not YAML in UTF-8: {wrong}") from wrong
    except (msgspec.ValidationError, WrongMapping) as wrong:
        raise HistoryRefused(
            f"mapping {path}: {wrong}\ncorrect it; docs/import/README.md describes each field"
        ) from wrong


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
        yield connection
    except RuntimeError as stopped:
        # what DuckDB makes of Ctrl-C during a statement
        if str(stopped) == "Query interrupted":
            raise KeyboardInterrupt from stopped
        raise
    finally:
        connection.close()


@dataclass(frozen=True)
class _Source:
    """A CSV in UTF-8 and where the wanted columns stand in it."""

    path: Path
    width: int
    places: dict[str, int]
    delimiter: str


def load(file: Path, mapping: Mapping, region: str, folder: Path, tell: Told) -> Imported:
    """Load *file* into the history in *folder*; all of it or nothing."""
    header = _header(file, mapping)
    with opened(folder, write=True) as db, TemporaryDirectory(dir=folder) as scratch:
        db.execute(f"SET temp_directory = '{sql.quoted(scratch)}'")
        source = _utf8(file, mapping, header, Path(scratch), tell)
        db.execute("BEGIN")
        db.execute(sql.TABLES)
        _same_basis(db, mapping, region)
        tell(f"reading {file.name} ({file.stat().st_size / 1e6:,.1f} MB)")
        db.execute(
            sql.raw(source.width, source.places, source.delimiter),
            {"path": glob.escape(str(source.path))},
        )
        tell(f"judging {_one(db, 'SELECT count(*) FROM raw'):,} rows")
        _judge(db, mapping, region)
        tell(f"storing {_one(db, 'SELECT count(*) FROM fresh'):,} cases")
        new, changed = _store(db, region)
        rejects = _rejects(db, Path(scratch) / "rejects.csv")
        kept = folder / f"rejects-{region}-{_digest(file)[:12]}.csv" if rejects else None
        done = _report(db, region, (new, changed), kept)
        db.execute("COMMIT")
        if kept:
            (Path(scratch) / "rejects.csv").replace(kept)
    return done


def _header(file: Path, mapping: Mapping) -> list[str]:
    """Return the column names of *file*; raises HistoryRefused when a mapped one is missing."""
    try:
        encoding = "utf-8-sig" if _is_utf8(mapping) else mapping.encoding
        with file.open(encoding=encoding, errors="replace", newline="") as text:
            names = next(csv.reader(text, delimiter=mapping.delimiter), [])
    except OSError as away:
        raise HistoryRefused(f"{file}: {away.strerror}; name a file that can be read") from away
    except LookupError as unknown:
        raise HistoryRefused(f"encoding: {unknown}; write utf-8, gb18030, latin-1 …") from unknown
    for wanted in mapping.wanted:
        if names.count(wanted) != 1:
            times = "no column" if wanted not in names else "more than one column"
            raise HistoryRefused(
                f"{file.name} has {times} {wanted!r}, which the mapping names; "
                f"its columns are: {', '.join(names) or 'none'}"
            )
    return names


def _is_utf8(mapping: Mapping) -> bool:
    return mapping.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig", "ascii"}


def _utf8(file: Path, mapping: Mapping, header: list[str], scratch: Path, tell: Told) -> _Source:
    """Return *file*, or, in another encoding, its wanted columns rewritten in UTF-8."""
    places = {name: header.index(name) for name in mapping.wanted}
    if _is_utf8(mapping):
        return _Source(file, len(header), places, mapping.delimiter)
    tell(f"decoding {mapping.encoding}")
    path = scratch / "decoded.csv"
    with (
        file.open(encoding=mapping.encoding, errors="replace", newline="") as text,
        path.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        for record in csv.reader(text, delimiter=mapping.delimiter):
            if not record:
                continue
            # a delimiter too many at the end is no field, as DuckDB has it
            whole = len(record) == len(header) or record[len(header) :] == [""]
            # two fields too many: refused as malformed further on, in its place
            writer.writerow(
                [record[at] for at in places.values()] if whole else ["?"] * (len(places) + 2)
            )
    return _Source(path, len(places), {name: n for n, name in enumerate(places)}, ",")


def _same_basis(db: duckdb.DuckDBPyConnection, mapping: Mapping, region: str) -> None:
    """Keep what the figures need of the mapping; a region has one zone and one month stamp."""
    found = db.execute(
        "SELECT time_zone, counted_by FROM regions WHERE region = ?", [region]
    ).fetchone()
    if found and found != (mapping.time_zone, str(mapping.counted_by)):
        raise HistoryRefused(
            f"region {region} is counted by {found[1]} in {found[0]}, the mapping says "
            f"{mapping.counted_by} in {mapping.time_zone}: use another --region or --local"
        )
    dimensions = [d for d in sql.DIMENSIONS if getattr(mapping.columns, d) is not None]
    stamps = [s for s in Stamp if getattr(mapping.columns, s) is not None]
    as_of = sql.as_of(mapping)
    db.execute(
        "INSERT OR REPLACE INTO regions VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            region,
            mapping.time_zone,
            str(mapping.counted_by),
            msgspec.json.encode(mapping.within).decode(),
            ",".join(stamps),
            ",".join(dimensions),
            as_of,
        ],
    )


def _judge(db: duckdb.DuckDBPyConnection, mapping: Mapping, region: str) -> None:
    offsets = list(steps(mapping.zone))
    db.execute(
        "CREATE OR REPLACE TEMP TABLE steps AS "
        "SELECT unnest($since) AS since, to_seconds(unnest($ahead)) AS ahead",
        {
            "since": [each.since for each in offsets],
            "ahead": [int(each.ahead.total_seconds()) for each in offsets],
        },
    )
    for statement in (sql.read(mapping), sql.judged(mapping), sql.fresh(mapping, region)):
        db.execute(statement)


def _store(db: duckdb.DuckDBPyConnection, region: str) -> tuple[int, int]:
    """Store what is new or different; returns how many of each."""
    db.execute(sql.DIFFERENT, [region])
    different = _one(db, "SELECT count(*) FROM different")
    changed = _one(db, sql.REPLACED)
    if changed:
        db.execute(sql.DELETE_REPLACED)
    if different:
        db.execute(sql.INSERT)
    return different - changed, changed


def _rejects(db: duckdb.DuckDBPyConnection, path: Path) -> bool:
    db.execute(sql.REJECTS)
    if not _one(db, "SELECT count(*) FROM rejects"):
        return False
    db.execute(sql.COPY_REJECTS.format(path=sql.quoted(str(path))))
    return True


def _report(
    db: duckdb.DuckDBPyConnection, region: str, different: tuple[int, int], kept: Path | None
) -> Imported:
    new, changed = different
    cases = _one(db, "SELECT count(*) FROM fresh")
    counted = db.execute("SELECT reason, count(*) FROM rejects GROUP BY ALL").fetchall()
    reasons = dict(counted)
    return Imported(
        region=region,
        rows=_one(db, "SELECT coalesce(sum(units), 0) FROM fresh") + sum(reasons.values()),
        cases=cases,
        new=new,
        changed=changed,
        unchanged=cases - new - changed,
        rejected={str(r): reasons[r] for r in Reason if r in reasons},
        closed_before_received=_one(
            db, f"SELECT count(*) FROM fresh WHERE {Stamp.CLOSED} < {Stamp.RECEIVED}"
        ),
        rejects_file=str(kept) if kept else None,
    )


def _one(db: duckdb.DuckDBPyConnection, query: str) -> int:
    found = db.execute(query).fetchone()
    return int(found[0]) if found else 0


def _digest(file: Path) -> str:
    whole = hashlib.sha256()
    with file.open("rb", buffering=0) as raw:
        while block := raw.read(_BUFFER):
            whole.update(block)
    return whole.hexdigest()
