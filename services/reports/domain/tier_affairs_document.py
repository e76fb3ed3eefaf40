"""T4 to read: what came in at each sub-centre by affair class, then what was handled in time."""

from __future__ import annotations

from services.reports.domain.cover import covered, percent, shown
from services.reports.domain.crosstab import CountRow, Kept, KeptRow, KeptTable
from services.reports.domain.document import Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.quantities import OTHER, OTHER_NAME, UNSTABLE_BELOW
from services.reports.domain.tier_affairs import TierTable
from services.reports.domain.wording import AFFAIRS, Text, named, say, sentence

_WITHHELD = "总表或单位时效统计表隐去的数可由本表推算的，本表相应部分全部不予公布。"
_COLUMNS = {**AFFAIRS, OTHER: OTHER_NAME}


def tier_document(report: TierTable) -> Document:
    """Return T4 as a report to read."""
    return covered(
        report.heading,
        cut=report.cut,
        summary=[_summary(report)],
        grids=[_valid(report), *([_handled(report, report.handled)] if report.handled else [])],
        footnotes=[
            say(
                "有效警情同总表；应处置 = 处置时限在本期内到期的派遣（同单位时效统计表），申诉获准与挂账的不计。"
            ),
            say(
                "地点按警情所在地；分中心所辖之外的地方由中心本级处置。区域包未设分中心的，县城为中心本级，各乡镇单列。"
            ),
            *([say(_WITHHELD)] if report.heading.published else []),
        ],
        landscape=True,
    )


def _summary(report: TierTable) -> Text:
    said = [say("本期有效警情 {count} 起", count=shown(report.valid.total.total))]
    named_rows = [row for row in report.valid.rows if row.id != OTHER and row.total]
    if named_rows:
        most = max(named_rows, key=lambda row: row.total or 0)
        said.append(say("最多的是{name}（{count} 起）", name=named(most.name), count=most.total))
    handled = report.handled
    whole = handled.total.total.rate if handled else None
    if whole is not None and whole.percent is not None:
        said.append(
            say(
                "按期处置率 {percent:.2f}%（{part}/{whole}）",
                percent=whole.percent,
                part=whole.numerator,
                whole=whole.denominator,
            )
        )
    rated = [
        (row.total.rate.percent, row)
        for row in (handled.rows if handled else ())
        if row.total.rate is not None
        and row.total.rate.percent is not None
        and row.total.rate.denominator >= UNSTABLE_BELOW
    ]
    if len(rated) > 1:
        least, row = min(rated, key=lambda each: (each[0], each[1].id))
        said.append(say("最低的是{name}（{percent:.2f}%）", name=named(row.name), percent=least))
    return sentence(said)


def _valid(report: TierTable) -> Grid:
    hides = report.heading.published
    return Grid(
        name=say("有效警情"),
        caption=say("有效警情（按分中心、事务类别）"),
        columns=[
            Column(name=say("分中心"), unit=Unit.TEXT),
            *(Column(name=named(name), summed=True) for name in _COLUMNS.values()),
            Column(name=say("合计"), summed=True),
        ],
        rows=[_counts(row, hides=hides) for row in report.valid.rows],
        total=_counts(report.valid.total, hides=hides),
        chart=Chart(column=len(_COLUMNS) + 1),
    )


def _counts(row: CountRow, *, hides: bool) -> list[Cell]:
    counts = [*(cell.count for cell in row.cells), row.total]
    return [named(row.name), *(shown(count, hides=hides) for count in counts)]


def _handled(report: TierTable, table: KeptTable) -> Grid:
    columns = [Column(name=say("分中心"), unit=Unit.TEXT)]
    for name in _COLUMNS.values():
        columns += _columns(named(name), ("应处置", "按期处置"), len(columns))
    words = ("应处置", "按期处置", "超期处置", "超期未处置")
    columns += _columns(say("合计"), words, len(columns))
    hides = report.heading.published
    if not hides:
        columns.append(Column(name=say("免责"), group=say("合计"), summed=True))
    return Grid(
        name=say("按期处置"),
        caption=say("按期处置（按分中心、事务类别）"),
        columns=columns,
        rows=[_kept(row, hides=hides) for row in table.rows],
        total=_kept(table.total, hides=hides),
    )


def _columns(group: str, words: tuple[str, ...], first: int) -> list[Column]:
    return [
        *(Column(name=say(word), group=group, summed=True) for word in words),
        Column(
            name=say("按期率"),
            group=group,
            unit=Unit.PERCENT,
            numerator=first + 1,
            denominator=first,
        ),
    ]


def _kept(row: KeptRow, *, hides: bool) -> list[Cell]:
    cells: list[Cell] = [named(row.name)]
    for cell in row.cells:
        cells += [*_shown(cell, ("should", "on_time"), hides=hides), percent(cell.rate)]
    whole = _shown(row.total, ("should", "on_time", "late", "open"), hides=hides)
    return [*cells, *whole, percent(row.total.rate), *([] if hides else [row.total.exempt])]


def _shown(cell: Kept, names: tuple[str, ...], *, hides: bool) -> list[Cell]:
    return [shown(getattr(cell, name), hides=hides) for name in names]
