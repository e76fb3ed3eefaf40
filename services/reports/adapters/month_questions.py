"""Answers one question by sets: loads what it needs, judges, counts, publishes."""

from __future__ import annotations

from services.reports.adapters import arrow_facts, month_sets
from services.reports.adapters.month_sql import FACTS, Kind
from services.reports.domain.category_months import category_table_of
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.opening import is_over, opened_overview_of
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_units
from services.reports.domain.report import Report
from services.reports.domain.tier_affairs import TierTable, published_tiers
from services.reports.domain.units import UnitTable
from services.reports.handlers import Question, Table
from shared.contracts.pack import Pack

_CALLS = (Kind.CALLS, Kind.LINKS, Kind.INCIDENTS)


def answer(dsn: str, question: Question, pack: Pack, epoch: int | None) -> Report:
    """Return the table asked for, as of *epoch* (None: now); raises Unavailable."""
    _, period, population, published = question
    match question.table:
        case Table.OVERVIEW | Table.CATEGORIES:
            return _compared(dsn, question, pack, epoch)
        case Table.UNITS | Table.TIERS:
            with month_sets.opened() as db:
                known = arrow_facts.load(db, dsn, period, as_of_epoch=epoch, kinds=FACTS)
                months = month_sets.judge(db, period, arrow_facts.cuts(known, period))
                cut = known.cut(period, population)
                if question.table is Table.UNITS:
                    units: UnitTable = month_sets.unit_table(months, period, population, pack, cut)
                    return published_units(units) if published else units
                tiers: TierTable = month_sets.tier_table(months, period, population, pack, cut)
                if not published:
                    return tiers
                calls: Overview = month_sets.overview(months, period, population, pack)
                units = month_sets.unit_table(months, period, population, pack, cut)
                return published_tiers(tiers, calls, units)
        case _:
            raise ValueError(f"{question.table} is not counted by sets")


def _compared(dsn: str, question: Question, pack: Pack, epoch: int | None) -> Report:
    """Return T1 or T2: of the periods compared with only the calls are read."""
    table, period, population, published = question
    whole: dict[str, Overview] = {}
    over = False
    for of in (period, *filter(None, (period_before(period), year_before(period)))):
        with month_sets.opened() as db:
            known = arrow_facts.load(db, dsn, of, as_of_epoch=epoch, kinds=_CALLS)
            months = month_sets.judge_calls(db, of, arrow_facts.cuts(known, of))
            whole[of.label] = month_sets.overview(months, of, population, pack)
        if of == period:
            over = is_over(known, period)

    def counted(of: Period) -> Overview:
        return whole[of.label]

    if table is Table.OVERVIEW:
        return opened_overview_of(counted, period, over=over, published=published)
    return category_table_of(counted, period, population, pack, published=published)
