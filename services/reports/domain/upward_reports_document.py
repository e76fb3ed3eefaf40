"""T6 in Chinese: punctuality by level and stage, the four faults, then report by report."""

from __future__ import annotations

from services.reports.domain.crosstab import KeptRow
from services.reports.domain.document import Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.later_words import FAULTS, FIELDS, LEVELS, MEDIA, STAGES
from services.reports.domain.overview_document import percent, shown, subtitle
from services.reports.domain.quantities import OTHER, OTHER_NAME, UNSTABLE_BELOW
from services.reports.domain.upward_reports import (
    LISTED_AT_MOST,
    Entry,
    ReportLedger,
    Standing,
)

_STANDINGS = {
    Standing.ON_TIME: "按时",
    Standing.LATE: "缓报",
    Standing.MISSED: "漏报",
    Standing.NOT_YET_DUE: "未到时限",
    Standing.UNLIMITED: "无时限",
}
_BASIS = (
    "应报 = 报送时限在本期内到期的首报、续报、终报；按时 = 在时限内报出。"
    "漏报为截至时仍未报出，缓报为超过时限后报出；瞒报、谎报由人认定，可与缓报并计。"
)
_FINAL = "终报为全国通行做法，原始文件未作规定。"
_HIDDEN = "＊ 小于 5 的单元格及可由合计推算出它的单元格不予公布。"
_MEASURES = ("should", "on_time", "late", "open")


def ledger_document(report: ReportLedger) -> Document:
    """Return T6 as a report to read."""
    published = report.heading.published
    return Document(
        title=report.heading.title,
        subtitle=f"{subtitle(report.heading)} · 截至 {report.cut:%Y-%m-%d %H:%M:%S}",
        summary=[_summary(report)],
        grids=[
            _punctuality(report),
            _faults(report),
            *([] if published else [_ledger(report)]),
        ],
        footnotes=[_BASIS, _FINAL, *([_HIDDEN] if published else [])],
        exercise=report.heading.population == "exercise",
        landscape=True,
    )


def _summary(report: ReportLedger) -> str:
    total = report.punctuality.total.total
    said = [f"本期应报 {shown(total.should)} 件"]
    if total.rate is not None and total.rate.percent is not None:
        said.append(f"按时 {total.on_time} 件，按时率 {total.rate.percent:.2f}%")
    for count, word in ((total.late, "缓报"), (total.open, "漏报")):
        if count:
            said.append(f"{word} {count} 件")
    beside = [
        f"{word} {count} 件"
        for count, word in ((report.not_yet_due, "未到时限"), (report.unlimited, "无时限"))
        if count
    ]
    return "；".join(said) + (f"。另有{'、'.join(beside)}，不计入比率。" if beside else "。")


def _punctuality(report: ReportLedger) -> Grid:
    table = report.punctuality
    groups = [
        *(STAGES.get(cell.id, OTHER_NAME) for cell in table.total.cells),
        "合计",
    ]
    columns = [Column(name="级别", unit=Unit.TEXT)]
    for group in groups:
        first = len(columns)
        columns += [
            *(
                Column(name=word, group=group, summed=True)
                for word in ("应报", "按时", "缓报", "漏报")
            ),
            Column(
                name="按时率",
                group=group,
                unit=Unit.PERCENT,
                numerator=first + 1,
                denominator=first,
            ),
        ]
    hides = report.heading.published
    return Grid(
        name="按时报送",
        caption="按时报送（按级别、报次）",
        columns=columns,
        rows=[_kept(row, hides=hides) for row in table.rows],
        total=_kept(table.total, hides=hides),
        chart=Chart(column=len(columns) - 1, weight=len(columns) - 5, least=UNSTABLE_BELOW),
    )


def _kept(row: KeptRow, *, hides: bool) -> list[Cell]:
    cells: list[Cell] = [row.name]
    for cell in (*row.cells, row.total):
        cells += [shown(getattr(cell, name), hides=hides) for name in _MEASURES]
        cells.append(percent(cell.rate))
    return cells


def _faults(report: ReportLedger) -> Grid:
    return Grid(
        name="四类问题",
        caption="漏报、瞒报、谎报、缓报（R15）",
        columns=[Column(name="问题", unit=Unit.TEXT), Column(name="件数")],
        rows=[
            [FAULTS[fault.id], shown(fault.count, hides=report.heading.published)]
            for fault in report.faults
        ],
    )


def _ledger(report: ReportLedger) -> Grid:
    more = report.not_listed or 0
    words = ("警情编号", "级别", "报次", "报送单位", "方式", "应报时间", "实报时间", "要素", "结果")
    return Grid(
        name="台账",
        caption="上报台账（逐件）",
        columns=[Column(name=word, unit=Unit.TEXT) for word in words],
        rows=[_entry(each) for each in report.entries],
        notes=[f"只列前 {LISTED_AT_MOST} 件，另有 {more} 件见 JSON。"] if more else [],
    )


def _entry(entry: Entry) -> list[Cell]:
    number = f" {entry.sequence - 1}" if entry.stage == "follow_up" else ""
    result = _STANDINGS[entry.standing]
    if entry.fault:
        result += f"、{FAULTS.get(entry.fault, OTHER_NAME)}"
    return [
        entry.incident,
        LEVELS.get(entry.level, OTHER_NAME),
        STAGES.get(entry.stage, OTHER_NAME) + number + ("（更正）" if entry.corrects else ""),
        entry.name or "中心本级",
        MEDIA.get(entry.medium or "", None),
        f"{entry.due:%Y-%m-%d %H:%M}" if entry.due else "无时限",
        f"{entry.submitted:%Y-%m-%d %H:%M}" if entry.submitted else None,
        "、".join(FIELDS.get(each, OTHER) for each in entry.carries) or None,
        result,
    ]
