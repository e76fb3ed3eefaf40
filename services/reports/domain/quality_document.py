"""T8 to read: the units' stamps, then what the feeds' door refused."""

from __future__ import annotations

from services.reports.domain.cover import covered, shown
from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from services.reports.domain.quality import DEFECTS, QualityRow, QualityTable
from services.reports.domain.wording import Text, named, say, sentence

_WORDS = {
    "duties": "派遣",
    "no_ack": "缺签收",
    "no_arrival": "缺到场",
    "no_end": "缺处结",
    "back_dated": "补录超 5 分钟",
    "out_of_order": "时间倒置",
}


def quality_document(report: QualityTable) -> Document:
    """Return T8 as a report to read."""
    return covered(
        report.heading,
        cut=report.cut,
        summary=[_summary(report)],
        grids=[_by_unit(report), *([_refused(report)] if report.refused_for else [])],
        footnotes=[
            say(
                "派遣 = 24 小时反馈时限在本期内到期的派遣；同一派遣可同时计入多列；申诉获准（免责）的缺陷不计，另列其项数。死信由值班工程师处理，不在本表。"
            )
        ],
    )


def _summary(report: QualityTable) -> Text:
    said = [say("本期到期派遣 {count} 件", count=shown(report.total.duties))]
    if report.unclassified is not None and report.unclassified.percent is not None:
        share = report.unclassified
        said.append(
            say(
                "有效警情未分类 {percent:.2f}%（{part}/{whole}）",
                percent=share.percent,
                part=share.numerator,
                whole=share.denominator,
            )
        )
    if report.refused is not None:
        said.append(say("拒收报文 {count} 份", count=report.refused))
    return sentence(said)


def _by_unit(report: QualityTable) -> Grid:
    hides = report.heading.published
    return Grid(
        name=say("按单位"),
        caption=say("时间数据缺陷（按单位）"),
        columns=[
            Column(name=say("单位"), unit=Unit.TEXT),
            *(Column(name=say(word), summed=True) for word in _WORDS.values()),
            *([] if hides else [Column(name=say("免责（项）"), summed=True)]),
        ],
        rows=[[named(row.name), *_counts(row, hides=hides)] for row in report.units],
        total=[say("合计"), *_counts(report.total, hides=hides)],
    )


def _counts(row: QualityRow, *, hides: bool) -> list[Cell]:
    cells = [shown(getattr(row, name), hides=hides) for name in _WORDS]
    marked = sum(getattr(row.marked, name) for name in DEFECTS) if row.marked else 0
    return cells if hides else [*cells, marked]


def _refused(report: QualityTable) -> Grid:
    return Grid(
        name=say("拒收"),
        caption=say("拒收报文（按原因，一份可有多个原因）"),
        columns=[Column(name=say("原因"), unit=Unit.TEXT), Column(name=say("份数"))],
        rows=[[each.id, each.count] for each in report.refused_for],
    )
