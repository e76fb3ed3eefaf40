"""Response time 响应时间 (FIGURES): from the receipt of a valid call to the first arrival at its incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from services.reports.domain.facts import CallFact, IncidentFact
from services.reports.domain.quantities import OTHER, OTHER_NAME, Spread, spread
from services.reports.domain.wording import LINES

TOTAL, TOTAL_NAME = "total", "合计"


class ResponseRow(Struct, frozen=True, kw_only=True):
    """The valid calls of one line: `arrived` and `open`, without an arrival by the cut (censored).

    `spread` is of those that arrived. None: suppressed in what is published.
    """

    id: str
    name: str
    arrived: int | None
    open: int | None
    spread: Spread | None


class Response(Struct, frozen=True, kw_only=True):
    """Rows by line sum to `total`, whose percentiles are of its own cases.

    There is no share within a limit: a pack's limits of arrival are a unit's, from its dispatch
    (T3); none is of the whole way from the receipt.
    """

    rows: list[ResponseRow]
    total: ResponseRow


def took(call: CallFact, incident: IncidentFact | None, cut: datetime) -> timedelta | None:
    """Return how long the caller waited as known at *cut* (UTC); None: nobody had arrived.

    An arrival before the receipt (told late, or on patrol) is one at it: no length is negative.
    """
    arrived = incident.on_scene_at if incident else None
    if arrived is None or arrived > cut:
        return None
    return max(arrived - call.received_at, timedelta())


def spreads(lengths: Iterable[tuple[str, timedelta]]) -> dict[str, Spread]:
    """Return the spread of each line (an unknown one is OTHER) and of all, TOTAL; none of nothing."""
    by: dict[str, list[timedelta]] = defaultdict(list)
    for line, length in lengths:
        by[line if line in LINES else OTHER].append(length)
        by[TOTAL].append(length)
    return {each: spread(found) for each, found in by.items()}


def response_of(lines: Mapping[str, int], known: Mapping[str, Spread]) -> Response:
    """Return the table of the valid calls by line (*lines*) and of their *known* spreads."""
    named = {line: name for line, name in LINES.items() if line != OTHER}
    valid = sum(lines.values())
    rows = [_row(line, name, lines.get(line, 0), known) for line, name in named.items()]
    rest = valid - sum(lines.get(line, 0) for line in named)
    rows.append(_row(OTHER, LINES.get(OTHER, OTHER_NAME), rest, known))
    return Response(rows=rows, total=_row(TOTAL, TOTAL_NAME, valid, known))


def _row(id_: str, name: str, valid: int, known: Mapping[str, Spread]) -> ResponseRow:
    found = known.get(id_) or Spread(n=0)
    return ResponseRow(id=id_, name=name, arrived=found.n, open=valid - found.n, spread=found)
