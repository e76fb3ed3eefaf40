"""A month and a year of closed cases counted by DuckDB over Parquet, beside Polars and PostgreSQL."""

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
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from benchmarks import month_facts
from benchmarks.month_engines import ENGINES, Figures, paths
from benchmarks.report import write
from deploy.local.postgres import EmbeddedPostgres
from services.reports.adapters import month_sets
from services.reports.adapters.month_sets import reading
from services.reports.adapters.month_sql import Kind

ROUNDS, MONTHS_IN_A_ROUND = 3, 3
T = TypeVar("T")

_TABLES = """
create unlogged table bench_calls (month text, part integer, exercise boolean, standing text,
  line text, received_hour bigint);
create unlogged table bench_clocks (month text, part integer, unit_part integer,
  kind_part integer, unit_day_part integer, kind_day_part integer, took_us bigint,
  exercise boolean, unit text, duty text, turn smallint);
create unlogged table bench_call_parts (month text, part integer, exercise boolean, standing text,
  counted_category text, counted_affair text, counted_area text);
create unlogged table bench_clock_parts (month text, part integer, exercise boolean, kind text,
  who text, day boolean, outcome text, band integer);
"""
_COLUMNS = {
    Kind.CALLS: "part, exercise, standing, line, "
    "(epoch_us(received_at) + 28800000000) // 3600000000 AS received_hour",
    Kind.CLOCKS: "part, unit_part, kind_part, unit_day_part, kind_day_part, took_us, exercise, "
    "unit, duty, turn::SMALLINT AS turn",
    Kind.CALL_PARTS: "*",
    Kind.CLOCK_PARTS: "part, exercise, kind, who, day, outcome, band",
}


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """Return how long *action* took, seconds, and what it gave."""
    began = time.perf_counter()
    found = action()
    return time.perf_counter() - began, found


def one_round(engine: str, source: str, times: int, *, year: bool) -> dict[str, Any]:
    """Count in a process of its own: *times* the month (after one not timed), then the year."""
    known = month_facts.pack()
    each = month_facts.months(known)
    at = Path(source) if engine != "postgres" else source
    with closing(ENGINES[engine](at, known)) as counting:
        first, figures = timed(lambda: counting.month(each[-1]))
        cpu = time.process_time()
        months = [timed(lambda: counting.month(each[-1]))[0] for _ in range(times)]
        found: dict[str, Any] = {"first_s": first, "month_s": months, "figures": figures}
        found["month_cpu_s"] = (time.process_time() - cpu) / times
        if year:
            cpu = time.process_time()
            found["year_s"], found["year"] = timed(lambda: counting.year(each[1:]))
            found["year_cpu_s"] = time.process_time() - cpu
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def apart(action: Callable[..., T], *args: Any, **named: Any) -> T:
    """Run *action* in a fresh process, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(action, *args, **named).result()


def generate(folder: str, rows: int, *, copies: bool) -> dict[str, Any]:
    """Write the files, or with *copies* one month's under every month; return what they amount to."""
    known = month_facts.pack()
    facts = size = 0
    with month_sets.opened() as db:
        wanted = month_facts.months(known)[-1:] if copies else month_facts.months(known)
        for month, files in month_facts.generated(db, Path(folder), rows, known, wanted):
            if month.label.startswith(str(month_facts.YEAR)):
                facts += sum(file.rows for file in files)
                size += sum(file.size for file in files)
    if not copies:
        return {"facts": facts, "files_mb": round(size / 1e6), "months": "each its own"}
    first, *others = reversed(month_facts.months(known))
    for month in others:
        (Path(folder) / month.label).mkdir(exist_ok=True)
        for path in (Path(folder) / first.label).iterdir():
            os.link(path, Path(folder) / month.label / path.name)
    said = "one generated month under twelve labels"
    return {"facts": 12 * facts, "files_mb": round(12 * size / 1e6), "months": said}


def load(dsn: str, folder: str) -> None:
    """Copy what PostgreSQL counts from the files into its tables."""
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - only this process pays for it

    known = month_facts.pack()
    with month_sets.opened() as db, closing(dbapi.connect(dsn)) as connection:
        cursor = connection.cursor()
        for statement in _TABLES.split(";")[:-1]:
            cursor.execute(statement)
        for month in month_facts.months(known):
            for kind, columns in _COLUMNS.items():
                files = reading(paths(Path(folder), month, kind))
                found = db.execute(f"SELECT '{month.label}' AS month, {columns} FROM {files}")
                cursor.adbc_ingest(f"bench_{kind}", found.to_arrow_reader(), mode="append")
            connection.commit()
            print(f"PostgreSQL has {month.label}", flush=True)
        for kind in _COLUMNS:
            cursor.execute(f"create index on bench_{kind} using brin (month)")
            cursor.execute(f"analyze bench_{kind}")
        connection.commit()


async def bench(folder: Path, rows: int, engines: list[str], *, copies: bool) -> dict[str, Any]:
    """Generate, load, and count in rounds that take turns."""
    print(f"generating {rows:,} cases", flush=True)
    took, made = timed(lambda: apart(generate, str(folder), rows, copies=copies))
    postgres = EmbeddedPostgres(folder / "postgres", log=folder / "postgres.log")
    sources = dict.fromkeys(engines, str(folder))
    try:
        if "postgres" in engines:
            await postgres.start()
            sources["postgres"] = postgres.dsn
            apart(load, postgres.dsn, str(folder))
        found = _rounds(sources)
    finally:
        postgres.stop()
        postgres.remove()
    _agree(found)
    table = [_row(engine, rounds) for engine, rounds in found.items()]
    ours = table[0]
    return {
        "cases": rows,
        "units": month_facts.UNITS,
        "kinds": month_facts.KINDS,
        **made,
        "generated_s": round(took, 1),
        "month_s": ours["month_s"],
        "year_s": ours["year_s"],
        "peak_mb": ours["peak_mb"],
        "engines": table,
        "load_average": os.getloadavg()[0],
        "month": "T1, T2 with its two compared months, T3 with every percentile, one population",
        "year": "T1 and T3 of each of twelve months: unit by month",
        "cpu": "of the engine's own process, the least of the rounds; PostgreSQL's is in its server",
        "postgres": "the judged columns alone, unlogged, BRIN by month, default settings; memory of its server not counted",
    }


def _rounds(sources: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {engine: [] for engine in sources}
    for number in range(ROUNDS):
        for engine, source in sources.items():
            slow = engine == "postgres"
            year = not slow or number == 0
            times = 1 if slow else MONTHS_IN_A_ROUND
            found[engine].append(apart(one_round, engine, source, times, year=year))
            print(f"round {number + 1} of {engine}: {found[engine][-1]['month_s']}", flush=True)
    return found


def _agree(found: dict[str, list[dict[str, Any]]]) -> None:
    """Refuse to compare engines that counted different things."""
    said: list[Figures] = [round_["figures"] for rounds in found.values() for round_ in rounds]
    for key in ("valid", "on_time", "done"):
        assert len({figures[key] for figures in said}) == 1, (key, said)


def _row(engine: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    months = [s for round_ in rounds for s in round_["month_s"]]
    years = [round_["year_s"] for round_ in rounds if "year_s" in round_]
    return {
        "engine": engine,
        "month_s": round(statistics.median(months), 3),
        "month_min_s": round(min(months), 3),
        "month_max_s": round(max(months), 3),
        "first_s": round(statistics.median(r["first_s"] for r in rounds), 3),
        "year_s": round(statistics.median(years), 2),
        "year_min_s": round(min(years), 2),
        "year_max_s": round(max(years), 2),
        "peak_mb": round(max(r["peak_mb"] for r in rounds)),
        "month_cpu_s": round(min(r["month_cpu_s"] for r in rounds), 3),
        "year_cpu_s": round(min(r["year_cpu_s"] for r in rounds if "year_cpu_s" in r), 2),
    }


def main(
    rows: Annotated[int, typer.Option(help="closed cases in the year")] = 10_000_000,
    engines: Annotated[str, typer.Option(help="comma separated")] = "duckdb,polars,postgres",
    copies: Annotated[bool, typer.Option("--copies", help="one month for all")] = False,  # noqa: FBT002 - a switch
    name: Annotated[str, typer.Option(help="of the file in build/bench")] = "month",
) -> None:
    """Count closed months by three engines and write build/bench/month.json."""
    with tempfile.TemporaryDirectory(prefix="liandong-month-bench-") as folder:
        write(name, asyncio.run(bench(Path(folder), rows, engines.split(","), copies=copies)))


if __name__ == "__main__":
    typer.run(main)
