"""T4, sub-centres 分中心 by affair class: what came in where, and what of the handling was on time (P03, P05)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.cohorts import exempt_of, is_on_time, judged_and_due
from services.reports.domain.crosstab import (
    MEASURES,
    Case,
    CountTable,
    KeptTable,
    Outcome,
    count_table,
    kept_table,
    published_counts,
    published_kept,
    withheld_counts,
    withheld_kept,
)
from services.reports.domain.facts import ClockFact, Facts, IncidentFact, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.quantities import OTHER
from services.reports.domain.tally import tally
from services.reports.domain.tiers import tiers
from services.reports.domain.units import UnitTable, clocks_of
from services.reports.domain.wording import AFFAIRS
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

FORMULA = 3
"""2: stopped after the cut is open. 3: what a granted appeal exempts is counted beside."""


class TierTable(Struct, frozen=True, kw_only=True):
    """T4. `valid`: T1's valid calls; `handled`: T3's handling limits, by sub-centre and affair class.

    A column is an affair class, the last one what has none; the place is the incident's. `handled`
    is None where nobody said a limit (imported history).
    """

    heading: Heading
    cut: datetime
    valid: CountTable
    handled: KeptTable | None


Handled = tuple[str | None, str | None, Outcome]
"""Area and affair class of the incident a handling limit is of, and what became of it."""


def tier_table(facts: Facts, period: Period, population: Population, pack: Pack) -> TierTable:
    """Compute T4 of *period*."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    clocks = clocks_of(facts, incidents, period, population)
    handled = Counter(
        _handled(clock, incidents.get(clock.incident_id))
        for clock in (*judged_and_due(clocks, cut), *exempt_of(clocks))
        if clock.kind == ClockKind.HANDLE and clock.assignment_id is not None
    )
    cases = tally(facts, period, population, pack).cases
    above = heading("T4", FORMULA, period, population, pack)
    return tier_table_of(above, cut.astimezone(period.zone), cases, handled, pack)


def tier_table_of(
    above: Heading,
    cut: datetime,
    cases: Mapping[tuple[str, str, str], int],
    handled: Mapping[Handled, int],
    pack: Pack,
) -> TierTable:
    """Arrange T4 of counted valid *cases* (category, affair class, area) and *handled* limits."""
    place = tiers(pack)
    came: Counter[tuple[str, str]] = Counter()
    for (_, affair, area), n in cases.items():
        came[place.of(area), affair] += n
    kept: Counter[Case] = Counter()
    for (area_of, affair_of, what), n in handled.items():
        kept[Case(place.of(area_of), affair_of or OTHER, what)] += n
    return TierTable(
        heading=above,
        cut=cut,
        valid=count_table(came, place.names, [*AFFAIRS]),
        handled=kept_table(kept, place.names, [*AFFAIRS], other=True),
    )


def _handled(clock: ClockFact, incident: IncidentFact | None) -> Handled:
    area, affair = (incident.area, incident.affair) if incident else (None, None)
    return area, affair, outcome(clock)


def outcome(clock: ClockFact) -> Outcome:
    """Say what became of a limit that was due or is exempt."""
    if clock.exempt:
        return Outcome.EXEMPT
    if is_on_time(clock):
        return Outcome.ON_TIME
    return Outcome.OPEN if clock.stopped is None else Outcome.LATE


def published_tiers(whole: TierTable, calls: Overview, units: UnitTable) -> TierTable:
    """Return T4 as it may be published beside T1 (*calls*) and T3 (*units*) of the same period.

    They sum the same cases otherwise: where they hide a cell that T4's margins could give away,
    that part of T4 is withheld wholly.
    """
    shown = published_overview(calls)
    parts = [*shown.by_row.rows, *shown.by_area.rows]
    covered = shown.valid is None or any(part.count is None for part in parts)
    valid = published_counts(whole.valid)
    margins = [row.total for row in (valid.total, *valid.rows)]
    if covered or None in margins:
        valid = withheld_counts(whole.valid)
    return replace(
        whole,
        heading=replace(whole.heading, published=True),
        valid=valid,
        handled=None if whole.handled is None else _published(whole.handled, units),
    )


def _published(whole: KeptTable, units: UnitTable) -> KeptTable:
    handled = published_kept(whole)
    known = (published_units(units).total.handle, handled.total.total)
    if any(getattr(cell, name) is None for cell in known for name in MEASURES):
        return withheld_kept(whole)
    return handled
