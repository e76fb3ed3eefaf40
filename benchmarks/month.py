"""A month and a year of closed cases: T1 to T4 by our code, the same counts by Polars and PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from benchmarks import month_facts, month_peers
from benchmarks.month_engines import COMPARED, Figures, FromRows, Ours
from benchmarks.report import FOLDER, write
from deploy.local.postgres import EmbeddedPostgres
from services.reports.adapters import month_sets
from services.reports.adapters.month_sets import reading
from services.reports.adapters.month_sql import COUNTS, FACTS, Kind, Outcome

MONTHS_IN_A_ROUND = 3
T = TypeVar("T")
ENGINES: dict[str, Callable[..., Ours | month_peers.Peer]] = {
    "ours": Ours,
    "rows": FromRows,
    "polars": month_peers.ByPolars,
    "postgres": month_peers.ByPostgres,
}
TITLES = {
    "ours": "DuckDB, counts of closed months",
    "rows": "DuckDB, from the rows",
    "polars": "Polars, from the rows",
    "postgres": "PostgreSQL, from the rows",
}

_OPEN = f"outcome = '{Outcome.OPEN}'"
_TABLES = {
    Kind.CALLS: "part integer, exercise boolean, standing text, line text, hour integer, response_us bigint",
    Kind.CLOCKS: "part integer, unit_part integer, kind_part integer, unit_day_part integer, "
    "kind_day_part integer, took_us bigint, turn smallint, exercise boolean, kind text, "
    "outcome text, duty text, unit text, incident_area text, incident_affair text, "
    'incident_number text, rule text, due timestamptz, clock_id text collate "C"',
    Kind.CALL_PARTS: "part integer, exercise boolean, standing text, counted_category text, "
    "counted_affair text, counted_area text",
    Kind.CLOCK_PARTS: "part integer, exercise boolean, kind text, who text, day boolean, "
    "outcome text, band integer",
}
_COLUMNS = {
    Kind.CALLS: "part, exercise, standing, line, hour, response_us",
    # what is only read of some rows is only stored in those
    Kind.CLOCKS: "part, unit_part, kind_part, unit_day_part, kind_day_part, took_us, "
    "turn::SMALLINT AS turn, exercise, kind, outcome, duty, "
    f"CASE WHEN duty IS NOT NULL OR {_OPEN} THEN unit END AS unit, "
    "CASE WHEN kind = 'handle' THEN incident_area END AS incident_area, "
    "CASE WHEN kind = 'handle' THEN incident_affair END AS incident_affair, "
    f"CASE WHEN {_OPEN} THEN incident_number END AS incident_number, "
    f"CASE WHEN {_OPEN} THEN rule END AS rule, CASE WHEN {_OPEN} THEN due END AS due, "
    f"CASE WHEN {_OPEN} THEN clock_id::VARCHAR END AS clock_id",
    Kind.CALL_PARTS: "*",
    Kind.CLOCK_PARTS: "part, exercise, kind, who, day, outcome, band",
}
_EPOCH_US = """create or replace function epoch_us(at timestamptz) returns bigint language sql
immutable parallel safe as 'select (extract(epoch from at) * 1000000)::bigint'"""


def timed(action: Callable[[], T]) -> tuple[float, float, T]:
    """Return how long *action* took, seconds, of this process's CPU too, and what it gave."""
    began, cpu = time.perf_counter(), time.process_time()
    found = action()
    return time.perf_counter() - began, time.process_time() - cpu, found


def one_round(engine: str, source: str, times: int, *, year: bool) -> dict[str, Any]:
    """Count in a process of its own: *times* the month (after one not timed), then the year."""
    known = month_facts.pack()
    *_, month = each = month_facts.months(known)
    at = Path(source) if engine != "postgres" else source
    with closing(ENGINES[engine](at, known)) as counting:
        found: dict[str, Any] = {"first_s": timed(lambda: counting.month(month))[0]}
        months = [timed(lambda: counting.month(month)) for _ in range(times)]
        found |= {"month_s": [m[0] for m in months], "month_cpu_s": [m[1] for m in months]}
        found["tables"] = counting.tables()
        found["figures"] = counting.figures([month])
        if year:
            found["year_s"], found["year_cpu_s"], _ = timed(lambda: counting.year(each[1:]))
            found["peak_mb"] = _peak_mb()
            found["tables"] += counting.tables()
            found["figures"] |= counting.figures(each[1:])
    return {"peak_mb": _peak_mb()} | found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(action: Callable[..., T], *args: Any, **named: Any) -> T:
    """Run *action* in a fresh process, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(action, *args, **named).result()


def load(dsn: str, folder: str) -> None:
    """Copy (COPY, binary, from Arrow) what PostgreSQL counts from the files into its tables."""
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - only this process pays for it

    known = month_facts.pack()
    with month_sets.opened() as db, closing(dbapi.connect(dsn)) as connection:
        cursor = connection.cursor()
        cursor.execute(_EPOCH_US)
        for month in month_facts.months(known):
            began = time.perf_counter()
            for kind, columns in _COLUMNS.items():
                table = month_peers.table_of(month, kind)
                cursor.execute(f"create unlogged table {table} ({_TABLES[kind]})")
                files = reading(month_facts.paths(Path(folder), month, kind))
                found = db.execute(f"SELECT {columns} FROM {files}")
                cursor.adbc_ingest(table, found.to_arrow_reader(), mode="append")
                cursor.execute(f"analyze {table}")
            connection.commit()
            print(f"PostgreSQL has {month.label}, {time.perf_counter() - began:.0f} s", flush=True)


async def bench(
    facts: Path, rows: int, engines: list[str], few: int, rounds: int
) -> dict[str, Any]:
    """Count in rounds that take turns; PostgreSQL counts *few* cases, and ours the same beside."""
    whole = [engine for engine in engines if engine != "postgres"]
    folder = month_facts.folder_of(facts, rows)
    found = _rounds(dict.fromkeys(whole, str(folder)), rounds)
    compared = _agree(found)
    table = [_row(engine, rows, took) for engine, took in found.items()]
    loaded = 0.0
    if "postgres" in engines:
        beside, loaded = await _beside_postgres(month_facts.folder_of(facts, few))
        compared += _agree(beside)
        table += [_row(engine, few, took) for engine, took in beside.items()]
    ours = table[0]
    return {
        "cases": rows,
        "units": month_facts.UNITS,
        "kinds": month_facts.KINDS,
        **_amount(folder),
        "months": "each generated on its own",
        "month_s": ours["month_s"],
        "year_s": ours["year_s"],
        "peak_mb": ours["peak_mb"],
        "cells_compared": compared,
        "engines": table,
        "postgres_cases": few,
        "postgres_loaded_s": round(loaded),
        "load_average": os.getloadavg()[0],
        "versions": {name: version(name) for name in ("duckdb", "polars", "pyarrow")},
        "month": f"T1, T2 with its {COMPARED - 1} compared months, T3 and T4 with every percentile; of one population",
        "year": "T1, T3 and T4 of each of twelve months: unit by month",
        "peers": "the counts the tables are made of, without building the tables",
        "cpu": "of the engine's own process, the least of the rounds; PostgreSQL's is in its server",
        "postgres": f"unlogged, a table a month, the counted columns alone, {month_peers.SETTINGS}; memory of its server not counted",
    }


async def _beside_postgres(folder: Path) -> tuple[dict[str, list[dict[str, Any]]], float]:
    """Load PostgreSQL and count once by it and by ours; return how long the loading took, seconds."""
    with tempfile.TemporaryDirectory(prefix="liandong-month-bench-") as scratch:
        postgres = EmbeddedPostgres(Path(scratch) / "postgres", log=Path(scratch) / "postgres.log")
        try:
            await postgres.start()
            loaded, *_ = timed(lambda: apart(load, postgres.dsn, str(folder)))
            return _rounds({"rows": str(folder), "postgres": postgres.dsn}, 1), loaded
        finally:
            postgres.stop()
            postgres.remove()


def _amount(folder: Path) -> dict[str, Any]:
    """Return how many facts and counts the year has, and how large their files are."""
    amounts: dict[str, float] = {}
    with month_sets.opened() as db:
        for name, kinds in (("facts", month_facts.COUNTED), ("counts", COUNTS)):
            every = month_facts.months(month_facts.pack())[1:]
            files = {k: [month_facts.paths(folder, m, k)[0] for m in every] for k in kinds}
            counted = [files[k] for k in kinds if k in FACTS or k in COUNTS]
            amounts[name] = sum(
                db.execute(f"SELECT count(*) FROM {reading(each)}").fetchall()[0][0]
                for each in counted
            )
            size = sum(path.stat().st_size for each in files.values() for path in each)
            amounts[f"{name}_mb"] = round(size / 1e6, 1)
    return amounts


def _rounds(sources: dict[str, str], rounds: int) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {engine: [] for engine in sources}
    for number in range(rounds):
        for engine, source in sources.items():
            print(f"round {number + 1} of {rounds}: {TITLES[engine]}", flush=True)
            times = 1 if engine == "postgres" else MONTHS_IN_A_ROUND
            took = apart(one_round, engine, source, times, year=True)
            found[engine].append(took)
            print(f"  month {min(took['month_s']):.3f} s, year {took['year_s']:.2f} s", flush=True)
    return found


def _agree(found: dict[str, list[dict[str, Any]]]) -> int:
    """Refuse to compare engines that counted different things; return how many rows are equal."""
    (first, *_), *_ = found.values()
    figures: Figures = first["figures"]
    for engine, rounds in found.items():
        for round_ in rounds:
            for label, cells in round_["figures"].items():
                for kind, rows in cells.items():
                    differing = set(rows) ^ set(figures[label][kind])
                    assert rows == figures[label][kind], (
                        engine,
                        label,
                        kind,
                        sorted(differing)[:6],
                    )
    tables = {round_["tables"] for rounds in found.values() for round_ in rounds} - {""}
    assert len(tables) <= 1, "the tables from counts are not those from rows"
    return sum(len(rows) for cells in figures.values() for rows in cells.values())


def _row(engine: str, cases: int, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    months = [s for round_ in rounds for s in round_["month_s"]]
    years = [round_["year_s"] for round_ in rounds]
    return {
        "engine": TITLES[engine],
        "cases": cases,
        "month_s": round(statistics.median(months), 3),
        "month_min_s": round(min(months), 3),
        "month_max_s": round(max(months), 3),
        "first_s": round(statistics.median(r["first_s"] for r in rounds), 3),
        "year_s": round(statistics.median(years), 2),
        "year_min_s": round(min(years), 2),
        "year_max_s": round(max(years), 2),
        "peak_mb": round(max(r["peak_mb"] for r in rounds)),
        "month_cpu_s": round(min(s for r in rounds for s in r["month_cpu_s"]), 3),
        "year_cpu_s": round(min(r["year_cpu_s"] for r in rounds), 2),
    }


def main(
    rows: Annotated[int, typer.Option(help="closed cases in the year")] = 10_000_000,
    engines: Annotated[str, typer.Option(help="comma separated")] = ",".join(ENGINES),
    facts: Annotated[Path, typer.Option(help="where what is generated is kept")] = FOLDER
    / "month-facts",
    few: Annotated[int, typer.Option(help="cases PostgreSQL counts")] = 1_000_000,
    rounds: Annotated[int, typer.Option(help="turns of each engine")] = 3,
    name: Annotated[str, typer.Option(help="of the file in build/bench")] = "month",
) -> None:
    """Count closed months by three engines and write build/bench/month.json."""
    chosen = engines.split(",")
    for wanted in {rows, min(few, rows)} if "postgres" in chosen else {rows}:
        print(f"{wanted:,} cases", flush=True)
        apart(month_facts.generate, month_facts.folder_of(facts, wanted), wanted)
    write(name, asyncio.run(bench(facts, rows, chosen, min(few, rows), rounds)))


if __name__ == "__main__":
    typer.run(main)
