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
from services.reports.domain.upward_reports import (
    Standing,
    exempt_reports,
    reports_of,
    standing_of,
)

_BROKEN = {Standing.LATE: "late", Standing.MISSED: "missing"}
_JUDGED = frozenset({Standing.ON_TIME, *_BROKEN})


class Promise(NamedTuple):
    """One promise of a part of the score; `broken` says how, None: kept; `at` UTC.

    An `exempt` one (an appeal was granted) is not owed, whatever became of it.
    """

    unit: str
    part: str
    incident_id: UUID
    at: datetime
    broken: str | None
    exempt: bool = False


def later_promises(
    facts: Facts, period: Period, population: Population, cut: datetime
) -> Iterator[Promise]:
    """Yield what was owed in *period* and up to *cut*, and what a granted appeal exempts."""
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
        broken = None if made.satisfied else "unsatisfied"
        out = is_exempt(made, exempt)
        yield Promise(made.unit, SATISFACTION, made.incident_id, made.at, broken, out)


def _reported(
    facts: Facts, period: Period, population: Population, cut: datetime
) -> Iterator[Promise]:
    """Yield the reports that were due; a concealed or false one is broken even if in time (R15)."""
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    exempt = exempt_reports(facts)
    for report in reports_of(facts.reports, incidents, period, population):
        standing = standing_of(report, cut)
        at = report.due or report.submitted_at
        owed = standing in _JUDGED or report.fault is not None
        if report.unit is None or at is None or not owed:
            continue
        wrong = report.fault or _BROKEN.get(standing)
        broken = f"R15 {wrong}" if wrong else None
        out = (report.incident_id, report.unit) in exempt
        yield Promise(report.unit, REPORTING, report.incident_id, at, broken, out)
