"""The same counting by Polars over the same Parquet rows and by plain PostgreSQL over the same columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import month_facts
from benchmarks.month_engines import Figures, cells, compared
from services.reports.adapters.month_sql import APART, COUNTS, Kind, Outcome
from services.reports.domain.period import Period
from services.reports.domain.quantities import OTHER, PERCENTS
from services.reports.domain.units import CENSORED_AT_MOST
from services.reports.domain.wording import CLOCKS, LINES
from shared.contracts.pack import Pack

CALLS = (Kind.CASES, Kind.TIMES, Kind.RESPONSES)
LIMITS = (Kind.LIMITS, Kind.GIVEN, Kind.HANDLED, Kind.CENSORED)
Rows = dict[Kind, list[tuple[Any, ...]]]


class Peer:
    """Counts what the tables are made of; does not build the tables."""

    def __init__(self, known: Pack) -> None:
        self._pack = known
        self._made: dict[str, Rows] = {}

    def calls(self, month: Period) -> Rows:
        """Count what T1, T2 and half of T4 are made of."""
        raise NotImplementedError

    def limits(self, month: Period) -> Rows:
        """Count what T3 and the other half of T4 are made of."""
        raise NotImplementedError

    def month(self, month: Period) -> None:
        """Count a month and the calls of the two it is compared with."""
        calls = [self.calls(each) for each in compared(self._pack)]
        self._made = {month.label: calls[0] | self.limits(month)}

    def year(self, year: Sequence[Period]) -> None:
        """Count each month."""
        self._made = {m.label: self.calls(m) | self.limits(m) for m in year}

    def figures(self, _: Sequence[Period]) -> Figures:
        """Return what was counted last."""
        return {
            label: {kind: cells(rows) for kind, rows in made.items()}
            for label, made in self._made.items()
        }

    def tables(self) -> str:
        """Return nothing: they are only built by ours."""
        return ""

    def close(self) -> None:
        """Nothing is held."""


class ByPolars(Peer):
    """Lazily and streaming; all counts of calls, then of limits, are one collection."""

    def __init__(self, folder: Path, known: Pack) -> None:
        import polars as pl  # noqa: PLC0415 - only this engine's process pays for it

        super().__init__(known)
        self._pl = pl
        self._folder = folder

    def _read(self, month: Period, kind: Kind) -> Any:
        return self._pl.scan_parquet(month_facts.paths(self._folder, month, kind))

    def _collected(self, wanted: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
        found = self._pl.collect_all(list(wanted.values()), engine="streaming")
        return {name: frame.rows() for name, frame in zip(wanted, found, strict=True)}

    def _lengths(self, column: str) -> list[Any]:
        pl = self._pl
        took = pl.col(column)
        # the nearest rank, by its other name
        ranks = [
            took.quantile(p / 100, "equiprobable").cast(pl.Int64).alias(f"p{p}") for p in PERCENTS
        ]
        return [took.sum().alias("took"), took.max().alias("most"), *ranks]

    def calls(self, month: Period) -> Rows:
        """Count by part, by line and hour, and the waits of each line and of all."""
        pl = self._pl
        counted = self._read(month, Kind.CALLS).filter(pl.col("part").is_not_null())
        parts = self._read(month, Kind.CALL_PARTS).filter(~pl.col("exercise"))
        valid = counted.filter(~pl.col("exercise") & (pl.col("standing") == "valid"))
        via = (
            pl.when(pl.col("line").is_in(list(LINES))).then(pl.col("line")).otherwise(pl.lit(OTHER))
        )
        waits = valid.filter(pl.col("response_us").is_not_null()).select(
            via.alias("via"), "response_us"
        )
        words = [
            pl.when(pl.col("standing") == "valid").then(pl.col(f"counted_{n}")).alias(n)
            for n in ("category", "affair", "area")
        ]
        found = self._collected({
            "cases": counted.group_by("part").len().join(parts, on="part").group_by("standing", *words).agg(pl.col("len").sum()),
            "lines": valid.group_by("line").len().select("line", pl.lit(None).alias("hour"), "len"),
            "hours": valid.group_by("hour").len().select(pl.lit(None).alias("line"), "hour", "len"),
            "waits": waits.group_by("via").agg(pl.len(), *self._lengths("response_us")),
            "all": waits.select(pl.lit(None).alias("via"), pl.len(), *self._lengths("response_us")),
        })  # fmt: skip
        return {
            Kind.CASES: found["cases"],
            Kind.TIMES: found["lines"] + found["hours"],
            Kind.RESPONSES: found["waits"] + found["all"],
        }

    def limits(self, month: Period) -> Rows:
        """Count by part and by what a duty gave; rank by each of the four numbers."""
        pl = self._pl
        clocks = self._read(month, Kind.CLOCKS)
        parts = self._read(month, Kind.CLOCK_PARTS).filter(~pl.col("exercise"))
        took = pl.col("took_us")
        ended = (
            clocks.filter(pl.col("part").is_not_null()).group_by("part")
            .agg(pl.len(), took.sum().alias("took"), took.max().alias("most")).join(parts, on="part")
        )  # fmt: skip
        ours = clocks.filter(pl.col("turn").is_not_null() & ~pl.col("exercise"))
        who = (
            pl.when(pl.col("unit") == "")
            .then(None)
            .otherwise(pl.col("unit"))
            .fill_null(OTHER)
            .alias("who")
        )
        open_ = pl.col("outcome") == Outcome.OPEN
        judged = pl.col("outcome").is_in(
            [Outcome.ON_TIME, Outcome.LATE, Outcome.OPEN, Outcome.EXEMPT]
        )
        wanted = {
            "given": ours.filter(pl.col("duty").is_not_null() & (pl.col("turn") > 0)).group_by(who, "duty", "turn").len(),
            "handled": ours.filter((pl.col("kind") == "handle") & judged).group_by("incident_area", "incident_affair", "outcome").len(),
            "censored": ours.filter(open_ & pl.col("kind").is_in(list(CLOCKS)))
            .select(pl.col("incident_number").fill_null(""), who, "kind", "rule", pl.col("due").dt.epoch("us"), pl.col("clock_id"))
            .bottom_k(CENSORED_AT_MOST, by=["due", "clock_id"]),
            "ended": ended,
        }  # fmt: skip
        for keys in (["who", "kind"], ["kind"], ["who", "kind", "day"], ["kind", "day"]):
            wanted[" ".join(keys)] = self._ended(clocks, ended, keys)
        found = self._collected(wanted)
        limits = [row for name in wanted if "kind" in name for row in found[name]]
        censored = [(*row[:-1], _uuid(row[-1])) for row in found["censored"]]
        return {
            Kind.LIMITS: limits,
            Kind.GIVEN: found["given"],
            Kind.HANDLED: found["handled"],
            Kind.CENSORED: censored,
        }

    def _ended(self, clocks: Any, ended: Any, keys: list[str]) -> Any:
        """Count how limits ended by *keys*, and rank the finished ones by the number of those."""
        pl = self._pl
        number = ("unit" if "who" in keys else "kind") + ("_day_part" if "day" in keys else "_part")
        done = pl.col("outcome").is_in([Outcome.ON_TIME, Outcome.LATE])
        n = pl.col("len")
        ranks = (
            clocks.filter(pl.col(number).is_not_null())
            .group_by(pl.col(number).alias("part"))
            .agg(*self._lengths("took_us")[2:])
        )
        grouped = (
            ended.filter(pl.col("kind").is_in(list(APART)) if "day" in keys else pl.lit(True))  # noqa: FBT003 - Polars' own
            .group_by(keys)
            .agg(
                *(n.filter(pl.col("outcome") == each).sum().alias(each) for each in Outcome),
                *(n.filter(pl.col("band") == b).sum().alias(f"band_{b}") for b in range(5)),
                pl.when(done.any()).then(pl.col("took").filter(done).sum()).alias("took_us"),
                pl.col("most").filter(done).max().alias("most_us"),
                pl.col("part").min(),
            )
        )
        absent = [pl.lit(None).alias(each) for each in ("who", "kind", "day") if each not in keys]
        ranked = grouped.join(ranks, on="part", how="left").rename(
            {f"p{p}": f"p{p}_us" for p in PERCENTS}
        )
        return ranked.with_columns(absent).select(SHOWN[Kind.LIMITS])


def _uuid(said: Any) -> str:
    text = said.hex() if isinstance(said, bytes) else str(said)
    return (
        text
        if "-" in text
        else "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    )


class ByPostgres(Peer):
    """The same statements, over one table a month of the columns they read."""

    def __init__(self, dsn: str, known: Pack) -> None:
        import psycopg  # noqa: PLC0415 - only this engine's process pays for it

        super().__init__(known)
        self._connection = psycopg.connect(dsn, autocommit=True)
        for setting in SETTINGS:
            self._connection.execute(setting.encode())

    def _rows(self, kinds: Sequence[Kind], month: Period) -> Rows:
        return {
            kind: self._connection.execute(statement(kind, month).encode()).fetchall()
            for kind in kinds
        }

    def calls(self, month: Period) -> Rows:
        """Count the calls of a month."""
        return self._rows(CALLS, month)

    def limits(self, month: Period) -> Rows:
        """Count the limits of a month."""
        return self._rows(LIMITS, month)

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()


SETTINGS = (
    "set work_mem = '512MB'",
    "set max_parallel_workers_per_gather = 2",
    "set jit = off",
    "set timezone = 'UTC'",
)
_QUANTILES = re.compile(r"quantile_disc\((\w+), \[([^\]]*)\]\)")


def statement(kind: Kind, month: Period) -> str:
    """Return our counting as PostgreSQL says it, real cases only."""
    text = _QUANTILES.sub(r"percentile_disc(array[\2]) within group (order by \1)", COUNTS[kind])
    for table in (Kind.CALLS, Kind.CLOCKS):
        text = text.replace(
            f"{{{table}}}", f"(select * from {table_of(month, table)} where not exercise) t"
        )
    for table in (Kind.CALL_PARTS, Kind.CLOCK_PARTS):
        text = text.replace(f"{{{table}}}", table_of(month, table))
    text = text.replace("t WHERE", "t where")
    columns = ", ".join(SHOWN[kind])
    return f"select {columns} from ({text}) counted where not exercise"


def table_of(month: Period, kind: Kind) -> str:
    """Return the name of a month's table."""
    return f"bench_{month.label.replace('-', '_')}_{kind}"


SHOWN = {
    Kind.CASES: ("standing", "category", "affair", "area", "n"),
    Kind.TIMES: ("line", "hour", "n"),
    Kind.RESPONSES: ("via", "n", "took_us", "most_us", *(f"p{p}_us" for p in PERCENTS)),
    Kind.LIMITS: (
        *("who", "kind", "day", *(str(each) for each in Outcome), *(f"band_{n}" for n in range(5))),
        *("took_us", "most_us", *(f"p{p}_us" for p in PERCENTS)),
    ),
    Kind.GIVEN: ("who", "duty", "turn", "n"),
    Kind.HANDLED: ("area", "affair", "outcome", "n"),
    Kind.CENSORED: ("incident", "who", "kind", "rule", "due_us", "clock_id"),
}
