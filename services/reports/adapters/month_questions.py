"""Answers one question by sets: from judged facts or a closed month's counts, as published if so asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from services.reports.adapters import arrow_facts, month_sets
from services.reports.adapters.month_sets import Months
from services.reports.adapters.month_sql import FACTS, Kind
from services.reports.domain.category_months import category_table_of
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Facts
from services.reports.domain.opening import is_over, opened_overview_of
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_units
from services.reports.domain.report import Report
from services.reports.domain.tier_affairs import TierTable, published_tiers
from services.reports.domain.units import UnitTable
from services.reports.handlers import Question, Table
from shared.contracts.pack import Pack

Opened = Callable[[Period, Collection[Kind]], AbstractContextManager[tuple[Months, Facts]]]
"""Gives a period to count, of which these facts are needed, and its facts' `cut` and `read_at`."""

_CALLS = (Kind.CALLS, Kind.LINKS, Kind.INCIDENTS)


def answer(dsn: str, question: Question, pack: Pack, epoch: int | None) -> Report:
    """Return the table asked for, as of *epoch* (None: now); raises Unavailable."""
    return counted(question, pack, partial(_loaded, dsn, epoch))


@contextmanager
def _loaded(
    dsn: str, epoch: int | None, period: Period, kinds: Collection[Kind]
) -> Iterator[tuple[Months, Facts]]:
    """Load the facts of *period* from PostgreSQL and judge them."""
    with month_sets.opened() as db:
        known = arrow_facts.load(db, dsn, period, as_of_epoch=epoch, kinds=kinds)
        judge = month_sets.judge if Kind.CLOCKS in kinds else month_sets.judge_calls
        yield judge(db, period, arrow_facts.cuts(known, period)), known


def counted(question: Question, pack: Pack, opened: Opened) -> Report:
    """Return the table asked for, T1 to T4, from the periods *opened* gives, one after another."""
    _, period, population, published = question
    match question.table:
        case Table.OVERVIEW | Table.CATEGORIES:
            return _compared(question, pack, opened)
        case Table.UNITS | Table.TIERS:
            with opened(period, tuple(FACTS)) as (months, known):
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


def _compared(question: Question, pack: Pack, opened: Opened) -> Report:
    """Return T1 or T2: of the periods compared with only the calls are read."""
    table, period, population, published = question
    whole: dict[str, Overview] = {}
    over = False
    for of in (period, *filter(None, (period_before(period), year_before(period)))):
        with opened(of, _CALLS) as (months, known):
            whole[of.label] = month_sets.overview(months, of, population, pack)
        if of == period:
            over = is_over(known, period)

    def overview_of(of: Period) -> Overview:
        return whole[of.label]

    if table is Table.OVERVIEW:
        return opened_overview_of(overview_of, period, over=over, published=published)
    return category_table_of(overview_of, period, population, pack, published=published)
