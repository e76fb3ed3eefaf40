"""T5 to read: how many limits of each kind were missed, then the cases, the worst first."""

from __future__ import annotations

from services.reports.domain.cover import covered, percent, shown
from services.reports.domain.crosstab import MEASURES, KeptRow, KeptTable
from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from services.reports.domain.later_words import RUNGS
from services.reports.domain.overdue import OverdueTable
from services.reports.domain.quantities import OTHER_NAME
from services.reports.domain.wording import CLOCKS, Text, listed, named, say


def overdue_document(report: OverdueTable) -> Document:
    """Return T5 as a report to read."""
    published = report.heading.published
    return covered(
        report.heading,
        cut=report.cut,
        summary=[overdue_words(report)],
        grids=[
            overdue_grid(report),
            *(
                []
                if report.supervision is None
                else [supervision_grid(report.supervision, hides=published)]
            ),
            *([] if published else [overdue_cases(report)]),
        ],
        footnotes=[overdue_basis()],
        landscape=True,
    )


def supervision_grid(table: KeptTable, *, hides: bool) -> Grid:
    """Return the supervisions opened in the period by kind, and by the highest rung reached."""
    cells = [(named(RUNGS.get(c.id, OTHER_NAME)), n) for n, c in enumerate(table.total.cells)]
    words = ("立督", "按时办结", "超时办结", "未办结")

    def row(each: KeptRow) -> list[Cell]:
        rungs = [shown(each.cells[n].should, hides=hides) for _, n in cells]
        total = [shown(getattr(each.total, name), hides=hides) for name in MEASURES]
        return [named(each.name), *rungs, *total, percent(each.total.rate)]

    first = 1 + len(cells)
    return Grid(
        name=say("督办"),
        caption=say("督办（按事由、级别）"),
        columns=[
            Column(name=say("事由"), unit=Unit.TEXT),
            *(Column(name=name, group=say("级别"), summed=True) for name, _ in cells),
            *(Column(name=say(word), group=say("办结"), summed=True) for word in words),
            Column(
                name=say("按时办结率"),
                group=say("办结"),
                unit=Unit.PERCENT,
                numerator=first + 1,
                denominator=first,
            ),
        ],
        rows=[row(each) for each in table.rows],
        total=row(table.total),
    )


def overdue_basis() -> Text:
    """Return the footnote that says what is overdue."""
    return say(
        "超期 = 时限在本期内到期、到期后才完成或至截止时仍未完成；申诉获准（免责）与挂账的时限不计，"
        "免责的超期仍列入逐件清单并注明。"
    )


def overdue_words(report: OverdueTable) -> Text:
    """Say how many limits of each kind were missed."""
    said = [
        say(
            "{clock} {overdue} 件（其中未完成 {open} 件）",
            clock=say(CLOCKS[kind.clock]),
            overdue=kind.overdue,
            open=shown(kind.open),
        )
        for kind in report.kinds
        if kind.overdue
    ]
    return say("本期超期：{said}。", said=listed(said)) if said else say("本期没有可列示的超期。")


def overdue_grid(report: OverdueTable) -> Grid:
    """Return the counts by kind of limit."""
    hides = report.heading.published
    return Grid(
        name=say("按时限"),
        caption=say("超期件数（按时限种类）"),
        columns=[
            Column(name=say("时限"), unit=Unit.TEXT),
            *(Column(name=say(name)) for name in ("到期", "超期", "超期完成", "超期未完成")),
            *([] if hides else [Column(name=say("免责"))]),
        ],
        rows=[
            [
                say(CLOCKS[kind.clock]),
                *(shown(n, hides=hides) for n in (kind.should, kind.overdue, kind.late, kind.open)),
                *([] if hides else [kind.exempt]),
            ]
            for kind in report.kinds
        ],
    )


def overdue_cases(report: OverdueTable, at_most: int | None = None) -> Grid:
    """Return the cases, the longest overdue first, with how many are not listed."""
    listed_here = report.listed if at_most is None else report.listed[:at_most]
    more = len(report.listed) - len(listed_here) + (report.not_listed or 0)
    return Grid(
        name=say("逐件"),
        caption=say("超期逐件清单（超期最长者在前）"),
        columns=[
            *(
                Column(name=say(name), unit=Unit.TEXT)
                for name in ("警情编号", "单位", "时限", "依据", "应完成", "实际完成")
            ),
            Column(name=say("超期（分）"), unit=Unit.MINUTES),
            Column(name=say("备注"), unit=Unit.TEXT),
        ],
        rows=[
            [
                each.incident,
                named(each.name),
                say(CLOCKS[each.clock]),
                each.rule,
                f"{each.due:%Y-%m-%d %H:%M}",
                f"{each.stopped:%Y-%m-%d %H:%M}" if each.stopped else say("未完成"),
                each.overdue_s,
                say("申诉获准，不计") if each.exempt else "",
            ]
            for each in listed_here
        ],
        notes=[say("只列前 {count} 件，另有 {more} 件。", count=len(listed_here), more=more)]
        if more
        else [],
    )
