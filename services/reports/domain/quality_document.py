"""T8 in Chinese: the units' stamps, then what the feeds' door refused."""

from __future__ import annotations

from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from services.reports.domain.overview_document import shown, subtitle
from services.reports.domain.quality import QualityRow, QualityTable

_WORDS = {
    "duties": "派遣",
    "no_ack": "缺签收",
    "no_arrival": "缺到场",
    "no_end": "缺处结",
    "back_dated": "补录超 5 分钟",
    "out_of_order": "时间倒置",
}
_BASIS = "派遣 = 24 小时反馈时限在本期内到期的派遣；同一派遣可同时计入多列。死信由值班工程师处理，不在本表。"
_HIDDEN = "＊ 小于 5 的单元格及可由合计推算出它的单元格不予公布。"


def quality_document(report: QualityTable) -> Document:
    """Return T8 as a report to read."""
    published = report.heading.published
    return Document(
        title=report.heading.title,
        subtitle=f"{subtitle(report.heading)} · 截至 {report.cut:%Y-%m-%d %H:%M:%S}",
        summary=[_summary(report)],
        grids=[_by_unit(report), *([_refused(report)] if report.refused_for else [])],
        footnotes=[_BASIS, *([_HIDDEN] if published else [])],
        exercise=report.heading.population == "exercise",
        landscape=False,
    )


def _summary(report: QualityTable) -> str:
    said = [f"本期到期派遣 {shown(report.total.duties)} 件"]
    if report.unclassified is not None and report.unclassified.percent is not None:
        share = report.unclassified
        said.append(f"有效警情未分类 {share.percent:.2f}%（{share.numerator}/{share.denominator}）")
    if report.refused is not None:
        said.append(f"拒收报文 {report.refused} 份")
    return "；".join(said) + "。"


def _by_unit(report: QualityTable) -> Grid:
    hides = report.heading.published
    return Grid(
        name="按单位",
        caption="时间数据缺陷（按单位）",
        columns=[
            Column(name="单位", unit=Unit.TEXT),
            *(Column(name=word, summed=True) for word in _WORDS.values()),
        ],
        rows=[[row.name, *_counts(row, hides=hides)] for row in report.units],
        total=["合计", *_counts(report.total, hides=hides)],
    )


def _counts(row: QualityRow, *, hides: bool) -> list[Cell]:
    return [shown(getattr(row, name), hides=hides) for name in _WORDS]


def _refused(report: QualityTable) -> Grid:
    return Grid(
        name="拒收",
        caption="拒收报文（按原因，一份可有多个原因）",
        columns=[Column(name="原因", unit=Unit.TEXT), Column(name="份数")],
        rows=[[each.id, each.count] for each in report.refused_for],
    )
