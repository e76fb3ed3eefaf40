"""T2 in Chinese: three periods beside each other, the changes most worth a sentence first."""

from __future__ import annotations

from services.reports.domain.category_months import CategoryRow, CategoryTable
from services.reports.domain.document import SUPPRESSED, Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.overview_document import subtitle
from services.reports.domain.quantities import OTHER, UNSTABLE_BELOW, Rate

TOLD = 3


def category_document(report: CategoryTable) -> Document:
    """Return T2 as a report to read."""
    return Document(
        title=report.heading.title,
        subtitle=subtitle(report.heading),
        summary=_summary(report),
        grids=[_grid(report)],
        footnotes=_footnotes(report),
        exercise=report.heading.population == "exercise",
        landscape=False,
    )


def _summary(report: CategoryTable) -> list[str]:
    """Say the total and the largest changes in cases, not in percent: of 1 to 2 is no news."""
    total = report.total
    said = [
        f"有效警情 {_shown(total.count)} 起{_words('环比', total.on_before)}{_words('同比', total.on_year)}"
    ]
    named = [row for row in report.rows if row.id != OTHER]
    moved = [row for row in named if row.on_before and row.on_before.numerator]
    moved.sort(key=lambda row: (-abs(row.on_before.numerator if row.on_before else 0), row.id))
    if moved:
        words = "、".join(f"{row.name} {_signed(row.on_before)} 起" for row in moved[:TOLD])
        said.append(f"环比变化最大的是{words}")
    return ["；".join(said) + "。"]


def _words(name: str, growth: Rate | None) -> str:
    if growth is None or growth.percent is None:
        return ""
    return f"，{name} {growth.percent:+.2f}%"


def _signed(growth: Rate | None) -> str:
    return f"{growth.numerator:+d}" if growth else SUPPRESSED


def _shown(value: int | None) -> Cell:
    return SUPPRESSED if value is None else value


def _grid(report: CategoryTable) -> Grid:
    now, last_year = report.heading.period, report.last_year or "去年同期（无）"
    return Grid(
        name="类别",
        caption="有效警情按类别，与上期、去年同期比较",
        columns=[
            Column(name="警情类别", unit=Unit.TEXT),
            Column(name=now, group="起数", summed=True),
            Column(name=report.before, group="起数", summed=True),
            Column(name=last_year, group="起数", summed=report.last_year is not None),
            Column(name="增减数", group="环比", summed=True),
            Column(name="增减率", group="环比", unit=Unit.PERCENT, numerator=4, denominator=2),
            Column(name="增减数", group="同比", summed=report.last_year is not None),
            Column(name="增减率", group="同比", unit=Unit.PERCENT, numerator=6, denominator=3),
        ],
        rows=[_cells(row, report) for row in report.rows],
        total=_cells(report.total, report),
        chart=Chart(column=1),
    )


def _cells(row: CategoryRow, report: CategoryTable) -> list[Cell]:
    year: list[Cell] = [_shown(row.last_year), *_growth(row.on_year)]
    if report.last_year is None:
        year = [None, None, None]
    return [
        row.name,
        _shown(row.count),
        _shown(row.before),
        year[0],
        *_growth(row.on_before),
        *year[1:],
    ]


def _growth(growth: Rate | None) -> list[Cell]:
    return [SUPPRESSED, SUPPRESSED] if growth is None else [growth.numerator, growth.percent]


def _footnotes(report: CategoryTable) -> list[str]:
    notes = [
        "环比 = 与上期比，同比 = 与去年同期比；增减率 =（本期 − 对比期）÷ 对比期，对比期为 0 时不计（–）。",
        f"对比期按同一时刻的事实、现行类别重新统计，不取当时的公布数；不足 {UNSTABLE_BELOW} 起的类别，增减率仅供参考。",
    ]
    if report.heading.published:
        notes.append("＊ 小于 5 的单元格及可由合计推算出它的单元格不予公布。")
    return notes
