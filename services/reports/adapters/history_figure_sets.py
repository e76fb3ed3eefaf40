"""The list of figures of imported history, counted by sets as history_key_figures counts facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from services.reports.adapters.history_months import OVERDUE
from services.reports.adapters.history_scope import Scope
from services.reports.adapters.history_sql import stored
from services.reports.adapters.month_sql import Outcome
from services.reports.domain.cohorts import Cohort, cohort_of
from services.reports.domain.conduct import TURNOUT_BANDS_S
from services.reports.domain.facts import Population
from services.reports.domain.heading import heading
from services.reports.domain.history_key_figures import Labels, answered
from services.reports.domain.history_mapping import Stamp
from services.reports.domain.history_terms import Basis
from services.reports.domain.key_figures import (
    FORMULA,
    FigureTable,
    flow_figures,
    of_cohort,
    quality_figures,
    timely_figures,
    turnout_figures,
    withheld,
)
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.quality import QualityTable, published_quality
from services.reports.domain.quantities import Spread
from services.reports.domain.units import UnitTable
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind
from shared.contracts.values import Lane

Rows = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Counted:
    """The tables of a period the list is made of, and `rows` to count the rest by a statement."""

    calls: Overview
    units: UnitTable
    quality: QualityTable
    labels: Labels
    rows: Rows


def figure_table(
    counted: Counted,
    period: Period,
    whose: Population,
    terms: tuple[Basis, Pack, datetime],
    *,
    published: bool,
) -> FigureTable:
    """Compute the list of *period*; *terms*: what it is counted by, its names, the cut (UTC)."""
    basis, pack, cut = terms
    calls, units, quality = counted.calls, counted.units, counted.quality
    if published:
        calls, units = published_overview(calls), published_units(units)
        quality = published_quality(quality)
    ended = _ended(counted.rows)
    found = [
        *flow_figures(calls),
        *timely_figures(units.total),
        *withheld(
            [
                of_cohort("timely.urgent_lane", _cohort(ended[ClockKind.HANDLE, True])),
                of_cohort("timely.turnout", _all(ended, ClockKind.TURNOUT)),
                *turnout_figures(*_left(counted.rows)),
            ],
            hide=published,
        ),
        *quality_figures(quality, counted.quality),
    ]
    above = heading("K", FORMULA, period, whose, pack)
    table = FigureTable(
        heading=replace(above, published=published),
        cut=cut.astimezone(period.zone),
        figures=found,
        conduct=None,
    )
    if published:
        return answered(table, basis)
    return answered(table, basis, _unlimited(counted.rows, basis, period), counted.labels)


def labels_of(scope: Scope, period: Period, basis: Basis) -> Labels:
    """Count the source's own verdicts of the cases of *period*."""
    late = OVERDUE.format(at=f"TIMESTAMP '{stored(basis.as_of)}'")
    different, labelled, every = scope.db.execute(
        f"SELECT count(*) FILTER (overdue <> {late}), count(overdue), count(*) FROM cases "
        f"WHERE region = ? AND {scope.stands} AND counted_at >= ? AND counted_at < ?",
        [scope.region, stored(period.start), stored(period.end)],
    ).fetchall()[0]
    return Labels(different=different, labelled=labelled, blank=every - labelled)


def _ended(rows: Rows) -> dict[tuple[str, bool], Counter[str]]:
    found: dict[tuple[str, bool], Counter[str]] = {
        (kind, urgent): Counter[str]()
        for kind in (ClockKind.HANDLE, ClockKind.TURNOUT)
        for urgent in (True, False)
    }
    for kind, urgent, outcome, n in rows(_ENDED):
        found[kind, urgent][outcome] += n
    return found


def _all(ended: dict[tuple[str, bool], Counter[str]], kind: ClockKind) -> Cohort:
    return _cohort(ended[kind, True] + ended[kind, False])


def _cohort(counts: Counter[str]) -> Cohort:
    return cohort_of(
        on_time=counts[Outcome.ON_TIME],
        late=counts[Outcome.LATE],
        still_open=counts[Outcome.OPEN],
        spread=Spread(n=0),
        exempt=counts[Outcome.EXEMPT],
        suspended=counts[Outcome.SUSPENDED],
        not_yet_due=counts[Outcome.NOT_YET_DUE] + counts[Outcome.DONE_EARLY],
        done_early=counts[Outcome.DONE_EARLY],
    )


def _left(rows: Rows) -> tuple[int, int, int, list[int]]:
    sent, turned_out, out_of_order, *counts = rows(_LEFT)[0]
    return sent, turned_out, out_of_order, counts


def _unlimited(rows: Rows, basis: Basis, period: Period) -> int:
    limited = "due IS NOT NULL"
    if basis.limits.closed:
        limited += f" OR {Stamp.RECEIVED} IS NOT NULL"
    found = rows(
        f"SELECT count(*) FROM duty WHERE exercise = $exercise AND NOT ({limited}) "
        f"AND counted_at >= TIMESTAMP '{stored(period.start)}' "
        f"AND counted_at < TIMESTAMP '{stored(period.end)}'"
    )
    return int(found[0][0])


_ENDED = f"""
SELECT k.kind, coalesce(i.lane = '{Lane.URGENT}', false) AS urgent, k.outcome, count(*)
FROM {{clocks}} k LEFT JOIN incidents i USING (incident_id)
WHERE k.counted AND k.exercise = $exercise AND k.kind IN ('{ClockKind.HANDLE}', '{ClockKind.TURNOUT}')
GROUP BY 1, 2, 3
"""
"""Kind of limit, of an urgent case or not, how it ended, count."""

_TOOK = "(epoch_us(a.turned_out_at) - epoch_us(a.sent_at))"
_EDGES = [-1, *TURNOUT_BANDS_S]
_LEFT = f"""
SELECT count(*), count({_TOOK}), count(*) FILTER ({_TOOK} < 0),
  {
    ", ".join(
        f"count(*) FILTER ({_TOOK} >= 0 AND {_TOOK} > {low}000000 AND {_TOOK} <= {high}000000)"
        for low, high in zip(_EDGES, TURNOUT_BANDS_S, strict=False)
    )
}, count(*) FILTER ({_TOOK} > {TURNOUT_BANDS_S[-1]}000000)
FROM {{clocks}} k JOIN assignments a USING (assignment_id)
WHERE k.counted AND k.exercise = $exercise AND k.kind = '{ClockKind.ACK}' AND k.due <= $cut
"""
"""Duties to sign for, turned out, before they were sent, in each band."""
