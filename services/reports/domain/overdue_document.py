"""T5 in Chinese: how many limits of each kind were missed, then the cases, the worst first."""

from __future__ import annotations

from services.reports.domain.document import Column, Document, Grid, Unit
from services.reports.domain.overdue import LISTED_AT_MOST, OverdueTable
from services.reports.domain.overview_document import shown, subtitle
from services.reports.domain.wording import CLOCKS

_HIDDEN = "＊ 小于 5 的单元格及可由合计推算出它的单元格不予公布。"
_BASIS = "超期 = 时限在本期内到期、到期后才完成或至截止时仍未完成；申诉获准与挂账的时限不计。"


def overdue_document(report: OverdueTable) -> Document:
    """Return T5 as a report to read."""
    published = report.heading.published
    return Document(
        title=report.heading.title,
        subtitle=f"{subtitle(report.heading)} · 截至 {report.cut:%Y-%m-%d %H:%M:%S}",
        summary=[_summary(report)],
        grids=[_by_kind(report), *([] if published else [_cases(report)])],
        footnotes=[_BASIS, *([_HIDDEN] if published else [])],
        exercise=report.heading.population == "exercise",
        landscape=True,
    )


def _summary(report: OverdueTable) -> str:
    said = [
        f"{CLOCKS[kind.clock]} {kind.overdue} 件（其中未完成 {shown(kind.open)} 件）"
        for kind in report.kinds
        if kind.overdue
    ]
    return f"本期超期：{'、'.join(said)}。" if said else "本期没有可列示的超期。"


def _by_kind(report: OverdueTable) -> Grid:
    hides = report.heading.published
    return Grid(
        name="按时限",
        caption="超期件数（按时限种类）",
        columns=[
            Column(name="时限", unit=Unit.TEXT),
            *(Column(name=name) for name in ("到期", "超期", "超期完成", "超期未完成")),
        ],
        rows=[
            [
                CLOCKS[kind.clock],
                *(shown(n, hides=hides) for n in (kind.should, kind.overdue, kind.late, kind.open)),
            ]
            for kind in report.kinds
        ],
    )


def _cases(report: OverdueTable) -> Grid:
    more = report.not_listed or 0
    return Grid(
        name="逐件",
        caption="超期逐件清单（超期最长者在前）",
        columns=[
            *(
                Column(name=name, unit=Unit.TEXT)
                for name in ("警情编号", "单位", "时限", "依据", "应完成", "实际完成")
            ),
            Column(name="超期（分）", unit=Unit.MINUTES),
        ],
        rows=[
            [
                each.incident,
                each.name,
                CLOCKS[each.clock],
                each.rule,
                f"{each.due:%Y-%m-%d %H:%M}",
                f"{each.stopped:%Y-%m-%d %H:%M}" if each.stopped else "未完成",
                each.overdue_s,
            ]
            for each in report.listed
        ],
        notes=[f"只列前 {LISTED_AT_MOST} 件，另有 {more} 件。"] if more else [],
    )
