"""T6, the ledger of upward reports 上报台账: which were owed, in time, late or missed, by level and stage (R13-R15)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.copies import once
from services.reports.domain.crosstab import (
    Case,
    KeptTable,
    Outcome,
    kept_table,
    published_kept,
)
from services.reports.domain.exemptions import REPORTING, exemptions
from services.reports.domain.facts import Facts, IncidentFact, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.later_facts import UpwardReportFact
from services.reports.domain.later_words import LEVELS, STAGES
from services.reports.domain.period import Period
from services.reports.domain.suppression import hidden
from shared.contracts.pack import Pack

FORMULA = 2
"""2: reports that a granted appeal exempts are counted beside and stay listed; published, a count is
hidden that follows from any combination of sums."""
LISTED_AT_MOST = 500
CENTRE = ""
"""Stands for the unit where the centre itself owes the report."""


class Standing(StrEnum):
    """Where one report stands at the cut."""

    ON_TIME = "on_time"
    LATE = "late"
    MISSED = "missed"
    NOT_YET_DUE = "not_yet_due"
    UNLIMITED = "unlimited"


class Edition(StrEnum):
    """Whether a report puts an earlier one right."""

    ORIGINAL = "original"
    CORRECTION = "correction"


class Fault(Struct, frozen=True):
    """One of the four faults of R15 and how many reports have it; None: suppressed."""

    id: str
    count: int | None


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the ledger; times in the region's zone; `unit` empty: the centre itself.

    An `exempt` one stays in the ledger, as the mark stays visible, and is counted in no rate or fault.
    """

    incident: str
    level: str
    stage: str
    sequence: int
    unit: str
    name: str
    medium: str | None
    due_at: datetime | None
    submitted_at: datetime | None
    standing: Standing
    carries: list[str]
    edition: Edition
    fault: str | None
    exempt: bool = False


class ReportLedger(Struct, frozen=True, kw_only=True):
    """T6 of the reports due in the period (without a limit: made in it) and up to `cut`.

    `punctuality`: by level (rows) and stage (columns), `open` are the missed ones. Beside it, in
    no rate: `not_yet_due`, `unlimited` and, in each cell, `exempt` (an appeal was granted; in no
    fault either). `faults` may overlap: a false report can be late.
    """

    heading: Heading
    cut: datetime
    punctuality: KeptTable
    not_yet_due: int | None
    unlimited: int | None
    faults: list[Fault]
    entries: list[Entry]
    not_listed: int | None


FAULTS = ("missed", "concealed", "false", "late")
"""漏报 瞒报 谎报 缓报, in the order of R15."""

_OUTCOMES = {
    Standing.ON_TIME: Outcome.ON_TIME,
    Standing.LATE: Outcome.LATE,
    Standing.MISSED: Outcome.OPEN,
}


def report_ledger(facts: Facts, period: Period, population: Population, pack: Pack) -> ReportLedger:
    """Compute T6 of *period*; parts of levels and stages sum to the whole."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    known = reports_of(facts.reports, incidents, period, population)
    standing = {each.report_id: standing_of(each, cut) for each in known}
    excused = exempt_reports(facts)
    exempt = {each.report_id for each in known if (each.incident_id, each.unit) in excused}
    counted = [each for each in known if each.report_id not in exempt]
    amount = Counter(standing[each.report_id] for each in counted)
    beside = Counter(standing.values())
    cases = Counter(
        Case(each.level, each.stage, Outcome.EXEMPT if each.report_id in exempt else outcome)
        for each in known
        if (outcome := _OUTCOMES.get(standing[each.report_id])) is not None
    )
    found = Counter(each.fault for each in counted if each.fault)
    faults = {
        "missed": amount[Standing.MISSED],
        "late": amount[Standing.LATE],
        **{name: found[name] for name in ("concealed", "false")},
    }
    names = {unit.id: unit.name for unit in pack.units}
    entries = [
        replace(
            _entry(each, standing[each.report_id], incidents, names, period),
            exempt=each.report_id in exempt,
        )
        for each in known
    ]
    entries.sort(key=lambda e: (e.due_at or e.submitted_at or cut, e.incident, e.level, e.sequence))
    levels = {level: name for level, name in LEVELS.items() if any(c.row == level for c in cases)}
    return ReportLedger(
        heading=heading("T6", FORMULA, period, population, pack),
        cut=cut.astimezone(period.zone),
        punctuality=kept_table(cases, levels, [*STAGES]),
        not_yet_due=beside[Standing.NOT_YET_DUE],
        unlimited=beside[Standing.UNLIMITED],
        faults=[Fault(name, faults[name]) for name in FAULTS],
        entries=entries[:LISTED_AT_MOST],
        not_listed=len(entries) - len(entries[:LISTED_AT_MOST]),
    )


def reports_of(
    reports: Iterable[UpwardReportFact],
    incidents: Mapping[UUID, IncidentFact],
    period: Period,
    population: Population,
) -> list[UpwardReportFact]:
    """Keep the reports of the period and population, not of a test, each once."""
    return [
        each
        for each in once(reports, incidents)
        if (when := each.due or each.submitted_at) is not None
        and when in period
        and Population.of(exercise=each.exercise) is population
        and not each.test
    ]


def exempt_reports(facts: Facts) -> frozenset[tuple[UUID, str | None]]:
    """Return incident and unit of the duties whose reporting a granted appeal exempts."""
    exempt = {duty for duty, words in exemptions(facts).items() if REPORTING in words}
    duties = {(d.incident_id, d.unit) for d in facts.assignments if d.assignment_id in exempt}
    asked = {(a.incident_id, a.unit) for a in facts.appeals if a.assignment_id in exempt and a.unit}
    return frozenset({*duties, *asked})


def standing_of(report: UpwardReportFact, cut: datetime) -> Standing:
    """Say where *report* stands; one made before its limit is judged when that is due."""
    if report.due is None:
        return Standing.UNLIMITED
    if report.due > cut:
        return Standing.NOT_YET_DUE
    if report.submitted_at is None:
        return Standing.MISSED
    return Standing.ON_TIME if report.submitted_at <= report.due else Standing.LATE


def _entry(
    report: UpwardReportFact,
    standing: Standing,
    incidents: Mapping[UUID, IncidentFact],
    names: Mapping[str, str],
    period: Period,
) -> Entry:
    incident = incidents.get(report.incident_id)
    unit = report.unit or CENTRE
    return Entry(
        incident=incident.number if incident else "",
        level=report.level,
        stage=report.stage,
        sequence=report.sequence,
        unit=unit,
        name=names.get(unit, unit),
        medium=report.medium,
        due_at=report.due.astimezone(period.zone) if report.due else None,
        submitted_at=report.submitted_at.astimezone(period.zone) if report.submitted_at else None,
        standing=standing,
        carries=report.carries.split(),
        edition=Edition.CORRECTION if report.supersedes else Edition.ORIGINAL,
        fault=report.fault,
    )


def published_ledger(whole: ReportLedger) -> ReportLedger:
    """Return T6 as it may be published: no single report, nothing small to read or subtract.

    A hidden missed or late count is not told by the faults either.
    """
    punctuality = published_kept(whole.punctuality)
    total = punctuality.total.total
    gone = hidden({fault.id: fault.count or 0 for fault in whole.faults}, [])
    known = {"missed": total.open is not None, "late": total.late is not None}
    return replace(
        whole,
        heading=replace(whole.heading, published=True),
        punctuality=punctuality,
        not_yet_due=None,
        unlimited=None,
        faults=[
            Fault(f.id, f.count if known.get(f.id, True) and f.id not in gone else None)
            for f in whole.faults
        ],
        entries=[],
        not_listed=None,
    )
