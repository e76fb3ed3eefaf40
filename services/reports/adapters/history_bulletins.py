"""Bulletins and daily reports of imported history: the platform's own, as far as columns say them."""

from __future__ import annotations

from typing import TypeVar

from services.reports.adapters.history_assessment import assessed, unclassed
from services.reports.adapters.history_scope import Scope
from services.reports.adapters.history_source import HistoryRefused
from services.reports.adapters.history_tables import HistoryTables
from services.reports.domain.assessment import AssessmentTable
from services.reports.domain.bulletin import (
    LISTED,
    Bulletin,
    Parts,
    bulletin_heading,
    composed,
)
from services.reports.domain.category_months import CategoryTable
from services.reports.domain.changes import most_important
from services.reports.domain.daily import FORMULA as DAILY
from services.reports.domain.daily import Daily
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.heading import heading
from services.reports.domain.history_notes import begun
from services.reports.domain.history_tables import Asked, lacking
from services.reports.domain.opening import Seen, changes, opening
from services.reports.domain.overdue import OverdueTable
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.units import UnitTable
from services.reports.domain.wording import Text


def bulletin(scope: Scope, period: Period, *, published: bool) -> tuple[Bulletin, list[Text]]:
    """Return T9 or T10 and what a reader has to know: what is not in it, and why.

    Raises NoBulletin, HistoryRefused where nothing was imported of the period.
    """
    now = HistoryTables(scope, period)
    above = bulletin_heading(period, scope.population, now.pack, published=published)
    scores = _scores(scope, now, period)
    # each period's facts take the place of the one's before, so the period itself comes last
    before = _seen(scope, now, period_before(period), published=published)
    earlier = year_before(period)
    last_year = _seen(scope, now, earlier, published=published) if earlier else None
    now = HistoryTables(scope, period, now.pack)
    overview = now.table(Asked.OVERVIEW, published=published)
    assert isinstance(overview, Overview)  # noqa: S101 - what was asked for
    three = (now.seen(published=published), before, last_year)
    first = now.ended(opening(*three, over=now.over))
    parts = Parts(
        opening=first,
        moved=most_important(changes(*three), LISTED) if first.changes else [],
        overview=overview,
        categories=_found(now, Asked.CATEGORIES, CategoryTable, published=published),
        units=_found(now, Asked.UNITS, UnitTable, published=published),
        overdue=_found(now, Asked.OVERDUE, OverdueTable, published=published),
        scores=scores,
    )
    left_out = [
        _left_out(title, wanted)
        for asked, title in _PARTS.items()
        if (wanted := lacking(asked, now.basis))
    ]
    if scores is None and not lacking(Asked.ASSESSMENT, now.basis):
        left_out.append(unclassed(period))
    return composed(parts, above, now.cut.astimezone(period.zone)), [*left_out, *now.notes()]


def daily(scope: Scope, day: Period) -> tuple[Daily, list[Text]]:
    """Return the daily report; no column says severities and special periods."""
    now = HistoryTables(scope, day)
    overview = now.table(Asked.OVERVIEW)
    assert isinstance(overview, Overview)  # noqa: S101 - what was asked for
    found = Daily(
        heading=heading("D", DAILY, day, scope.population, now.pack),
        special=None,
        cut=now.cut.astimezone(day.zone),
        overview=overview,
        overdue=_found(now, Asked.OVERDUE, OverdueTable, published=False),
        grave=None,
        grave_count=0,
    )
    return found, [_NO_SEVERITY, *now.notes()]


_NO_SEVERITY = Text(
    "数据中没有级别和特护期，不列重大事件。",
    "The files say neither severities nor special periods: no grave incidents are listed.",
)
_PARTS = {
    Asked.CATEGORIES: ("分类同比环比", "categories"),
    Asked.UNITS: ("单位时效", "timeliness by unit"),
    Asked.ASSESSMENT: ("考核排名", "the ranking"),
    Asked.OVERDUE: ("超期情况", "what is overdue"),
}


def _left_out(title: tuple[str, str], wanted: str) -> Text:
    chinese, english = title
    return Text(f"未列{chinese}：需要 {wanted}。", f"Left out, {english}: needs {wanted}.")


def _scores(scope: Scope, now: HistoryTables, period: Period) -> AssessmentTable | None:
    before = period_before(period)
    classed = scope.known(before) and begun(now.basis, before)
    if lacking(Asked.ASSESSMENT, now.basis) or not classed:
        return None
    return assessed(scope, period)[0]


T = TypeVar("T")


def _seen(scope: Scope, now: HistoryTables, period: Period, *, published: bool) -> Seen:
    """Return an earlier period; one the data begin in is as if there were none of it."""
    known = scope.known(period) and begun(now.basis, period)
    tables = HistoryTables(scope, period, now.pack)
    return tables.seen(published=published) if known else tables.nothing()


def _found(tables: HistoryTables, asked: Asked, kind: type[T], *, published: bool) -> T | None:
    try:
        found = tables.table(asked, published=published)
    except HistoryRefused:
        return None
    assert isinstance(found, kind)  # noqa: S101 - what was asked for
    return found
