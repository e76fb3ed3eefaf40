"""T7, dual-feedback gaps 双反馈缺项: which duties still owe a report, by unit and one by one (R08)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.dual_feedback import Given, given, is_excused
from services.reports.domain.exemptions import exemptions
from services.reports.domain.facts import AssignmentFact, Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.period import Period
from services.reports.domain.suppression import Sum, hidden, without
from services.reports.domain.units import (
    NOBODY,
    NOBODY_NAME,
    TOTAL,
    TOTAL_NAME,
    clocks_of,
    one_copy,
)
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

FORMULA = 2
"""2: duties that a granted appeal exempts are counted beside, their gaps stay listed; published,
a count is hidden that follows from any combination of sums."""
LISTED_AT_MOST = 500

_MISSING = frozenset({Given.NO_ARRIVAL, Given.NO_END, Given.NEITHER})


class GapRow(Struct, frozen=True, kw_only=True):
    """One unit: `owed` is the sum of the numbers up to `neither`; None: suppressed in what is published.

    `exempt` duties (an appeal about dual feedback was granted) are in no other number.
    """

    unit: str
    name: str
    owed: int | None
    both: int | None
    automatic: int | None
    back_filled: int | None
    no_arrival: int | None
    no_end: int | None
    neither: int | None
    exempt: int | None = 0


class Gap(Struct, frozen=True, kw_only=True):
    """A duty that lacks a report; `due` (of its 24-hour feedback) in the region's zone.

    An `exempt` one is listed, as the mark stays visible, after all the others and counted in none.
    """

    incident: str
    unit: str
    name: str
    missing: Given
    due: datetime
    exempt: bool = False


class GapTable(Struct, frozen=True, kw_only=True):
    """T7 of the duties whose 24-hour feedback was due in the period and up to `cut`.

    `gap_count`: the gaps that count; `not_listed`: how many, exempt ones included, `gaps` leaves out.
    """

    heading: Heading
    cut: datetime
    units: list[GapRow]
    total: GapRow
    gap_count: int | None
    gaps: list[Gap]
    not_listed: int | None = 0


def gap_table(facts: Facts, period: Period, population: Population, pack: Pack) -> GapTable:
    """Compute T7 of *period*; `total` equals T3's dual feedback, as both count the same duties."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    duties = {duty.assignment_id: duty for duty in one_copy(facts.assignments, incidents)}
    names = {unit.id: unit.name for unit in pack.units}
    amount: dict[str, Counter[Given]] = defaultdict(Counter)
    excused: Counter[str] = Counter()
    exempt = exemptions(facts)
    gaps: list[Gap] = []
    for (unit, duty), due in due_duties(facts, period, population, cut, duties).items():
        what = given(duty)
        if what is None:
            continue
        out = is_excused(duty, exempt)
        excused[unit] += out
        amount[unit][what] += not out
        if what in _MISSING:
            incident = incidents.get(duty.incident_id)
            gaps.append(
                Gap(
                    incident=incident.number if incident else "",
                    unit=unit,
                    name=_name(unit, names),
                    missing=what,
                    due=due.astimezone(period.zone),
                    exempt=out,
                )
            )
    whole = sum(amount.values(), Counter[Given]())
    gaps.sort(key=lambda gap: (gap.exempt, gap.due, gap.incident, gap.unit))
    known = [unit for unit in names if unit in amount]
    return GapTable(
        heading=heading("T7", FORMULA, period, population, pack),
        cut=cut.astimezone(period.zone),
        units=[
            _row(unit, _name(unit, names), amount[unit], excused[unit])
            for unit in (*known, *sorted(amount.keys() - names))
        ],
        total=_row(TOTAL, TOTAL_NAME, whole, excused.total()),
        gap_count=sum(not gap.exempt for gap in gaps),
        gaps=gaps[:LISTED_AT_MOST],
        not_listed=len(gaps[LISTED_AT_MOST:]),
    )


def due_duties(
    facts: Facts,
    period: Period,
    population: Population,
    cut: datetime,
    duties: Mapping[UUID, AssignmentFact],
) -> dict[tuple[str, AssignmentFact], datetime]:
    """Return unit and duty whose 24-hour feedback was due by *cut*, with that time (the first).

    The unit is the one the clock names, as in T3.
    """
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    found: dict[tuple[str, AssignmentFact], datetime] = {}
    for clock in clocks_of(facts, incidents, period, population):
        duty = duties.get(clock.assignment_id) if clock.assignment_id else None
        if clock.kind == ClockKind.FEEDBACK and clock.due <= cut and duty is not None:
            key = (clock.unit or NOBODY, duty)
            found[key] = min(clock.due, found.get(key, clock.due))
    return found


def _name(unit: str, names: Mapping[str, str]) -> str:
    return names.get(unit, NOBODY_NAME if unit == NOBODY else unit)


def _row(unit: str, name: str, amount: Counter[Given], exempt: int) -> GapRow:
    counts = {what.value: amount[what] for what in Given}
    return GapRow(unit=unit, name=name, owed=amount.total(), exempt=exempt, **counts)


_CELLS = ("owed", *(what.value for what in Given))


def published_gaps(whole: GapTable) -> GapTable:
    """Return T7 as it may be published: no single cases, and no count that gives a small one away."""
    rows = [whole.total, *whole.units]
    values = {f"{row.unit}/{cell}": getattr(row, cell) or 0 for row in rows for cell in _CELLS}
    sums: list[Sum] = [tuple(f"{row.unit}/{cell}" for cell in _CELLS) for row in rows]
    sums += [tuple(f"{row.unit}/{cell}" for row in rows) for cell in _CELLS]
    gone = hidden(values, sums)

    return replace(
        whole,
        heading=replace(whole.heading, published=True),
        units=[_shown(row, gone) for row in whole.units],
        total=_shown(whole.total, gone),
        gap_count=None,
        gaps=[],
        not_listed=None,
    )


def _shown(row: GapRow, gone: frozenset[str]) -> GapRow:
    return replace(without(row, row.unit, _CELLS, gone), exempt=None)
