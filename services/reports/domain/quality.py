"""T8, data quality 数据质量: what is missing, back-dated, out of order, unclassified or refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.exemptions import DUAL_FEEDBACK, Exempt, exemptions, is_exempt
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
from shared.contracts.sla import ClockKind

FORMULA = 2
"""2: a defect that a granted appeal exempts is counted beside; published, a count is hidden that
follows from any combination of sums."""


class Excused(Struct, frozen=True, kw_only=True):
    """By column, the duties with a granted appeal about what the column's stamps are for."""

    no_ack: int = 0
    no_arrival: int = 0
    no_end: int = 0
    back_dated: int = 0
    out_of_order: int = 0


class QualityRow(Struct, frozen=True, kw_only=True):
    """One unit's duties whose feedback was due: how many lack a stamp or have a doubtful one.

    A duty may stand in several columns. `exempt` duties are in none of a column's two numbers:
    its rate is the column's count ÷ (`duties` − exempt). `marked`: defects among the exempt, the
    mark that stays visible. None: suppressed in what is published.
    """

    unit: str
    name: str
    duties: int | None
    no_ack: int | None
    no_arrival: int | None
    no_end: int | None
    back_dated: int | None
    out_of_order: int | None
    exempt: Excused | None = Excused()
    marked: Excused | None = Excused()


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
    exempt = exemptions(facts)
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
            _row(
                unit,
                names.get(unit, NOBODY_NAME if unit == NOBODY else unit),
                by_unit[unit],
                exempt,
            )
            for unit in (*known, *sorted(by_unit.keys() - names))
        ],
        total=_row(TOTAL, TOTAL_NAME, [duty for mine in by_unit.values() for duty in mine], exempt),
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


DEFECTS = ("no_ack", "no_arrival", "no_end", "back_dated", "out_of_order")
ABOUT: Mapping[str, tuple[str, ...]] = {
    "no_ack": (ClockKind.ACK,),
    "no_arrival": (ClockKind.ARRIVAL, DUAL_FEEDBACK),
    "no_end": (ClockKind.HANDLE, DUAL_FEEDBACK),
    "back_dated": (ClockKind.ARRIVAL, ClockKind.HANDLE, DUAL_FEEDBACK),
    "out_of_order": (
        ClockKind.ACK,
        ClockKind.TURNOUT,
        ClockKind.ARRIVAL,
        ClockKind.HANDLE,
        DUAL_FEEDBACK,
    ),
}
"""What an appeal has to be about to exempt a duty from a column: the promises its stamps prove (*ours*)."""


def _row(unit: str, name: str, duties: Iterable[AssignmentFact], exempt: Exempt) -> QualityRow:
    found = list(duties)
    counts: Counter[str] = Counter()
    excused: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for duty in found:
        defects = _defects(duty)
        for column, about in ABOUT.items():
            out = is_exempt(exempt, duty.assignment_id, *about)
            excused[column] += out
            (marked if out else counts)[column] += column in defects
    return QualityRow(
        unit=unit,
        name=name,
        duties=len(found),
        exempt=Excused(**excused),
        marked=Excused(**marked),
        **{column: counts[column] for column in DEFECTS},
    )


def _defects(duty: AssignmentFact) -> set[str]:
    """Return the columns *duty* stands in; who is no longer on duty lacks nothing."""
    served = duty.state not in _NO_LONGER
    travelled = served and duty.unit_kind != UnitKind.DESK and duty.waived_at is None
    said = {
        "no_ack": served and duty.acked_at is None,
        "no_arrival": travelled and duty.arrived_at is None,
        "no_end": served and duty.ended_at is None,
        "back_dated": duty.arrived_late_told or duty.ended_late_told,
        "out_of_order": out_of_order(duty),
    }
    return {column for column, true in said.items() if true}


def out_of_order(duty: AssignmentFact) -> bool:
    """Say whether a stamp lies before one that has to come first; equal times are in order."""
    way = (duty.sent_at, duty.acked_at, duty.turned_out_at, duty.arrived_at, duty.ended_at)
    stamps = [stamp for stamp in way if stamp is not None]
    return any(later < earlier for earlier, later in pairwise(stamps))


_CELLS = ("duties", *DEFECTS)


def published_quality(whole: QualityTable) -> QualityTable:
    """Return T8 as it may be published: no count of one to four, nor one that gives it away."""
    rows = [whole.total, *whole.units]
    values = {f"{row.unit}/{cell}": getattr(row, cell) or 0 for row in rows for cell in _CELLS}
    sums: list[Sum] = [tuple(f"{row.unit}/{cell}" for row in rows) for cell in _CELLS]
    # what has no fault in a column is a number a reader can subtract
    for row in rows:
        for cell in DEFECTS:
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
        units=[_shown(row, gone) for row in whole.units],
        total=_shown(whole.total, gone),
    )


def _shown(row: QualityRow, gone: frozenset[str]) -> QualityRow:
    return replace(without(row, row.unit, _CELLS, gone), exempt=None, marked=None)
