"""Unit assessment 单位考核 (A01-A03): scores out of a hundred, ranked within classes of like workload."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from services.reports.domain.cohorts import exempt_of, is_on_time, judged_and_due
from services.reports.domain.dual_feedback import Given, given, is_excused
from services.reports.domain.exemptions import REWORK, exemptions, is_exempt
from services.reports.domain.facts import AssignmentFact, ClockFact, Facts, IncidentFact, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.later_promises import later_promises
from services.reports.domain.period import Period
from services.reports.domain.units import clocks_of, duties_on, one_copy
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

FORMULA = 4
"""2: satisfaction and reporting count; appeals also exempt what no clock judges. 3: stopped after the cut is missing.
4: a granted appeal exempts a clock even before sla has said so."""
CLASSES = 3
BANDS = (95, 90, 80)
"""Lower ends of the bands of a score (分档), points; *ours*."""


class Component(StrEnum):
    """The six parts of a score; their weights stand in the pack under the same names."""

    ARRIVAL = "arrival"
    DUAL_FEEDBACK = "dual_feedback"
    CLOSING = "closing"
    REWORK = "rework"
    SATISFACTION = "satisfaction"
    REPORTING = "reporting"


class Points(Struct, frozen=True, kw_only=True):
    """One part: `points` = weight x kept / owed, to hundredths, half up; None when nothing was owed.

    `weight` whole points, `kept` of the `owed` promises; `exempt` ones (an appeal was granted) are in
    neither.
    """

    component: Component
    weight: int
    kept: int
    owed: int
    points: float | None
    exempt: int = 0


class Deduction(Struct, frozen=True, kw_only=True):
    """A promise that was not kept: it cost weight / owed of its part. `at` in the region's zone."""

    component: Component
    incident: str
    reason: str
    at: datetime


class UnitScore(Struct, frozen=True, kw_only=True):
    """One unit's sheet, from which it can recompute `score`.

    `score` = sum of points x 100 / sum of the weights of the parts that were owed, to hundredths,
    half up; None when nothing was owed. `workload`: duties signed for in the previous period,
    which put it in `workload_class` 1 (most) to 3. `rank`: within the class, ties share one; None
    with fewer `duties` in this period than the pack ranks from.
    """

    unit: str
    name: str
    workload: int
    workload_class: int
    duties: int
    score: float | None
    rank: int | None
    parts: list[Points]
    deductions: list[Deduction]


class AssessmentTable(Struct, frozen=True, kw_only=True):
    """Every unit of the pack, by class, rank and id; `cut` ends what is judged."""

    heading: Heading
    cut: datetime
    previous: str
    ranked_from: int
    units: list[UnitScore]


def assessment(
    facts: Facts,
    previous: Facts,
    periods: tuple[Period, Period],
    population: Population,
    pack: Pack,
) -> AssessmentTable:
    """Assess the first of *periods* by *facts*; the second, by *previous*, gives the classes.

    Granted appeals are exempt: neither owed nor lost. Satisfaction counts the callers who were
    reached and said whether they were content, reporting the upward reports that were due, each
    of the unit that the fact names.
    """
    period, before = periods
    cut = facts.cut(period, population)
    found = _Found(facts, period, population, cut)
    workload = _workload(previous, before, population)
    classes = terciles({unit.id: workload[unit.id] for unit in pack.units})
    scores = [
        _score(unit.id, unit.name, workload[unit.id], classes[unit.id], found, pack)
        for unit in pack.units
    ]
    return AssessmentTable(
        heading=heading("A", FORMULA, period, population, pack),
        cut=cut.astimezone(period.zone),
        previous=before.label,
        ranked_from=pack.assessment.ranked_from,
        units=ranked(scores, pack.assessment.ranked_from),
    )


def terciles(workload: Mapping[str, int]) -> dict[str, int]:
    """Return class 1 (most work) to 3 of each unit; units with the same work share a class (A03).

    A unit's class is the third of the order in which the last of its equals stands.
    """
    order = sorted(workload, key=lambda unit: (-workload[unit], unit))
    last = {workload[unit]: place for place, unit in enumerate(order)}
    return {unit: last[workload[unit]] * CLASSES // len(order) + 1 for unit in order}


def ranked(scores: Sequence[UnitScore], ranked_from: int) -> list[UnitScore]:
    """Return *scores* by class and rank; who is not ranked stands last in its class."""

    def may(score: UnitScore) -> bool:
        return score.score is not None and score.duties >= ranked_from

    better: Counter[tuple[int, float]] = Counter(
        (s.workload_class, s.score or 0.0) for s in scores if may(s)
    )

    def rank(score: UnitScore) -> int | None:
        if not may(score):
            return None
        above = (
            n
            for (c, s), n in better.items()
            if c == score.workload_class and s > (score.score or 0)
        )
        return 1 + sum(above)

    placed = [_with_rank(score, rank(score)) for score in scores]
    return sorted(placed, key=lambda s: (s.workload_class, s.rank or len(scores) + 1, s.unit))


def _with_rank(score: UnitScore, rank: int | None) -> UnitScore:
    fields = {name: getattr(score, name) for name in score.__struct_fields__}
    return UnitScore(**(fields | {"rank": rank}))


def hundredths(numerator: int, denominator: int) -> int:
    """Return numerator / denominator in whole hundredths, half up; *denominator* is not 0."""
    return (numerator * 200 + denominator) // (2 * denominator)


def _workload(facts: Facts, period: Period, population: Population) -> Counter[str]:
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    clocks = clocks_of(facts, incidents, period, population)
    duties = {
        (clock.unit or "", clock.assignment_id) for clock in clocks if clock.kind == ClockKind.ACK
    }
    return Counter(unit for unit, _ in duties)


_TIMELY: Mapping[str, Component] = {
    ClockKind.ARRIVAL: Component.ARRIVAL,
    ClockKind.ASSEMBLY: Component.ARRIVAL,
    ClockKind.HANDLE: Component.CLOSING,
}


class _Found:
    """What each unit owed and what it did not keep."""

    def __init__(self, facts: Facts, period: Period, population: Population, cut: datetime) -> None:
        self._zone = period.zone
        self._incidents: dict[UUID, IncidentFact] = {i.incident_id: i for i in facts.incidents}
        self.owed: Counter[tuple[str, Component]] = Counter()
        self.exempt: Counter[tuple[str, Component]] = Counter()
        self.lost: dict[str, list[Deduction]] = defaultdict(list)
        self.duties: dict[str, set[UUID]] = defaultdict(set)
        self._exempt = exemptions(facts)
        duties = {d.assignment_id: d for d in one_copy(facts.assignments, self._incidents)}
        clocks: dict[str, list[ClockFact]] = defaultdict(list)
        for clock in clocks_of(facts, self._incidents, period, population):
            if clock.assignment_id is not None and clock.unit is not None:
                clocks[clock.unit].append(clock)
        for unit, mine in clocks.items():
            judged = judged_and_due(mine, cut)
            self.duties[unit] = {c.assignment_id for c in judged if c.assignment_id}
            self._timely(unit, judged)
            for clock in exempt_of(mine):
                if part := _TIMELY.get(clock.kind):
                    self.exempt[unit, part] += 1
            sheets = [c for c in mine if c.kind == ClockKind.FEEDBACK and c.due <= cut]
            self._reported(unit, duties_on(sheets, duties), sheets)
            handled = [c for c in judged if c.kind == ClockKind.HANDLE]
            self._redone(unit, duties_on(handled, duties))
        for promise in later_promises(facts, period, population, cut):
            part = Component(promise.part)
            if promise.exempt:
                self.exempt[promise.unit, part] += 1
                continue
            self.owed[promise.unit, part] += 1
            if promise.broken is not None:
                self._lose(promise.unit, part, promise.incident_id, promise.broken, promise.at)

    def _timely(self, unit: str, clocks: Sequence[ClockFact]) -> None:
        for clock in clocks:
            if part := _TIMELY.get(clock.kind):
                self.owed[unit, part] += 1
                if not is_on_time(clock):
                    late = "late" if clock.stopped is not None else "missing"
                    self._lose(unit, part, clock.incident_id, f"{clock.rule} {late}", clock.due)

    def _reported(
        self, unit: str, duties: Sequence[AssignmentFact], sheets: Sequence[ClockFact]
    ) -> None:
        due = {sheet.assignment_id: sheet.due for sheet in sheets}
        for duty in duties:
            what = given(duty)
            if what is not None and is_excused(duty, self._exempt):
                self.exempt[unit, Component.DUAL_FEEDBACK] += 1
            elif what is not None:
                self.owed[unit, Component.DUAL_FEEDBACK] += 1
                if what is not Given.BOTH:
                    at = due[duty.assignment_id]
                    self._lose(unit, Component.DUAL_FEEDBACK, duty.incident_id, f"R08 {what}", at)

    def _redone(self, unit: str, duties: Sequence[AssignmentFact]) -> None:
        for duty in duties:
            if duty.ended_at is None:
                continue
            if is_exempt(self._exempt, duty.assignment_id, REWORK):
                self.exempt[unit, Component.REWORK] += 1
            else:
                self.owed[unit, Component.REWORK] += 1
                if duty.rework:
                    at = duty.ended_at
                    self._lose(unit, Component.REWORK, duty.incident_id, "rework", at)

    def _lose(self, unit: str, part: Component, incident: UUID, reason: str, at: datetime) -> None:
        known = self._incidents.get(incident)
        self.lost[unit].append(
            Deduction(
                component=part,
                incident=known.number if known else "",
                reason=reason,
                at=at.astimezone(self._zone),
            )
        )


_ORDER = {component: place for place, component in enumerate(Component)}


def _score(
    unit: str, name: str, workload: int, workload_class: int, found: _Found, pack: Pack
) -> UnitScore:
    lost = sorted(found.lost[unit], key=lambda d: (_ORDER[d.component], d.at, d.incident))
    missed = Counter(deduction.component for deduction in lost)
    parts = []
    for component in Component:
        owed = found.owed[unit, component]
        kept = owed - missed[component]
        weight = getattr(pack.assessment.weights, component.value)
        points = hundredths(weight * kept, owed) / 100 if owed else None
        parts.append(
            Points(
                component=component,
                weight=weight,
                kept=kept,
                owed=owed,
                points=points,
                exempt=found.exempt[unit, component],
            )
        )
    return UnitScore(
        unit=unit,
        name=name,
        workload=workload,
        workload_class=workload_class,
        duties=len(found.duties[unit]),
        score=score_of(parts),
        rank=None,
        parts=parts,
        deductions=lost,
    )


def score_of(parts: Sequence[Points]) -> float | None:
    """Return the score of *parts*: those that were owed, scaled to a hundred."""
    counted = [part for part in parts if part.points is not None and part.weight]
    weights = sum(part.weight for part in counted)
    if not weights:
        return None
    earned = sum(round((part.points or 0.0) * 100) for part in counted)
    return hundredths(earned, weights) / 100
