"""T7 to read: gaps by unit, then the cases to chase."""

from __future__ import annotations

from services.reports.domain.cover import covered, shown
from services.reports.domain.document import Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.dual_feedback import Given
from services.reports.domain.gaps import LISTED_AT_MOST, GapRow, GapTable
from services.reports.domain.wording import Text, named, say, sentence

_WORDS = {
    Given.BOTH: "双反馈齐全",
    Given.AUTOMATIC: "自动采集",
    Given.BACK_FILLED: "补录",
    Given.NO_ARRIVAL: "缺到场",
    Given.NO_END: "缺处结",
    Given.NEITHER: "两项均缺",
}


def gaps_document(report: GapTable) -> Document:
    """Return T7 as a report to read."""
    grids = [_by_unit(report)]
    if not report.heading.published:
        grids.append(_cases(report))
    return covered(
        report.heading,
        cut=report.cut,
        summary=[_summary(report)],
        grids=grids,
        footnotes=[
            say(
                "应双反馈 = 24 小时反馈时限在本期内到期、须由单位报告到场与处结的派遣；"
                "自动采集与补录单列，不计入双反馈率的分子；申诉获准者（免责）不在应双反馈之内，缺项仍列入清单末尾并注明。"
            )
        ],
    )


def _summary(report: GapTable) -> Text:
    total = report.total
    head = say("本期应双反馈 {owed} 件", owed=shown(total.owed))
    if report.heading.published or not total.owed:
        return sentence([head])
    said = [say("{head}，缺项 {count} 件", head=head, count=report.gap_count)]
    worst = max(report.units, key=_missing)
    if _missing(worst):
        said.append(
            say("缺项最多的是{unit}（{count} 件）", unit=named(worst.name), count=_missing(worst))
        )
    return sentence(said)


def _missing(row: GapRow) -> int:
    return (row.no_arrival or 0) + (row.no_end or 0) + (row.neither or 0)


def _by_unit(report: GapTable) -> Grid:
    """Return the table by unit; what is published has no sum of the gaps, which could give one away."""
    published = report.heading.published
    words = [*_WORDS.values()] if published else [*_WORDS.values(), "缺项合计", "免责"]
    return Grid(
        name=say("按单位"),
        caption=say("双反馈缺项（按单位）"),
        columns=[
            Column(name=say("单位"), unit=Unit.TEXT),
            *(Column(name=say(word), summed=True) for word in ("应双反馈", *words)),
        ],
        rows=[[named(row.name), *_counts(row, published=published)] for row in report.units],
        total=[say("合计"), *_counts(report.total, published=published)],
        chart=None if published else Chart(column=len(words)),
    )


def _counts(row: GapRow, *, published: bool) -> list[Cell]:
    numbers = (row.owed, *(getattr(row, what.value) for what in _WORDS))
    cells = [shown(number, hides=published) for number in numbers]
    return cells if published else [*cells, _missing(row), row.exempt]


def _cases(report: GapTable) -> Grid:
    more = report.not_listed
    return Grid(
        name=say("逐件"),
        caption=say("缺项逐件清单（按应反馈时间）"),
        columns=[
            Column(name=say(name), unit=Unit.TEXT)
            for name in ("警情编号", "单位", "缺项", "应反馈时间", "备注")
        ],
        rows=[
            [
                gap.incident,
                named(gap.name),
                say(_WORDS[gap.missing]),
                f"{gap.due:%Y-%m-%d %H:%M}",
                say("申诉获准，不计") if gap.exempt else "",
            ]
            for gap in report.gaps
        ],
        notes=[say("只列前 {count} 件，另有 {more} 件。", count=LISTED_AT_MOST, more=more)]
        if more
        else [],
    )
