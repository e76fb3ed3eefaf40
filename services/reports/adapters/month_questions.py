"""Answers one question by sets: loads what it needs, judges, counts, publishes."""

from __future__ import annotations

from services.reports.adapters import arrow_facts, month_sets
from services.reports.adapters.month_sql import Kind
from services.reports.domain.category_months import category_table_of
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.report import Report
from services.reports.handlers import Question, Table
from shared.contracts.pack import Pack

_CALLS = (Kind.CALLS, Kind.LINKS, Kind.INCIDENTS)
_LIMITS = (Kind.INCIDENTS, Kind.ASSIGNMENTS, Kind.CLOCKS)


def answer(dsn: str, question: Question, pack: Pack, epoch: int | None) -> Report:
    """Return the table asked for, as of *epoch* (None: now); raises Unavailable."""
    _, period, population, published = question
    match question.table:
        case Table.OVERVIEW:
            first = _overview(dsn, question, period, pack, epoch)
            return published_overview(first) if published else first
        case Table.CATEGORIES:
            wanted = filter(None, (period, period_before(period), year_before(period)))
            known = {of.label: _overview(dsn, question, of, pack, epoch) for of in wanted}
            return category_table_of(
                lambda of: known[of.label], period, population, pack, published=published
            )
        case Table.UNITS:
            with month_sets.opened() as db:
                cuts = arrow_facts.load(db, dsn, period, as_of_epoch=epoch, kinds=_LIMITS)
                months = month_sets.judge_limits(db, period, cuts)
                cut = cuts[population]
                units = month_sets.unit_table(months, period, population, pack, cut)
            return published_units(units) if published else units
        case _:
            raise ValueError(f"{question.table} is not counted by sets")


def _overview(
    dsn: str, question: Question, period: Period, pack: Pack, epoch: int | None
) -> Overview:
    with month_sets.opened() as db:
        arrow_facts.load(db, dsn, period, as_of_epoch=epoch, kinds=_CALLS)
        months = month_sets.judge_calls(db, period)
        return month_sets.overview(months, period, question.population, pack)
