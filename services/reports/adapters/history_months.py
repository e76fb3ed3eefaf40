"""Months of imported history, counted by DuckDB as history_month counts the cases themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import msgspec

from services.reports.adapters.history import HistoryRefused
from services.reports.adapters.history_sql import stored
from services.reports.domain import period as periods
from services.reports.domain.history_figures import (
    ENDS,
    LIMITED,
    Basis,
    Counts,
    HistoryMonth,
    Length,
    Measure,
    Row,
    assembled,
    limits_of,
    measures_of,
    part_name,
    row,
)
from services.reports.domain.history_mapping import Dimension, Stamp, Within
from services.reports.domain.period import Period


def month(
    db: duckdb.DuckDBPyConnection, label: str, region: str | None, as_of: datetime | None
) -> HistoryMonth:
    """Return the month *label* of *region* (None: the only one); *as_of* local, None: as known.

    Raises WrongPeriod, and HistoryRefused where the region is not in this history.
    """
    name, basis = _basis(db, region, as_of)
    return computed(db, name, period_of(basis, label), basis)


def period_of(basis: Basis, label: str) -> Period:
    """Return the month *label* in the zone of *basis*; raises WrongPeriod."""
    return periods.month(label, ZoneInfo(basis.time_zone))


def computed(
    db: duckdb.DuckDBPyConnection, region: str, period: Period, basis: Basis
) -> HistoryMonth:
    """Count the month by one statement for each whole and each breakdown."""
    for table, column in (("inside", "counted_at"), ("owed", "due")):
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM cases "
            f"WHERE region = ? AND {column} >= ? AND {column} < ?",
            [region, stored(period.start), stored(period.end)],
        )
    wholes = (
        _whole(db, "inside", basis),
        _whole(db, "owed", basis),
    )
    by = {d: _parts(db, d, "inside", basis) for d in basis.dimensions}
    stamps = ", ".join(f"each.{stamp}" for stamp in Stamp)
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE sent AS SELECT each.unit, 1 AS units, {stamps}, overdue "
        "FROM (SELECT unnest(responses) AS each, overdue FROM inside)"
    )
    return assembled(region, period, basis, wholes, by, _parts(db, "unit", "sent", basis))


def _whole(db: duckdb.DuckDBPyConnection, table: str, basis: Basis) -> Counts:
    return _counts(db.execute(f"SELECT {_measured(basis)} FROM {table}").fetchall()[0], basis)


def _parts(db: duckdb.DuckDBPyConnection, column: str, table: str, basis: Basis) -> list[Row]:
    found = db.execute(
        f"SELECT {column}, {_measured(basis)} FROM {table} "
        f"GROUP BY {column} ORDER BY {column} NULLS LAST"
    ).fetchall()
    return [row(v, part_name(v), _counts(c, basis)) for v, *c in found]


def _basis(
    db: duckdb.DuckDBPyConnection, region: str | None, as_of: datetime | None
) -> tuple[str, Basis]:
    known = {r[0]: r for r in db.execute("SELECT * FROM regions ORDER BY region").fetchall()}
    name = next(iter(known)) if region is None and len(known) == 1 else region
    if name is None or name not in known:
        said = "more than one region is" if region is None else f"region {region} is not"
        raise HistoryRefused(f"{said} in this history: name one by --region: {', '.join(known)}")
    _, zone, counted_by, within, stamps, dimensions, imported = known[name]
    instant, origin = _as_of(db, name, as_of, imported, ZoneInfo(zone))
    basis = Basis(
        time_zone=zone,
        counted_by=Stamp(counted_by),
        within=msgspec.json.decode(within, type=Within),
        stamps=[Stamp(s) for s in stamps.split(",")],
        dimensions=[Dimension(d) for d in dimensions.split(",") if d],
        as_of=instant,
        as_of_from=origin,
    )
    return name, basis


def _as_of(
    db: duckdb.DuckDBPyConnection,
    region: str,
    asked: datetime | None,
    imported: datetime | None,
    zone: ZoneInfo,
) -> tuple[datetime, str]:
    """Say when open cases are judged: as asked, as the import said, else at the latest stamp."""
    if asked:
        at = asked if asked.tzinfo else asked.replace(tzinfo=zone, fold=0)
        return at.astimezone(UTC), "option"
    if imported:
        return imported.replace(tzinfo=UTC), "import"
    seen = ", ".join(s for s in Stamp if s is not Stamp.DUE)
    latest = db.execute(
        f"SELECT max(greatest({seen})) FROM cases WHERE region = ?", [region]
    ).fetchone()
    at = latest[0] if latest and latest[0] else datetime.fromtimestamp(0, UTC)
    return at.replace(tzinfo=UTC), "latest stamp"


_OVERDUE = "coalesce(CASE WHEN closed IS NULL THEN due < {at} ELSE closed > due END, false)"


def _measured(basis: Basis) -> str:
    """Return the expressions, in the order `_counts` takes them apart."""
    at = f"TIMESTAMP '{stored(basis.as_of)}'"
    overdue = _OVERDUE.format(at=at)
    counted = [
        "count(*)",
        "coalesce(sum(units), 0)::BIGINT",
        "count(closed)",
        "count(due)",
        "count(*) FILTER (closed <= due)",
        "count(*) FILTER (closed > due)",
        f"count(*) FILTER (closed IS NULL AND due < {at})",
        f"count(*) FILTER (closed IS NULL AND due >= {at})",
        "count(*) FILTER (overdue)",
        "count(overdue)",
        f"count(*) FILTER (overdue = {overdue})",
        "count(dispatched)",
        "count(arrived)",
    ]
    for stamp, limits in limits_of(basis.within):
        took = _took(LIMITED[stamp])
        counted += [f"count(*) FILTER ({took} BETWEEN 0 AND {n}000000)" for n in limits]
    for measure in measures_of(basis.stamps):
        took = _took(measure)
        some = f"FILTER ({took} >= 0)"
        counted += [
            f"count({took})",
            f"count(*) {some}",
            f"sum({took}) {some}",
            f"max({took}) {some}",
            *(f"quantile_disc({took}, {q}) {some}" for q in ("0.50", "0.90", "0.95")),
            # the upper of the two middle ones: with P50 it gives the median
            f"-quantile_disc(-{took}, 0.50) {some}",
        ]
    return ", ".join(counted)


def _took(measure: Measure) -> str:
    """Return the microseconds between the stamps of *measure*."""
    start, end = ENDS[measure]
    return f"(epoch_us({end}) - epoch_us({start}))"


def _counts(values: Sequence[Any], basis: Basis) -> Counts:
    taken = iter(values)
    cases, units, closed, due, by, after, past, not_due, said, labelled, equal, out, arrived = (
        next(taken) for _ in range(13)
    )
    return Counts(
        cases=cases,
        units=units,
        closed=closed,
        open=cases - closed,
        with_due=due,
        no_due=cases - due,
        closed_by_due=by,
        closed_after_due=after,
        open_past_due=past,
        open_not_due=not_due,
        overdue=after + past,
        label_overdue=said,
        label_not_overdue=labelled - said,
        label_blank=cases - labelled,
        label_equal=equal,
        label_different=labelled - equal,
        dispatched=out,
        arrived=arrived,
        never_arrived=cases - arrived if Stamp.ARRIVED in basis.stamps else None,
        within={
            stamp: {limit: next(taken) for limit in limits}
            for stamp, limits in limits_of(basis.within)
        },
        lengths={
            measure: _length([next(taken) for _ in range(8)], cases)
            for measure in measures_of(basis.stamps)
        },
    )


def _length(values: Sequence[Any], cases: int) -> Length:
    known, n, whole, most, p50, p90, p95, upper = values
    if not n:
        return Length(n=0, negative=known, unknown=cases - known)
    return Length(
        n=n,
        negative=known - n,
        unknown=cases - known,
        mean_s=_seconds(whole, n),
        median_s=_seconds(p50 + upper, 2),
        p50_s=_seconds(p50),
        p90_s=_seconds(p90),
        p95_s=_seconds(p95),
        max_s=_seconds(most),
    )


def _seconds(microseconds: int, parts: int = 1) -> float:
    """Return seconds in whole milliseconds, rounded half to even as timedelta divides."""
    return _nearest(_nearest(int(microseconds), parts), 1000) / 1000


def _nearest(number: int, parts: int) -> int:
    whole, rest = divmod(number, parts)
    return whole + (2 * rest > parts or (2 * rest == parts and whole % 2 == 1))
