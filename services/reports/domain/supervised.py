"""Supervision 督办 of a period: opened by kind and level, closed in time, late or still open."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from services.reports.domain.copies import once
from services.reports.domain.crosstab import Case, KeptTable, Outcome, kept_table
from services.reports.domain.facts import Facts, Population
from services.reports.domain.later_facts import SupervisionFact
from services.reports.domain.later_words import RUNGS, SUPERVISIONS
from services.reports.domain.period import Period


def supervised(facts: Facts, period: Period, population: Population, cut: datetime) -> KeptTable:
    """Count what was opened in *period* by kind (rows) and highest rung (columns).

    `on_time`: closed by its due time (without one: closed); `open`: not closed at *cut*.
    """
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    found = [
        each
        for each in once(facts.supervisions, incidents)
        if each.opened_at in period
        and each.opened_at <= cut
        and Population.of(exercise=each.exercise) is population
        and not ((incident := incidents.get(each.incident_id)) and incident.test)
    ]
    cases = Counter(Case(each.kind, str(each.level), _outcome(each, cut)) for each in found)
    return kept_table(cases, SUPERVISIONS, [*RUNGS])


def _outcome(supervision: SupervisionFact, cut: datetime) -> Outcome:
    closed = supervision.closed_at
    if closed is None or closed > cut:
        return Outcome.OPEN
    late = supervision.due is not None and closed > supervision.due
    return Outcome.LATE if late else Outcome.ON_TIME
