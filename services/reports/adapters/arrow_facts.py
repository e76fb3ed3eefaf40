"""Brings the facts of a period from PostgreSQL into DuckDB as Arrow batches: no Python object per row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import quote

from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from services.reports.adapters.fact_reading import HEARD, NOW, READ_AT, SELECTS
from services.reports.adapters.month_sets import Connection
from services.reports.adapters.month_sql import FACTS, Kind, taken
from services.reports.domain.facts import Facts, Population
from services.reports.domain.period import Period
from shared.runtime.errors import Unavailable

_SNAPSHOT = "set transaction isolation level repeatable read, read only"


def load(
    db: Connection,
    dsn: str,
    period: Period,
    *,
    as_of_epoch: int | None = None,
    kinds: Iterable[Kind] = FACTS,
) -> Facts:
    """Fill the tables named after *kinds* from one snapshot; return the facts' `cut` and `read_at`.

    `as_of_epoch`: only what was known when that epoch ended. Raises Unavailable.
    """
    epoch = NOW if as_of_epoch is None else as_of_epoch
    bounds = (period.start, period.end, epoch)
    separator = "&" if "?" in dsn else "?"
    schema = quote("-csearch_path=reports -ctimezone=UTC", safe="")
    try:
        with (
            closing(dbapi.connect(f"{dsn}{separator}options={schema}")) as connection,
            closing(connection.cursor()) as cursor,
        ):
            cursor.execute(_SNAPSHOT)
            for kind in kinds:
                cursor.execute(_written(SELECTS[FACTS[kind]], bounds))
                db.register("incoming", cursor.fetch_record_batch())
                db.execute(taken(kind, "incoming"))
                db.unregister("incoming")
            cursor.execute(HEARD)
            heard = {Population.of(exercise=e): at for e, at in cursor.fetchall()}
            cursor.execute(_written(READ_AT, (epoch,)))
            row = cursor.fetchone()
    except Error as away:
        raise Unavailable(f"PostgreSQL: {away}") from away
    return Facts(heard=heard, read_at=row[0] if row else None)


def cuts(known: Facts, period: Period) -> Mapping[Population, datetime]:
    """Return up to when each population of *period* is judged, UTC."""
    return {population: known.cut(period, population) for population in Population}


def _written(statement: str, values: tuple[Any, ...]) -> str:
    """Return *statement* with its parameters in it: COPY, by which the rows come, takes none."""
    for number, value in enumerate(values, 1):
        literal = (
            f"timestamptz '{value.isoformat()}'" if isinstance(value, datetime) else str(value)
        )
        statement = statement.replace(f"${number}", literal)
    return statement
