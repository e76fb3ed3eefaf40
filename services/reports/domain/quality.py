"""T8, data quality 数据质量: what is missing, back-dated, out of order, unclassified or refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.facts import AssignmentFact, Facts, Population
from services.reports.domain.gaps import due_duties
from services.reports.domain.heading import Heading, heading
from services.reports.domain.overview import overview
from services.reports.domain.period import Period
from services.reports.domain.quantities import Rate, rate
from services.reports.domain.suppression import Sum, hidden, without
from services.reports.domain.units import NOBODY, NOBODY_NAME, TOTAL, TOTAL_NAME, one_copy
from shared.contracts.incident import AssignmentState
from shared.contracts.pack import Pack, UnitKind

FORMULA = 1


class QualityRow(Struct, frozen=True, kw_only=True):
    """One unit's duties whose feedback was due: how many lack a stamp or have a doubtful one.

    A duty may stand in several columns. None: suppressed in what is published.
    """

    unit: str
    name: str
    duties: int | None
    no_ack: int | None
    no_arrival: int | None
    no_end: int | None
    back_dated: int | None
    out_of_order: int | None


class RefusedFor(Struct, frozen=True):
    """A named reason and how many bodies it was given for; a body may have several."""

    id: str
    count: int | None


class QualityTable(Struct, frozen=True, kw_only=True):
    """T8. `unclassified`: of the valid calls; `refused`: bodies turned away at the feeds' door.

    A refused body has no population (nobody could read whether it was an exercise): the real
    population's table counts it. None: suppressed.
    """

    heading: Heading
    cut: datetime
    unclassified: Rate | None
    refused: int | None
    refused_for: list[RefusedFor]
    units: list[QualityRow]
    total: QualityRow


def quality_table(facts: Facts, period: Period, population: Population, pack: Pack) -> QualityTable:
    """Compute T8 of *period*; dead letters are the operator's and not in it."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    duties = {duty.assignment_id: duty for duty in one_copy(facts.assignments, incidents)}
    by_unit: dict[str, list[AssignmentFact]] = defaultdict(list)
    for unit, duty in due_duties(facts, period, population, cut, duties):
        by_unit[unit].append(duty)
    names = {unit.id: unit.name for unit in pack.units}
    known = [unit for unit in names if unit in by_unit]
    calls = overview(facts, period, population, pack)
    refused = [r for r in facts.rejections if r.rejected_at in period]
    if population is not Population.REAL:
        refused = []
    reasons = Counter(reason for body in refused for reason in body.reasons.split())
    return QualityTable(
        heading=heading("T8", FORMULA, period, population, pack),
        cut=cut.astimezone(period.zone),
        unclassified=rate(calls.unclassified or 0, calls.valid or 0),
        refused=len(refused),
        refused_for=[RefusedFor(reason, reasons[reason]) for reason in sorted(reasons)],
        units=[
            _row(unit, names.get(unit, NOBODY_NAME if unit == NOBODY else unit), by_unit[unit])
            for unit in (*known, *sorted(by_unit.keys() - names))
        ],
        total=_row(TOTAL, TOTAL_NAME, [duty for mine in by_unit.values() for duty in mine]),
    )


_NO_LONGER = frozenset(
    {
        AssignmentState.STANDBY,
        AssignmentState.RELEASED,
        AssignmentState.RETURNED,
        AssignmentState.REASSIGNED,
        AssignmentState.REDUNDANT,
    }
)


def _row(unit: str, name: str, duties: Iterable[AssignmentFact]) -> QualityRow:
    found = list(duties)
    served = [duty for duty in found if duty.state not in _NO_LONGER]
    travelled = [d for d in served if d.unit_kind != UnitKind.DESK and d.waived_at is None]
    return QualityRow(
        unit=unit,
        name=name,
        duties=len(found),
        no_ack=sum(duty.acked_at is None for duty in served),
        no_arrival=sum(duty.arrived_at is None for duty in travelled),
        no_end=sum(duty.ended_at is None for duty in served),
        back_dated=sum(duty.arrived_late_told or duty.ended_late_told for duty in found),
        out_of_order=sum(out_of_order(duty) for duty in found),
    )


def out_of_order(duty: AssignmentFact) -> bool:
    """Say whether a stamp lies before one that has to come first; equal times are in order."""
    way = (duty.sent_at, duty.acked_at, duty.turned_out_at, duty.arrived_at, duty.ended_at)
    stamps = [stamp for stamp in way if stamp is not None]
    return any(later < earlier for earlier, later in pairwise(stamps))


_CELLS = ("duties", "no_ack", "no_arrival", "no_end", "back_dated", "out_of_order")


def published_quality(whole: QualityTable) -> QualityTable:
    """Return T8 as it may be published: no count of one to four, nor one that gives it away."""
    rows = [whole.total, *whole.units]
    values = {f"{row.unit}/{cell}": getattr(row, cell) or 0 for row in rows for cell in _CELLS}
    sums: list[Sum] = [tuple(f"{row.unit}/{cell}" for row in rows) for cell in _CELLS]
    # what has no fault in a column is a number a reader can subtract
    for row in rows:
        for cell in _CELLS[1:]:
            rest = f"{row.unit}/{cell}/rest"
            values[rest] = values[f"{row.unit}/duties"] - values[f"{row.unit}/{cell}"]
            sums.append((f"{row.unit}/duties", f"{row.unit}/{cell}", rest))
    gone = hidden(values, sums)

    return replace(
        whole,
        heading=replace(whole.heading, published=True),
        unclassified=None,
        refused=None,
        refused_for=[],
        units=[without(row, row.unit, _CELLS, gone) for row in whole.units],
        total=without(whole.total, TOTAL, _CELLS, gone),
    )
