"""What a unit's call-backs and upward reports owe its assessment: each promise, and whether it was broken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.reports.domain.call_backs import call_backs_of, is_exempt
from services.reports.domain.exemptions import REPORTING, SATISFACTION, exemptions
from services.reports.domain.facts import Facts, Population
from services.reports.domain.period import Period
from services.reports.domain.upward_reports import Standing, reports_of, standing_of

_BROKEN = {Standing.LATE: "late", Standing.MISSED: "missing"}
_JUDGED = frozenset({Standing.ON_TIME, *_BROKEN})


class Promise(NamedTuple):
    """One promise of a part of the score; `broken` says how, None: kept; `at` UTC."""

    unit: str
    part: str
    incident_id: UUID
    at: datetime
    broken: str | None


def later_promises(
    facts: Facts, period: Period, population: Population, cut: datetime
) -> Iterator[Promise]:
    """Yield what was owed in *period* and up to *cut*; what a granted appeal exempts is not owed."""
    yield from _satisfied(facts, period, population, cut)
    yield from _reported(facts, period, population, cut)


def _satisfied(
    facts: Facts, period: Period, population: Population, cut: datetime
) -> Iterator[Promise]:
    """Yield the callers who said whether they are content; silence is nobody's fault."""
    exempt = exemptions(facts)
    for made in call_backs_of(facts, period, population, cut):
        if made.unit is None or not made.reached or made.satisfied is None:
            continue
        if not is_exempt(made, exempt):
            broken = None if made.satisfied else "unsatisfied"
            yield Promise(made.unit, SATISFACTION, made.incident_id, made.at, broken)


def _reported(
    facts: Facts, period: Period, population: Population, cut: datetime
) -> Iterator[Promise]:
    """Yield the reports that were due; a concealed or false one is broken even if in time (R15)."""
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    exempt = _exempt_reports(facts)
    for report in reports_of(facts.reports, incidents, period, population):
        standing = standing_of(report, cut)
        at = report.due or report.submitted_at
        owed = standing in _JUDGED or report.fault is not None
        if report.unit is None or at is None or not owed:
            continue
        if (report.incident_id, report.unit) not in exempt:
            wrong = report.fault or _BROKEN.get(standing)
            broken = f"R15 {wrong}" if wrong else None
            yield Promise(report.unit, REPORTING, report.incident_id, at, broken)


def _exempt_reports(facts: Facts) -> frozenset[tuple[UUID, str]]:
    """Return incident and unit of the duties whose reporting a granted appeal exempts."""
    exempt = {duty for duty, words in exemptions(facts).items() if REPORTING in words}
    duties = {(d.incident_id, d.unit) for d in facts.assignments if d.assignment_id in exempt}
    asked = {(a.incident_id, a.unit) for a in facts.appeals if a.assignment_id in exempt and a.unit}
    return frozenset({*duties, *((incident, unit) for incident, unit in asked if unit)})
