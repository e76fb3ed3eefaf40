"""T1 to read: the opening paragraph, then one table per breakdown."""

from __future__ import annotations

from services.reports.domain.cover import covered, shown
from services.reports.domain.document import (
    SUPPRESSED,
    Cell,
    Chart,
    Column,
    Document,
    Grid,
    Unit,
)
from services.reports.domain.opening_words import method, paragraph
from services.reports.domain.overview import Overview
from services.reports.domain.quantities import OTHER, Breakdown, Part
from services.reports.domain.response import Response, ResponseRow
from services.reports.domain.units_document import lengths, spread_cells
from services.reports.domain.wording import Text, listed, named, say, sentence

_TABLES = (
    ("by_row", "警情类别", "按警情类别", Chart(column=1)),
    ("by_line", "来源", "按接警线路", Chart(column=1)),
    ("by_affair", "事务类别", "按四类事务", None),
    ("by_category", "大类", "按警情大类", None),
    ("by_day", "日期", "按日", Chart(column=1, upright=True)),
    ("by_month", "月份", "按月", Chart(column=1, upright=True)),
    ("by_hour", "时段", "按时段", Chart(column=1, upright=True)),
    ("by_area", "乡镇（街道）", "按乡镇（街道）", Chart(column=1)),
)


def overview_document(report: Overview) -> Document:
    """Return T1 as a report to read; suppressed cells are marked, never guessed."""
    return covered(
        report.heading,
        summary=[*paragraph(report, report.opening), *largest(report)],
        grids=overview_grids(report),
        footnotes=_footnotes(report),
    )


def overview_grids(report: Overview) -> list[Grid]:
    """Return the head and one table per breakdown that is there."""
    hides = report.heading.published
    return [
        _head(report),
        *(
            _grid(column, caption, table, chart, hides=hides)
            for name, column, caption, chart in _TABLES
            if (table := getattr(report, name)) is not None
        ),
        *([_response(report.response)] if report.response is not None else []),
    ]


def _response(table: Response) -> Grid:
    def cells(row: ResponseRow) -> list[Cell]:
        return [shown(row.open), *spread_cells(row.spread)]

    return Grid(
        name=say("响应时间"),
        caption=say("响应时间（接警至首个到场），按接警线路"),
        columns=[
            Column(name=say("来源"), unit=Unit.TEXT),
            Column(name=say("无到场"), summed=True),
            *lengths(Unit.MINUTES, "有到场"),
        ],
        rows=[[named(row.name), *cells(row)] for row in table.rows],
        total=[say("合计"), *cells(table.total)],
    )


def largest(report: Overview) -> list[Text]:
    """Say what most of the calls were, and when; nothing where there were none."""
    words = []
    rows = [part for part in report.by_row.rows if part.id != OTHER and part.count]
    first = sorted(rows, key=lambda part: (-(part.count or 0), part.id))[:3]
    if first:
        each = [
            say("{name} {count:,} 起", name=named(part.name), count=part.count) for part in first
        ]
        words.append(say("其中{most}", most=listed(each)))
    busiest = max(report.by_hour.rows, key=_most, default=None)
    if busiest is not None and busiest.count and busiest.id != OTHER:
        hour = int(busiest.id)
        words.append(
            say(
                "{hour} 时至 {next} 时最为集中（{count:,} 起）",
                hour=hour,
                next=hour + 1,
                count=busiest.count,
            )
        )
    return [sentence(words)] if words else []


def _most(part: Part) -> int:
    return part.count or 0


def _head(report: Overview) -> Grid:
    rows: list[list[Cell]] = [
        [say("有效"), shown(report.valid)],
        [say("无效"), shown(report.invalid)],
        [say("重复（并入他案）"), shown(report.duplicate)],
    ]
    return Grid(
        name=say("总况"),
        caption=say("总况"),
        columns=_columns(say("项目"), say("占接警总数")),
        rows=[[*row, _share(row[1], report.received)] for row in rows],
        total=[say("接警总数"), shown(report.received), _share(report.received, report.received)],
    )


def _columns(first: Text, share: Text) -> list[Column]:
    return [
        Column(name=first, unit=Unit.TEXT),
        Column(name=say("起数"), summed=True),
        Column(name=share, unit=Unit.PERCENT, numerator=1, denominator=1, of_total=True),
    ]


def _share(part: Cell, whole: int | None) -> Cell:
    if not isinstance(part, int) or whole is None:
        return SUPPRESSED
    return round(part * 100 / whole, 2) if whole else None


def _grid(column: str, caption: str, table: Breakdown, chart: Chart | None, *, hides: bool) -> Grid:
    rows: list[list[Cell]] = [
        [
            named(part.name),
            shown(part.count),
            SUPPRESSED if part.percent is None and hides else part.percent,
        ]
        for part in table.rows
    ]
    whole = None if not table.total else 100.0
    return Grid(
        name=say(caption),
        caption=say("有效警情{by}", by=say(caption)),
        columns=_columns(say(column), say("占比")),
        rows=rows,
        total=[say("合计"), shown(table.total), SUPPRESSED if table.total is None else whole],
        chart=chart,
    )


def _footnotes(report: Overview) -> list[Text]:
    notes = [
        say(
            "有效 = 接警总数 − 无效 − 重复；各分类表均以有效警情为准，“其他 / 未分类”为合计减去已列各项。"
        ),
    ]
    if report.unclassified is not None:
        notes.append(say("“其他”中尚未分类 {count} 起。", count=report.unclassified))
    if report.left_out is not None:
        beside = [say("测试 {count} 起", count=report.left_out.test)]
        if report.left_out.exercise is not None:
            beside.append(say("演练 {count} 起", count=report.left_out.exercise))
        notes.append(say("不计入任何比率、另行列示：{beside}。", beside=listed(beside)))
    if report.response is not None:
        notes.append(
            say(
                "响应时间以有效警情计；“无到场”为截至时刻没有到场记录的，含无需到场的诉求，不计入用时。"
            )
        )
    if report.opening is not None:
        notes.append(method())
    return notes
