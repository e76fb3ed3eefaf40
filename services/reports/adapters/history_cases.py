"""Imported cases one by one, for what is computed by pure functions only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.reports.adapters.history_scope import Scope
from services.reports.domain.history_mapping import Beside, Dimension, Stamp
from services.reports.domain.history_rows import Case, Response

_NAMES = ["id", "units", *Stamp, *Dimension, "overdue", "counted_at", "standing", "number"]


def cases_of(scope: Scope, condition: str) -> list[Case]:
    """Return the region's cases that fulfil *condition* (SQL of ours), in the order of their ids."""
    found = scope.db.execute(
        f"SELECT {', '.join(_NAMES)}, responses FROM cases WHERE region = ? AND ({condition}) "
        "ORDER BY id",
        [scope.region],
    ).fetchall()
    return [_case(dict(zip([*_NAMES, "responses"], row, strict=True))) for row in found]


def _case(row: Mapping[str, Any]) -> Case:
    return Case(
        id=row["id"],
        units=row["units"],
        stamps=_stamps(row),
        values={d: row[d] for d in Dimension},
        overdue=row["overdue"],
        counted_at=_utc(row["counted_at"]),
        responses=tuple(Response(each["unit"], _stamps(each)) for each in row["responses"] or ()),
        standing=Beside(row["standing"]) if row["standing"] else None,
        number=row["number"],
    )


def _stamps(row: Mapping[str, Any]) -> dict[Stamp, datetime | None]:
    return {s: _utc(at) if (at := row[s]) is not None else None for s in Stamp}


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
