"""T3, timeliness by unit: sign-for, arrival, assembly, feedback and handling, each by its clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.reports.domain.cohorts import Band, Cohort, bands, cohort, durations, judged_and_due
from services.reports.domain.dual_feedback import DualFeedback, dual_feedback
from services.reports.domain.exemptions import (
    REWORK,
    Exempt,
    exemptions,
    is_exempt,
    with_exemptions,
)
from services.reports.domain.facts import (
    AssignmentFact,
    ClockFact,
    Facts,
    IncidentFact,
    Population,
)
from services.reports.domain.heading import Heading, heading
from services.reports.domain.period import Period
from services.reports.domain.wording import CLOCKS
from shared.contracts.incident import IncidentState
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

FORMULA = 4
"""2: what is published does not tell late and open together either. 3: stopped after the cut is open.
4: what a granted appeal exempts is in no rate, dual feedback and rework included, and counted beside."""
SIGN_FOR_BANDS_S = (30, 60, 120, 180)
FEEDBACK_BANDS_S = (1800, 3600, 7200, 14400)
CENSORED_AT_MOST = 200


class DayAndNight(Struct, frozen=True, kw_only=True):
    """A cohort apart by day and night, fixed at the clock's start (R01-R04)."""

    all: Cohort
    day: Cohort
    night: Cohort


class UnitRow(Struct, frozen=True, kw_only=True):
    """One unit's figures; `arrival` and `assembly` are different limits and never added (R01-R04).

    `rework_exempt`: reworked duties that a granted appeal exempts; they are not in `rework`.
    """

    unit: str
    name: str
    department: str
    sign_for: Cohort
    sign_for_bands: list[Band] | None
    arrival: DayAndNight
    assembly: DayAndNight
    dual_feedback: DualFeedback
    feedback: Cohort
    feedback_bands: list[Band] | None
    handle: Cohort
    rework: int | None
    rework_exempt: int | None = 0


class Censored(Struct, frozen=True, kw_only=True):
    """A case that was due and is still open at the cut; `due` in the region's zone."""

    incident: str
    unit: str
    clock: str
    rule: str
    due: datetime
    overdue_s: int


class UnitTable(Struct, frozen=True, kw_only=True):
    """T3. `total` is computed from the cases, never from the rows; `cut` ends what is judged."""

    heading: Heading
    cut: datetime
    units: list[UnitRow]
    total: UnitRow
    censored_count: int | None
    censored: list[Censored]


class Who(NamedTuple):
    """Whom a row is of."""

    unit: str
    name: str
    department: str


TOTAL, TOTAL_NAME = "total", "合计"
WHOLE = Who(TOTAL, TOTAL_NAME, "")
NOBODY, NOBODY_NAME = "other", "其他 / 未分类"


def named(pack: Pack, found: Iterable[str]) -> list[Who]:
    """Return the rows' order: the pack's units, then those *found* that it does not know, by id."""
    known = [Who(unit.id, unit.name, unit.department) for unit in pack.units]
    unknown = sorted(set(found) - {who.unit for who in known})
    return [*known, *(Who(u, NOBODY_NAME if u == NOBODY else u, "") for u in unknown)]


def unit_table(facts: Facts, period: Period, population: Population, pack: Pack) -> UnitTable:
    """Compute T3 of *period*: a unit of the pack always has its row, an unknown one its id's."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    clocks = clocks_of(facts, incidents, period, population)
    exempt = exemptions(facts)
    duties = {duty.assignment_id: duty for duty in one_copy(facts.assignments, incidents)}
    by_unit: dict[str, list[ClockFact]] = defaultdict(list)
    for clock in clocks:
        if clock.assignment_id is not None:
            by_unit[clock.unit or NOBODY].append(clock)
    censored = _censored((c for c in clocks if c.assignment_id), incidents, cut, period.zone)
    return UnitTable(
        heading=heading("T3", FORMULA, period, population, pack),
        cut=cut.astimezone(period.zone),
        units=[
            _row(who, by_unit[who.unit], duties, exempt, cut) for who in named(pack, list(by_unit))
        ],
        total=_row(
            WHOLE,
            [clock for mine in by_unit.values() for clock in mine],
            duties,
            exempt,
            cut,
        ),
        censored_count=len(censored),
        censored=censored[:CENSORED_AT_MOST],
    )


def clocks_of(
    facts: Facts,
    incidents: Mapping[UUID, IncidentFact],
    period: Period,
    population: Population,
) -> list[ClockFact]:
    """Keep the clocks due in the period, of the population, not of a test; each once.

    One is exempt when it says so or an appeal about its kind was granted for its duty.
    """
    exempt = exemptions(facts)
    return [
        with_exemptions(clock, exempt)
        for clock in one_copy(facts.clocks, incidents)
        if clock.due in period
        and Population.of(exercise=clock.exercise) is population
        and not ((incident := incidents.get(clock.incident_id)) and incident.test)
    ]


F = TypeVar("F", ClockFact, AssignmentFact)


def one_copy(facts: Iterable[F], incidents: Mapping[UUID, IncidentFact]) -> list[F]:
    """A merge leaves a copy under the absorbed incident: keep the absorbing one's."""
    kept: dict[UUID, F] = {}
    for fact in facts:
        known = kept.get(fact[0])
        if known is None or _rank(fact, incidents) > _rank(known, incidents):
            kept[fact[0]] = fact
    return list(kept.values())


def _rank(
    fact: ClockFact | AssignmentFact, incidents: Mapping[UUID, IncidentFact]
) -> tuple[bool, int, UUID]:
    incident = incidents.get(fact.incident_id)
    absorbed = incident is not None and incident.state == IncidentState.DUPLICATE
    return (not absorbed, fact.version, fact.incident_id)


def _row(
    who: Who,
    clocks: Sequence[ClockFact],
    duties: Mapping[UUID, AssignmentFact],
    exempt: Exempt,
    cut: datetime,
) -> UnitRow:
    kinds: dict[str, list[ClockFact]] = defaultdict(list)
    for clock in clocks:
        kinds[clock.kind].append(clock)
    reworked = [duty for duty in duties_on(kinds[ClockKind.HANDLE], duties) if duty.rework > 0]
    rework_exempt = sum(is_exempt(exempt, duty.assignment_id, REWORK) for duty in reworked)
    return UnitRow(
        unit=who.unit,
        name=who.name,
        department=who.department,
        sign_for=cohort(kinds[ClockKind.ACK], cut),
        sign_for_bands=_bands(kinds[ClockKind.ACK], SIGN_FOR_BANDS_S, cut),
        arrival=_day_and_night(kinds[ClockKind.ARRIVAL], cut),
        assembly=_day_and_night(kinds[ClockKind.ASSEMBLY], cut),
        dual_feedback=dual_feedback(
            duties_on([c for c in kinds[ClockKind.FEEDBACK] if c.due <= cut], duties), exempt
        ),
        feedback=cohort(kinds[ClockKind.FEEDBACK], cut),
        feedback_bands=_bands(kinds[ClockKind.FEEDBACK], FEEDBACK_BANDS_S, cut),
        handle=cohort(kinds[ClockKind.HANDLE], cut),
        rework=len(reworked) - rework_exempt,
        rework_exempt=rework_exempt,
    )


def duties_on(
    clocks: Iterable[ClockFact], duties: Mapping[UUID, AssignmentFact]
) -> list[AssignmentFact]:
    """Return the duties these clocks run on, each once (a progress sheet opens a second clock)."""
    wanted = dict.fromkeys(c.assignment_id for c in clocks if c.assignment_id is not None)
    return [duties[each] for each in wanted if each in duties]


def _bands(clocks: Iterable[ClockFact], limits_s: Sequence[int], cut: datetime) -> list[Band]:
    return bands(durations(judged_and_due(clocks, cut)), limits_s)


def _day_and_night(clocks: Sequence[ClockFact], cut: datetime) -> DayAndNight:
    return DayAndNight(
        all=cohort(clocks, cut),
        day=cohort([c for c in clocks if c.day], cut),
        night=cohort([c for c in clocks if not c.day], cut),
    )


def _censored(
    clocks: Iterable[ClockFact],
    incidents: Mapping[UUID, IncidentFact],
    cut: datetime,
    zone: ZoneInfo,
) -> list[Censored]:
    """Return what was due and is open, the longest overdue first."""
    still_open = [
        clock
        for clock in judged_and_due(clocks, cut)
        if clock.stopped is None and clock.kind in CLOCKS
    ]
    return [
        Censored(
            incident=incidents[c.incident_id].number if c.incident_id in incidents else "",
            unit=c.unit or NOBODY,
            clock=c.kind,
            rule=c.rule,
            due=c.due.astimezone(zone),
            overdue_s=int((cut - c.due).total_seconds()),
        )
        for c in sorted(still_open, key=lambda c: (c.due, c.clock_id))
    ]
