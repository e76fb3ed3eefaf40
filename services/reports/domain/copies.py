"""One copy of what a merge shows twice: under the absorbed incident and under the absorbing one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from services.reports.domain.facts import IncidentFact
from services.reports.domain.later_facts import (
    AppealFact,
    CallBackFact,
    DeferralFact,
    SupervisionFact,
    UpwardReportFact,
)
from shared.contracts.incident import IncidentState

L = TypeVar("L", CallBackFact, AppealFact, DeferralFact, UpwardReportFact, SupervisionFact)


def once(facts: Iterable[L], incidents: Mapping[UUID, IncidentFact]) -> list[L]:
    """Return each of *facts* once, the absorbing incident's, by its id so that order does not matter."""
    kept: dict[UUID, L] = {}
    for fact in facts:
        known = kept.get(fact[0])
        if known is None or _rank(fact, incidents) > _rank(known, incidents):
            kept[fact[0]] = fact
    return [kept[id_] for id_ in sorted(kept)]


def _rank(fact: L, incidents: Mapping[UUID, IncidentFact]) -> tuple[bool, int, UUID]:
    incident = incidents.get(fact.incident_id)
    absorbed = incident is not None and incident.state == IncidentState.DUPLICATE
    return (not absorbed, fact.version, fact.incident_id)
