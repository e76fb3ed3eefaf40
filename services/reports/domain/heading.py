"""What stands above every table: which place, period and population, by which formula."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from services.reports.domain.facts import Population
from services.reports.domain.period import Period
from services.reports.domain.wording import POPULATIONS, TABLES
from shared.contracts.pack import Pack


class Heading(Struct, frozen=True, kw_only=True):
    """`start` and `end` bound the period `[start, end)`, written in the region's zone."""

    table: str
    formula: int
    title: str
    region: str
    region_name: str
    period: str
    period_kind: str
    start: datetime
    end: datetime
    time_zone: str
    population: Population
    published: bool = False


def heading(
    table: str, formula: int, period: Period, population: Population, pack: Pack
) -> Heading:
    """Return the heading; an exercise's says so in its title (演练)."""
    title = f"{pack.region.name}{period.title}{TABLES[table]}{POPULATIONS[population]}"
    return Heading(
        table=table,
        formula=formula,
        title=title,
        region=pack.region.code,
        region_name=pack.region.name,
        period=period.label,
        period_kind=period.kind,
        start=period.start.astimezone(period.zone),
        end=period.end.astimezone(period.zone),
        time_zone=period.zone.key,
        population=population,
    )
