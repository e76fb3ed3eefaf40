"""The daily report 日报 (R16): a day of a special-protection period 特护期, or of any other."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from services.reports.domain.facts import Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.opening import opened_overview
from services.reports.domain.overdue import OverdueTable, overdue_table
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period, PeriodKind
from shared.contracts.pack import Pack

FORMULA = 2
"""2: T5 in it looks at granted appeals; T1 in it begins with a paragraph and has the response time."""
GRAVE = 2
"""Severities up to this are listed one by one: 1 特别重大 and 2 重大."""
LISTED_AT_MOST = 50


class Grave(Struct, frozen=True, kw_only=True):
    """A grave incident received that day; `received_at` in the region's zone, no place, no text."""

    incident: str
    severity: int
    category: str
    area: str
    state: str
    received_at: datetime


class Daily(Struct, frozen=True, kw_only=True):
    """One day; `special` names the period it lies in, None: it is an ordinary day.

    `grave` None: imported history, which says neither severities nor special periods; `overdue`
    None: nor limits.
    """

    heading: Heading
    special: str | None
    cut: datetime
    overview: Overview
    overdue: OverdueTable | None
    grave: list[Grave] | None
    grave_count: int


class NoDaily(ValueError):
    """Only days have a daily report."""


def daily(facts: Facts, period: Period, population: Population, pack: Pack) -> Daily:
    """Compute the daily report of a day from facts of it, the day before and last year's; raises NoDaily."""
    if period.kind is not PeriodKind.DAY:
        raise NoDaily(f"{period.label} is no day")
    found = [
        Grave(
            incident=each.number,
            severity=each.severity,
            category=pack.category(each.category).name,
            area=_area(each.area, pack),
            state=each.state,
            received_at=each.received_at.astimezone(period.zone),
        )
        for each in sorted(facts.incidents, key=lambda i: (i.severity, i.received_at, i.number))
        if each.received_at in period
        and each.severity <= GRAVE
        and not each.test
        and each.merged_into is None
        and Population.of(exercise=each.exercise) is population
    ]
    return Daily(
        heading=heading("D", FORMULA, period, population, pack),
        special=pack.region.special_period(period.days[0]),
        cut=facts.cut(period, population).astimezone(period.zone),
        overview=opened_overview(facts, period, population, pack),
        overdue=overdue_table(facts, period, population, pack),
        grave=found[:LISTED_AT_MOST],
        grave_count=len(found),
    )


def _area(code: str | None, pack: Pack) -> str:
    known = pack.area_by_code.get(code or "")
    return known.name if known else ""
