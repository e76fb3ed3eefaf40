"""Months of imported history, counted by DuckDB as history_month counts the cases themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb

from services.reports.adapters.history_scope import Scope, scope_of
from services.reports.adapters.history_sql import stored
from services.reports.domain import period as periods
from services.reports.domain.cohorts import Band
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Population
from services.reports.domain.history_figures import (
    BANDS_S,
    BEFORE,
    DUE,
    ENDS,
    LAST_YEAR,
    LIMITED,
    TOTAL,
    Counts,
    HistoryMonth,
    Length,
    Measure,
    Row,
    limits_of,
    measures_of,
    month_of,
    part_name,
    row,
)
from services.reports.domain.history_mapping import Beside, Stamp
from services.reports.domain.history_terms import Basis
from services.reports.domain.period import Period


def month(
    db: duckdb.DuckDBPyConnection,
    label: str,
    region: str | None,
    as_of: datetime | None,
    population: Population = Population.REAL,
) -> HistoryMonth:
    """Return the month *label* of *region* (None: the only one); *as_of* local, None: as known.

    Raises WrongPeriod, and HistoryRefused where the region is not in this history.
    """
    scope = scope_of(db, region, as_of, population)
    return computed(scope, periods.month(label, scope.zone))


def computed(scope: Scope, period: Period) -> HistoryMonth:
    """Count the period by one statement for each whole and each breakdown."""
    db, basis = scope.db, scope.basis(period)
    _of(scope, "inside", "counted_at", period)
    _of(scope, "owed", "due", period)
    stamps = ", ".join(f"each.{stamp}" for stamp in Stamp)
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE sent AS SELECT each.unit, 1 AS units, {stamps}, overdue "
        "FROM (SELECT unnest(responses) AS each, overdue FROM inside)"
    )
    total = row("total", TOTAL, _whole(db, "inside", basis))
    beside = _beside(scope, period)
    return month_of(
        scope.region,
        period,
        scope.population,
        basis,
        received=total.counts.cases + sum(beside.values()),
        left_out=beside,
        total=total,
        due_in_month=row("due", DUE, _whole(db, "owed", basis)),
        by={d: _parts(db, d, "inside", basis) for d in basis.dimensions},
        by_hour=_parts(db, "hour", "inside", basis),
        units=_parts(db, "unit", "sent", basis),
        before=_earlier(scope, "before", BEFORE, period_before(period), basis),
        last_year=_earlier(scope, "last_year", LAST_YEAR, year_before(period), basis),
    )


def _of(scope: Scope, table: str, column: str, period: Period) -> None:
    """Keep the cases with *column* in *period* as a temporary table, with their local hour."""
    scope.db.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS "
        f"SELECT cases.*, strftime(counted_at + ahead, '%H') AS hour "
        f"FROM cases ASOF JOIN utc_steps ON counted_at >= since "
        f"WHERE region = ? AND {scope.stands} AND {column} >= ? AND {column} < ?",
        [scope.region, stored(period.start), stored(period.end)],
    )


def _beside(scope: Scope, period: Period) -> dict[Beside, int]:
    if scope.population is Population.EXERCISE:
        return {}
    found = dict(
        scope.db.execute(
            "SELECT standing, count(*) FROM cases WHERE region = ? AND standing IS NOT NULL "
            "AND counted_at >= ? AND counted_at < ? GROUP BY standing",
            [scope.region, stored(period.start), stored(period.end)],
        ).fetchall()
    )
    return {each: found[each] for each in Beside if each in found}


def _earlier(
    scope: Scope, value: str, name: str, period: Period | None, basis: Basis
) -> Row | None:
    if period is None or not scope.known(period):
        return None
    _of(scope, "earlier", "counted_at", period)
    return row(value, name, _whole(scope.db, "earlier", basis))


def _whole(db: duckdb.DuckDBPyConnection, table: str, basis: Basis) -> Counts:
    return _counts(db.execute(f"SELECT {_measured(basis)} FROM {table}").fetchall()[0], basis)


def _parts(db: duckdb.DuckDBPyConnection, column: str, table: str, basis: Basis) -> list[Row]:
    found = db.execute(
        f"SELECT {column}, {_measured(basis)} FROM {table} "
        f"GROUP BY {column} ORDER BY {column} NULLS LAST"
    ).fetchall()
    return [row(v, part_name(v), _counts(c, basis)) for v, *c in found]


OVERDUE = "coalesce(CASE WHEN closed IS NULL THEN due < {at} ELSE closed > due END, false)"
"""Whether a case is overdue, judged `at`."""


def _measured(basis: Basis) -> str:
    """Return the expressions, in the order `_counts` takes them apart."""
    at = f"TIMESTAMP '{stored(basis.as_of)}'"
    overdue = OVERDUE.format(at=at)
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
    for measure, ends in _banded(basis):
        took = _took(measure)
        counted += [
            f"count(*) FILTER ({took} >= 0 AND {took} > {low}000000 AND {took} <= {high}000000)"
            for low, high in zip((-1, *ends), ends, strict=False)
        ]
        counted.append(f"count(*) FILTER ({took} > {ends[-1]}000000)")
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


def _banded(basis: Basis) -> list[tuple[Measure, tuple[int, ...]]]:
    return [(m, BANDS_S[m]) for m in measures_of(basis.stamps) if m in BANDS_S]


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
        bands={
            measure: [Band(limit, next(taken)) for limit in (*limits, None)]
            for measure, limits in _banded(basis)
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
