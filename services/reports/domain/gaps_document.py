"""T7 in Chinese: gaps by unit, then the cases to chase."""

from __future__ import annotations

from services.reports.domain.document import Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.dual_feedback import Given
from services.reports.domain.gaps import LISTED_AT_MOST, GapRow, GapTable
from services.reports.domain.overview_document import shown, subtitle

_WORDS = {
    Given.BOTH: "双反馈齐全",
    Given.AUTOMATIC: "自动采集",
    Given.BACK_FILLED: "补录",
    Given.NO_ARRIVAL: "缺到场",
    Given.NO_END: "缺处结",
    Given.NEITHER: "两项均缺",
}


_OWED = (
    "应双反馈 = 24 小时反馈时限在本期内到期、须由单位报告到场与处结的派遣；"
    "自动采集与补录单列，不计入双反馈率的分子。"
)
_HIDDEN = "＊ 小于 5 的单元格及可由合计推算出它的单元格不予公布。"


def gaps_document(report: GapTable) -> Document:
    """Return T7 as a report to read."""
    grids = [_by_unit(report)]
    if not report.heading.published:
        grids.append(_cases(report))
    return Document(
        title=report.heading.title,
        subtitle=f"{subtitle(report.heading)} · 截至 {report.cut:%Y-%m-%d %H:%M:%S}",
        summary=[_summary(report)],
        grids=grids,
        footnotes=[_OWED, *([_HIDDEN] if report.heading.published else [])],
        exercise=report.heading.population == "exercise",
        landscape=False,
    )


def _summary(report: GapTable) -> str:
    total = report.total
    if report.heading.published or not total.owed:
        return f"本期应双反馈 {shown(total.owed)} 件。"
    worst = max(report.units, key=_missing)
    said = f"本期应双反馈 {total.owed} 件，缺项 {report.gap_count} 件"
    return (
        f"{said}；缺项最多的是{worst.name}（{_missing(worst)} 件）。"
        if _missing(worst)
        else f"{said}。"
    )


def _missing(row: GapRow) -> int:
    return (row.no_arrival or 0) + (row.no_end or 0) + (row.neither or 0)


def _by_unit(report: GapTable) -> Grid:
    """Return the table by unit; what is published has no sum of the gaps, which could give one away."""
    published = report.heading.published
    words = [*_WORDS.values()] if published else [*_WORDS.values(), "缺项合计"]
    return Grid(
        name="按单位",
        caption="双反馈缺项（按单位）",
        columns=[
            Column(name="单位", unit=Unit.TEXT),
            *(Column(name=word, summed=True) for word in ("应双反馈", *words)),
        ],
        rows=[[row.name, *_counts(row, published=published)] for row in report.units],
        total=["合计", *_counts(report.total, published=published)],
        chart=None if published else Chart(column=len(words) + 1),
    )


def _counts(row: GapRow, *, published: bool) -> list[Cell]:
    numbers = (row.owed, *(getattr(row, what.value) for what in _WORDS))
    cells = [shown(number, hides=published) for number in numbers]
    return cells if published else [*cells, _missing(row)]


def _cases(report: GapTable) -> Grid:
    listed = len(report.gaps)
    more = (report.gap_count or 0) - listed
    return Grid(
        name="逐件",
        caption="缺项逐件清单（按应反馈时间）",
        columns=[
            Column(name=name, unit=Unit.TEXT) for name in ("警情编号", "单位", "缺项", "应反馈时间")
        ],
        rows=[
            [gap.incident, gap.name, _WORDS[gap.missing], f"{gap.due:%Y-%m-%d %H:%M}"]
            for gap in report.gaps
        ],
        notes=[f"只列前 {LISTED_AT_MOST} 件，另有 {more} 件。"] if more else [],
    )
