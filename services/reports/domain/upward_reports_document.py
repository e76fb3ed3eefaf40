"""T6 to read: punctuality by level and stage, the four faults, then report by report."""

from __future__ import annotations

from services.reports.domain.cover import covered, percent, shown
from services.reports.domain.crosstab import KeptRow
from services.reports.domain.document import Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.later_words import FAULTS, FIELDS, LEVELS, MEDIA, STAGES
from services.reports.domain.quantities import OTHER_NAME, UNSTABLE_BELOW
from services.reports.domain.upward_reports import (
    LISTED_AT_MOST,
    Edition,
    Entry,
    ReportLedger,
    Standing,
)
from services.reports.domain.wording import Text, listed, named, say, sentence

_STANDINGS = {
    Standing.ON_TIME: "按时",
    Standing.LATE: "缓报",
    Standing.MISSED: "漏报",
    Standing.NOT_YET_DUE: "未到时限",
    Standing.UNLIMITED: "无时限",
}
_MEASURES = ("should", "on_time", "late", "open")


def ledger_document(report: ReportLedger) -> Document:
    """Return T6 as a report to read."""
    return covered(
        report.heading,
        cut=report.cut,
        summary=[_summary(report)],
        grids=[
            _punctuality(report),
            _faults(report),
            *([] if report.heading.published else [_ledger(report)]),
        ],
        footnotes=[
            say(
                "应报 = 报送时限在本期内到期的首报、续报、终报；按时 = 在时限内报出。漏报为截至时仍未报出，缓报为超过时限后报出；瞒报、谎报由人认定，可与缓报并计；申诉获准者（免责）不计，仍列入台账。"
            ),
            say("终报为全国通行做法，原始文件未作规定。"),
        ],
        landscape=True,
    )


def _summary(report: ReportLedger) -> Text:
    total = report.punctuality.total.total
    said = [say("本期应报 {count} 件", count=shown(total.should))]
    if total.rate is not None and total.rate.percent is not None:
        said.append(
            say(
                "按时 {count} 件，按时率 {percent:.2f}%",
                count=total.on_time,
                percent=total.rate.percent,
            )
        )
    said += _counted((total.late, "缓报"), (total.open, "漏报"))
    beside = _counted((report.not_yet_due, "未到时限"), (report.unlimited, "无时限"))
    if beside:
        said.append(say("另有{beside}，不计入比率", beside=listed(beside)))
    return sentence(said)


def _counted(*found: tuple[int | None, str]) -> list[Text]:
    return [say("{what} {count} 件", what=say(word), count=n) for n, word in found if n]


def _punctuality(report: ReportLedger) -> Grid:
    table = report.punctuality
    groups = [
        *(named(STAGES.get(cell.id, OTHER_NAME)) for cell in table.total.cells),
        say("合计"),
    ]
    columns = [Column(name=say("级别"), unit=Unit.TEXT)]
    for group in groups:
        first = len(columns)
        columns += [
            *(
                Column(name=say(word), group=group, summed=True)
                for word in ("应报", "按时", "缓报", "漏报")
            ),
            Column(
                name=say("按时率"),
                group=group,
                unit=Unit.PERCENT,
                numerator=first + 1,
                denominator=first,
            ),
        ]
    hides = report.heading.published
    rated = len(columns) - 1
    if not hides:
        columns.append(Column(name=say("免责"), group=say("合计"), summed=True))
    return Grid(
        name=say("按时报送"),
        caption=say("按时报送（按级别、报次）"),
        columns=columns,
        rows=[_kept(row, hides=hides) for row in table.rows],
        total=_kept(table.total, hides=hides),
        chart=Chart(column=rated, weight=rated - 4, least=UNSTABLE_BELOW),
    )


def _kept(row: KeptRow, *, hides: bool) -> list[Cell]:
    cells: list[Cell] = [named(row.name)]
    for cell in (*row.cells, row.total):
        cells += [shown(getattr(cell, name), hides=hides) for name in _MEASURES]
        cells.append(percent(cell.rate))
    return cells if hides else [*cells, row.total.exempt]


def _faults(report: ReportLedger) -> Grid:
    return Grid(
        name=say("四类问题"),
        caption=say("漏报、瞒报、谎报、缓报（R15）"),
        columns=[Column(name=say("问题"), unit=Unit.TEXT), Column(name=say("件数"))],
        rows=[
            [say(FAULTS[fault.id]), shown(fault.count, hides=report.heading.published)]
            for fault in report.faults
        ],
    )


def _ledger(report: ReportLedger) -> Grid:
    more = report.not_listed or 0
    words = ("警情编号", "级别", "报次", "报送单位", "方式", "应报时间", "实报时间", "要素", "结果")
    note = say("只列前 {count} 件，另有 {more} 件见 JSON。", count=LISTED_AT_MOST, more=more)
    return Grid(
        name=say("台账"),
        caption=say("上报台账（逐件）"),
        columns=[Column(name=say(word), unit=Unit.TEXT) for word in words],
        rows=[_entry(each) for each in report.entries],
        notes=[note] if more else [],
    )


def _entry(entry: Entry) -> list[Cell]:
    carries = [named(FIELDS.get(each, OTHER_NAME)) for each in entry.carries]
    result: list[str] = [say(_STANDINGS[entry.standing])]
    if entry.exempt:
        result.append(say("申诉获准，不计"))
    if entry.fault:
        result.append(named(FAULTS.get(entry.fault, OTHER_NAME)))
    return [
        entry.incident,
        named(LEVELS.get(entry.level, OTHER_NAME)),
        _stage(entry),
        named(entry.name) if entry.name else say("中心本级"),
        named(MEDIA.get(entry.medium, OTHER_NAME)) if entry.medium else None,
        f"{entry.due_at:%Y-%m-%d %H:%M}" if entry.due_at else say("无时限"),
        f"{entry.submitted_at:%Y-%m-%d %H:%M}" if entry.submitted_at else None,
        listed(carries) if carries else None,
        listed(result),
    ]


def _stage(entry: Entry) -> str:
    stage: str = named(STAGES.get(entry.stage, OTHER_NAME))
    if entry.stage == "follow_up":
        stage = say("续报 {number}", number=entry.sequence - 1)
    if entry.edition is Edition.CORRECTION:
        stage = say("{stage}（更正）", stage=stage)
    return stage
