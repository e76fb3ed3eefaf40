"""The same figures of closed months by three engines: ours on DuckDB, Polars, plain PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import month_facts
from services.reports.adapters import month_sets
from services.reports.adapters import month_sql as sql
from services.reports.adapters.month_sets import Months, reading
from services.reports.adapters.month_sql import Kind
from services.reports.domain.facts import Population
from services.reports.domain.period import Period
from shared.contracts.pack import Pack

Figures = dict[str, Any]
"""What every engine must agree on: how many valid, on time and finished, and P90s, of a month."""
POPULATION = Population.REAL


def paths(folder: Path, month: Period, kind: Kind) -> list[Path]:
    """Return the files of one kind of a month."""
    return sorted((folder / month.label).glob(f"{kind}-*.parquet"))


class Ours:
    """What reports runs: T1, T2, T3 from Parquet, assembled into the tables themselves."""

    def __init__(self, folder: Path, known: Pack) -> None:
        self._folder = folder
        self._pack = known
        self._opened = month_sets.opened()
        self._db = self._opened.__enter__()

    def _months(self, month: Period) -> Months:
        return Months(self._db, {kind: reading(paths(self._folder, month, kind)) for kind in Kind})

    def month(self, month: Period) -> Figures:
        """Compute T1, T2 and T3 of one month."""
        known = {m.label: self._months(m) for m in month_facts.months(self._pack)}
        month_sets.category_table(known, month, POPULATION, self._pack)
        return self._one(month)

    def year(self, year: Sequence[Period]) -> list[Figures]:
        """Compute T1 and T3 of each month: unit by month."""
        return [self._one(month) for month in year]

    def _one(self, month: Period) -> Figures:
        months = self._months(month)
        first = month_sets.overview(months, month, POPULATION, self._pack)
        units = month_sets.unit_table(months, month, POPULATION, self._pack, month.end)
        total = units.total
        return {
            "valid": first.valid,
            "on_time": total.handle.on_time,
            "done": total.arrival.all.done,
            "p90_s": [
                spread.p90_s for spread in (total.sign_for.spread, total.handle.spread) if spread
            ],
        }

    def close(self) -> None:
        """Give the engine's memory back."""
        self._opened.__exit__(None, None, None)


class ByPolars:
    """The same counting in Polars, from the same files, lazily and streaming."""

    def __init__(self, folder: Path, known: Pack) -> None:
        import polars as pl  # noqa: PLC0415 - only this engine's process pays for it

        self._pl = pl
        self._folder = folder
        self._pack = known

    def month(self, month: Period) -> Figures:
        """Count one month, its month before and the same of last year."""
        known = {m.label: m for m in month_facts.months(self._pack)}
        before = [f"{month_facts.YEAR}-11", f"{month_facts.YEAR - 1}-12"]
        for label in before:
            self._calls(known[label])
        return self._one(month)

    def year(self, year: Sequence[Period]) -> list[Figures]:
        """Count each month."""
        return [self._one(month) for month in year]

    def _read(self, month: Period, kind: Kind) -> Any:
        return self._pl.scan_parquet(paths(self._folder, month, kind))

    def _calls(self, month: Period) -> int:
        pl = self._pl
        calls, parts = self._read(month, Kind.CALLS), self._read(month, Kind.CALL_PARTS)
        counted = calls.filter(pl.col("part").is_not_null())
        valid = counted.filter(~pl.col("exercise") & (pl.col("standing") == "valid"))
        hour = pl.col("received_at").dt.convert_time_zone(month.zone.key).dt.truncate("1h")
        found = pl.collect_all(
            [
                counted.group_by("part").len().join(parts, on="part"),
                valid.group_by("line").len(),
                valid.group_by(hour.alias("hour")).len(),
            ],
            engine="streaming",
        )
        return int(found[1]["len"].sum())

    def _one(self, month: Period) -> Figures:
        pl = self._pl
        clocks, parts = self._read(month, Kind.CLOCKS), self._read(month, Kind.CLOCK_PARTS)
        # "higher" of (n - 1) q is the nearest rank but where that falls on a row of its own
        ranks = [pl.col("took_us").quantile(q, "higher").alias(f"p{q}") for q in (0.5, 0.9, 0.95)]
        ranked = [
            clocks.filter(pl.col(each).is_not_null())
            .group_by(pl.col(each).alias("part"))
            .agg(ranks)
            .join(parts, on="part")
            for each in sql.RANKED
        ]
        took = pl.col("took_us")
        found = pl.collect_all(
            [
                clocks.filter(pl.col("part").is_not_null())
                .group_by("part")
                .agg(pl.len(), took.sum().alias("took"), took.max().alias("most"))
                .join(parts, on="part"),
                clocks.filter(pl.col("duty").is_not_null() & (pl.col("turn") > 0))
                .group_by("unit", "duty", "turn")
                .len(),
                *ranked,
            ],
            engine="streaming",
        )
        ended = found[0].filter(~pl.col("exercise"))
        total = {row["kind"]: row for row in found[3].to_dicts() if not row["exercise"]}
        on_time = ended.filter((pl.col("kind") == "handle") & (pl.col("outcome") == "on_time"))
        reached = ended.filter(
            (pl.col("kind") == "arrival") & pl.col("outcome").is_in(["on_time", "late"])
        )
        return {
            "valid": self._calls(month),
            "on_time": int(on_time["len"].sum()),
            "done": int(reached["len"].sum()),
            "p90_s": [total[kind]["p0.9"] / 1e6 for kind in ("ack", "handle")],
        }

    def close(self) -> None:
        """Nothing is held."""


class ByPostgres:
    """The same statements in plain PostgreSQL, over tables of the judged columns alone."""

    def __init__(self, dsn: str, known: Pack) -> None:
        import psycopg  # noqa: PLC0415 - only this engine's process pays for it

        self._connection = psycopg.connect(dsn, autocommit=True)
        self._pack = known

    def month(self, month: Period) -> Figures:
        """Count one month, its month before and the same of last year."""
        for label in (f"{month_facts.YEAR}-11", f"{month_facts.YEAR - 1}-12"):
            self._calls(label)
        return self._one(month)

    def year(self, year: Sequence[Period]) -> list[Figures]:
        """Count each month."""
        return [self._one(month) for month in year]

    def _rows(self, statement: str, month: str) -> list[Any]:
        text = (
            statement.replace("} WHERE ", f"}} WHERE month = '{month}' AND ")
            .replace(
                "JOIN {call_parts} p",
                f"JOIN (SELECT * FROM bench_call_parts WHERE month = '{month}') p",
            )
            .replace(
                "JOIN {clock_parts} p",
                f"JOIN (SELECT * FROM bench_clock_parts WHERE month = '{month}') p",
            )
            .replace("{calls}", "bench_calls")
            .replace("{clocks}", "bench_clocks")
            .replace("$exercise", "false")
            .replace(sql.QUANTILES, QUANTILES)
            .replace("{hour}", "received_hour")
        )
        return self._connection.execute(text.encode()).fetchall()

    def _calls(self, month: str) -> int:
        found = self._rows(sql.PARTS_OF_CALLS, month)
        self._rows(sql.TIMES, month)
        return sum(n for drill, how, *_, n in found if not drill and how == "valid")

    def _one(self, month: Period) -> Figures:
        label = month.label
        valid, ended = self._calls(label), self._rows(sql.ENDED, label)
        ranked = [self._rows(sql.RANKS.replace("{ranked}", each), label) for each in sql.RANKED]
        self._rows(sql.GIVEN, label)
        total = {kind: ranks for _, kind, _, ranks in ranked[1]}
        ours = [(kind, how, n) for _, kind, _, how, _, n, *_ in ended]
        return {
            "valid": valid,
            "on_time": sum(n for kind, how, n in ours if (kind, how) == ("handle", "on_time")),
            "done": sum(
                n for kind, how, n in ours if kind == "arrival" and how in {"on_time", "late"}
            ),
            "p90_s": [total[kind][1] / 1e6 for kind in ("ack", "handle")],
        }

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()


QUANTILES = "percentile_disc(array[0.50, 0.90, 0.95]) within group (order by took_us)"
ENGINES: dict[str, Callable[..., Ours | ByPolars | ByPostgres]] = {
    "duckdb": Ours,
    "polars": ByPolars,
    "postgres": ByPostgres,
}
