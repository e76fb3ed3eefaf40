"""What the tables of calls count: by facts one by one here, by sets in an adapter, then named by T1, T2, T4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.reports.domain.facts import CallFact, Facts, IncidentFact, Population
from services.reports.domain.period import Period
from services.reports.domain.quantities import Spread
from services.reports.domain.response import spreads, took
from services.reports.domain.standing import Standing, standing
from shared.contracts.pack import Pack

Case = tuple[str, str, str]
"""Category, affair class and area of a valid call."""


@dataclass(frozen=True)
class Tally:
    """Calls of one period and population; every counter but `standings` is of the valid ones.

    `inside`: received in the period, of both populations. `cases` by category, affair class and
    area (of the incident where there is one), `hours` by local day (ISO) and hour (`00`-`23`).
    `responses`: how long until somebody arrived, by line and of all (`response.spreads`).
    """

    inside: int
    standings: Counter[Standing]
    cases: Counter[Case]
    lines: Counter[str]
    hours: Counter[tuple[str, str]]
    responses: Mapping[str, Spread] = field(default_factory=dict)

    @property
    def ours(self) -> int:
        """Return how many calls are of the population."""
        return self.standings.total()


def tally(facts: Facts, period: Period, population: Population, pack: Pack) -> Tally:
    """Count the calls of *facts* that were received in *period*."""
    inside = [call for call in facts.calls if call.received_at in period]
    ours = [call for call in inside if Population.of(exercise=call.exercise) is population]
    opened = {incident.incident_id: incident for incident in facts.incidents}
    stand = _standings(ours, facts)
    valid = [call for call in ours if stand[call] is Standing.VALID]
    cut = facts.cut(period, population)
    waited = ((call.line, took(call, opened.get(call.opens), cut)) for call in valid)
    local = [call.received_at.astimezone(period.zone) for call in valid]
    return Tally(
        inside=len(inside),
        standings=Counter(stand[call] for call in ours),
        cases=Counter(_case(call, opened.get(call.opens), pack) for call in valid),
        lines=Counter(call.line for call in valid),
        hours=Counter((str(at.date()), f"{at:%H}") for at in local),
        responses=spreads((line, length) for line, length in waited if length is not None),
    )


def affair_of(category: str, affair: str | None, pack: Pack) -> str:
    """Return the incident's affair class; its category's in the pack until there is an incident."""
    return pack.category(category).affair if affair is None else affair


def _standings(calls: Iterable[CallFact], facts: Facts) -> dict[CallFact, Standing]:
    opened = {incident.incident_id: incident for incident in facts.incidents}
    linked = {link.call_id for link in facts.links}
    return {
        call: standing(call, opened.get(call.opens), linked=call.call_id in linked)
        for call in calls
    }


def _case(call: CallFact, incident: IncidentFact | None, pack: Pack) -> Case:
    """Say what a valid call counts as: as its incident classifies it, until then as the hotline did."""
    category = incident.category if incident else call.category
    affair = affair_of(category, incident.affair if incident else None, pack)
    return category, affair, (incident and incident.area) or call.area or ""
