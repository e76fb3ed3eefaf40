"""T1 in Chinese: the opening sentence, then one table per breakdown."""

from __future__ import annotations

from services.reports.domain.document import (
    SUPPRESSED,
    Cell,
    Chart,
    Column,
    Document,
    Grid,
    Unit,
)
from services.reports.domain.heading import Heading
from services.reports.domain.overview import Overview
from services.reports.domain.quantities import OTHER, Breakdown, Part, Rate

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
    return Document(
        title=report.heading.title,
        subtitle=subtitle(report.heading),
        summary=_summary(report),
        grids=[
            _head(report),
            *(
                _grid(column, caption, table, chart, hides=report.heading.published)
                for name, column, caption, chart in _TABLES
                if (table := getattr(report, name)) is not None
            ),
        ],
        footnotes=_footnotes(report),
        exercise=report.heading.population == "exercise",
        landscape=False,
    )


def subtitle(heading: Heading) -> str:
    """Return the line under the title: period with its zone, population, table and formula."""
    population = "演练" if heading.population == "exercise" else "实战"
    last = heading.end.strftime("%Y-%m-%d %H:%M")
    return (
        f"统计时段 {heading.start:%Y-%m-%d %H:%M} 至 {last}（不含，{heading.time_zone}）"
        f" · 口径：{population}{'，公布稿' if heading.published else ''}"
        f" · {heading.table} 公式第 {heading.formula} 版"
    )


def shown(value: int | None, *, hides: bool = True) -> Cell:
    """Return a count as it is printed."""
    return SUPPRESSED if value is None and hides else value


def percent(rate: Rate | None) -> Cell:
    """Return a rate's percentage: – where there is nothing to divide by, ＊ where it is hidden."""
    return SUPPRESSED if rate is None else rate.percent


def _summary(report: Overview) -> list[str]:
    words = [f"共接各类警情、诉求 {shown(report.received)} 起，有效 {shown(report.valid)} 起"]
    if report.valid_rate and report.valid_rate.percent is not None:
        words[0] += f"，有效率 {report.valid_rate.percent:.2f}%"
    named = [p for p in report.by_row.rows if p.id != OTHER and p.count]
    largest = sorted(named, key=lambda p: (-(p.count or 0), p.id))[:3]
    if largest:
        words.append(f"其中{'、'.join(f'{p.name} {p.count} 起' for p in largest)}")
    busiest = max(report.by_hour.rows, key=_most, default=None)
    if busiest is not None and busiest.count:
        words.append(
            f"{int(busiest.id)} 时至 {int(busiest.id) + 1} 时最为集中（{busiest.count} 起）"
        )
    return ["；".join(words) + "。"]


def _most(part: Part) -> int:
    return part.count or 0


def _head(report: Overview) -> Grid:
    rows: list[list[Cell]] = [
        ["有效", shown(report.valid)],
        ["无效", shown(report.invalid)],
        ["重复（并入他案）", shown(report.duplicate)],
    ]
    return Grid(
        name="总况",
        caption="总况",
        columns=[
            Column(name="项目", unit=Unit.TEXT),
            Column(name="起数", summed=True),
            Column(name="占接警总数", unit=Unit.PERCENT, numerator=1, denominator=1, of_total=True),
        ],
        rows=[[*row, _share(row[1], report.received)] for row in rows],
        total=["接警总数", shown(report.received), _share(report.received, report.received)],
    )


def _share(part: Cell, whole: int | None) -> Cell:
    if not isinstance(part, int) or whole is None:
        return SUPPRESSED
    return round(part * 100 / whole, 2) if whole else None


def _grid(column: str, caption: str, table: Breakdown, chart: Chart | None, *, hides: bool) -> Grid:
    rows: list[list[Cell]] = [
        [
            part.name,
            shown(part.count),
            SUPPRESSED if part.percent is None and hides else part.percent,
        ]
        for part in table.rows
    ]
    whole = None if not table.total else 100.0
    return Grid(
        name=caption,
        caption=f"有效警情{caption}",
        columns=[
            Column(name=column, unit=Unit.TEXT),
            Column(name="起数", summed=True),
            Column(name="占比", unit=Unit.PERCENT, numerator=1, denominator=1, of_total=True),
        ],
        rows=rows,
        total=["合计", shown(table.total), SUPPRESSED if table.total is None else whole],
        chart=chart,
    )


def _footnotes(report: Overview) -> list[str]:
    notes = [
        "有效 = 接警总数 − 无效 − 重复；各分类表均以有效警情为准，“其他 / 未分类”为合计减去已列各项。",
    ]
    if report.unclassified is not None:
        notes.append(f"“其他”中尚未分类 {report.unclassified} 起。")
    if report.left_out is not None:
        beside = [f"测试 {report.left_out.test} 起"]
        if report.left_out.exercise is not None:
            beside.append(f"演练 {report.left_out.exercise} 起")
        notes.append(f"不计入任何比率、另行列示：{'、'.join(beside)}。")
    if report.heading.published:
        notes.append("＊ 小于 5 的单元格及可由合计推算出它的单元格不予公布。")
    return notes
