"""T2 to read: three periods beside each other, the changes most worth a sentence first."""

from __future__ import annotations

from services.reports.domain.category_months import CategoryRow, CategoryTable
from services.reports.domain.cover import covered
from services.reports.domain.document import SUPPRESSED, Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.quantities import OTHER, UNSTABLE_BELOW, Rate
from services.reports.domain.wording import Text, listed, named, say, sentence

TOLD = 3


def category_document(report: CategoryTable) -> Document:
    """Return T2 as a report to read."""
    return covered(
        report.heading,
        summary=[_summary(report)],
        grids=[category_grid(report)],
        footnotes=category_notes(),
    )


def _summary(report: CategoryTable) -> Text:
    """Say the total and the largest changes in cases, not in percent: of 1 to 2 is no news."""
    total = report.total
    head = say("有效警情 {count} 起", count=_shown(total.count))
    for name, growth in ((say("环比"), total.on_before), (say("同比"), total.on_year)):
        if growth is not None and growth.percent is not None:
            by = growth.percent
            head = say("{head}，{basis} {by:+.2f}%", head=head, basis=name, by=by)
    said = [head]
    rows = [row for row in report.rows if row.id != OTHER]
    moved = [row for row in rows if row.on_before and row.on_before.numerator]
    moved.sort(key=lambda row: (-abs(row.on_before.numerator if row.on_before else 0), row.id))
    if moved:
        words = [
            say("{name} {moved:+d} 起", name=named(row.name), moved=row.on_before.numerator)
            for row in moved[:TOLD]
            if row.on_before
        ]
        said.append(say("环比变化最大的是{words}", words=listed(words)))
    return sentence(said)


def _shown(value: int | None) -> Cell:
    return SUPPRESSED if value is None else value


def category_grid(report: CategoryTable) -> Grid:
    """Return the one table of T2."""
    now, last_year = report.heading.period, report.last_year or say("去年同期（无）")
    counts, before, year = say("起数"), say("环比"), say("同比")
    more, by = say("增减数"), say("增减率")
    known = report.last_year is not None
    return Grid(
        name=say("类别"),
        caption=say("有效警情按类别，与上期、去年同期比较"),
        columns=[
            Column(name=say("警情类别"), unit=Unit.TEXT),
            Column(name=now, group=counts, summed=True),
            Column(name=report.before, group=counts, summed=True),
            Column(name=last_year, group=counts, summed=known),
            Column(name=more, group=before, summed=True),
            Column(name=by, group=before, unit=Unit.PERCENT, numerator=4, denominator=2),
            Column(name=more, group=year, summed=known),
            Column(name=by, group=year, unit=Unit.PERCENT, numerator=6, denominator=3),
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
        named(row.name),
        _shown(row.count),
        _shown(row.before),
        year[0],
        *_growth(row.on_before),
        *year[1:],
    ]


def _growth(growth: Rate | None) -> list[Cell]:
    return [SUPPRESSED, SUPPRESSED] if growth is None else [growth.numerator, growth.percent]


def category_notes() -> list[Text]:
    """Return the footnotes of T2."""
    return [
        say(
            "环比 = 与上期比，同比 = 与去年同期比；增减率 =（本期 − 对比期）÷ 对比期，对比期为 0 时不计（–）。"
        ),
        say(
            "对比期按同一时刻的事实、现行类别重新统计，不取当时的公布数；不足 {least} 起的类别，增减率仅供参考。",
            least=UNSTABLE_BELOW,
        ),
    ]
