"""The daily report to read: the day's paragraph, what was grave, what is late."""

from __future__ import annotations

from services.reports.domain.bulletin_document import signature
from services.reports.domain.cover import covered
from services.reports.domain.daily import LISTED_AT_MOST, Daily, Grave
from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from services.reports.domain.opening_words import method, paragraph
from services.reports.domain.overdue_document import (
    overdue_basis,
    overdue_cases,
    overdue_grid,
    overdue_words,
)
from services.reports.domain.overview_document import largest, overview_grids
from services.reports.domain.wording import Text, named, say

CASES_AT_MOST = 20
_SHOWN = ("总况", "按警情类别", "按接警线路", "按乡镇（街道）")
_STATES = {
    "received": "待受理",
    "accepted": "已受理",
    "dispatched": "已派遣",
    "on_scene": "现场处置",
    "handled": "已处置",
    "verifying": "核查中",
    "closed": "已办结",
    "invalid": "无效",
    "duplicate": "重复",
    "transferred": "已转办",
    "suspended": "挂账",
    "cancelled": "已撤销",
    "reopened": "重新办理",
    "unknown": "未知",
}


def daily_document(report: Daily) -> Document:
    """Return the daily report as a report to read and to sign."""
    first = [grid for grid in overview_grids(report.overview) if grid.name in _SHOWN]
    return covered(
        report.heading,
        cut=report.cut,
        summary=[
            *([] if report.grave is None else [_kind(report)]),
            *paragraph(report.overview, report.overview.opening),
            *largest(report.overview),
            *([overdue_words(report.overdue)] if report.overdue else []),
        ],
        grids=[
            *([] if report.grave is None else [_grave(report, report.grave)]),
            *first,
            *_late(report),
        ],
        footnotes=[method(), *([overdue_basis()] if report.overdue else [])],
        signature=signature(),
    )


def _kind(report: Daily) -> Text:
    if report.special is None:
        return say("本日不在特护期内。")
    return say("本日处于特护期（{name}），按规定逐日报告。", name=report.special)


def _late(report: Daily) -> list[Grid]:
    if report.overdue is None:
        return []
    return [overdue_grid(report.overdue), overdue_cases(report.overdue, CASES_AT_MOST)]


def _grave(report: Daily, grave: list[Grave]) -> Grid:
    more = report.grave_count - len(grave)
    rows: list[list[Cell]] = [
        [
            each.incident,
            each.severity,
            named(each.category),
            each.area or None,
            say(_STATES.get(each.state, "未知")),
            f"{each.received_at:%H:%M}",
        ]
        for each in grave
    ]
    return Grid(
        name=say("重大事件"),
        caption=say("重大以上事件（一、二级，按级别和接报时间）"),
        columns=[
            Column(name=say("警情编号"), unit=Unit.TEXT),
            Column(name=say("级别")),
            Column(name=say("警情类别"), unit=Unit.TEXT),
            Column(name=say("乡镇（街道）"), unit=Unit.TEXT),
            Column(name=say("状态"), unit=Unit.TEXT),
            Column(name=say("接报"), unit=Unit.MARK),
        ],
        rows=rows,
        notes=[say("只列前 {count} 件，另有 {more} 件。", count=LISTED_AT_MOST, more=more)]
        if more
        else [],
    )
