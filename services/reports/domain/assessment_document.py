"""The assessment to read: ranking by class, every unit's parts, and each deduction."""

from __future__ import annotations

from services.reports.domain.assessment import (
    CLASSES,
    AssessmentTable,
    Component,
    Points,
    UnitScore,
)
from services.reports.domain.bulletin import Ranked, Ranking, band
from services.reports.domain.cover import covered
from services.reports.domain.document import Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.wording import Text, named, say, sentence

PARTS = {
    Component.ARRIVAL: "到场及时",
    Component.DUAL_FEEDBACK: "双反馈",
    Component.CLOSING: "按期处置",
    Component.REWORK: "无返工",
    Component.SATISFACTION: "满意度",
    Component.REPORTING: "信息报送",
}
_CLASSES = ("一类（工作量大）", "二类（工作量中）", "三类（工作量小）")
_SHORT = ("一类", "二类", "三类")
_BANDS = ("95 分及以上", "90–95 分", "80–90 分", "80 分以下", "不排名")
LISTED_AT_MOST = 1000
_REASONS = {
    "late": "超时",
    "missing": "到期未完成",
    "automatic": "非单位报告（自动采集）",
    "back_filled": "补录",
    "no_arrival": "缺到场",
    "no_end": "缺处结",
    "neither": "两项均缺",
    "rework": "返工",
    "unsatisfied": "回访不满意",
    "concealed": "瞒报",
    "false": "谎报",
}


def assessment_document(report: AssessmentTable) -> Document:
    """Return the assessment as a report to read: the classes, the parts, the deductions."""
    return covered(
        report.heading,
        cut=report.cut,
        summary=[assessment_words(report)],
        grids=[*ranking_grids(report), parts_grid(report), _deductions(report)],
        footnotes=[
            *assessment_notes(report),
            say("每项扣分 = 分值 ÷ 应达标数 × 未达标数，逐件列于扣分明细，单位可自行复核。"),
        ],
        landscape=True,
    )


def assessment_notes(report: AssessmentTable | Ranking) -> list[Text]:
    """Return the footnotes: formula, classes, who is ranked."""
    return [
        say(
            "各项得分 = 分值 × 达标数 ÷ 应达标数（四舍五入到百分之一）；"
            "总分 = 各项得分之和 ÷ 有应达标数的各项分值之和 × 100。无应达标数的项目不计分。"
        ),
        say(
            "按上期（{previous}）签收派遣数由多到少分为三类，只在类内排名；"
            "本期派遣少于 {least} 件的不排名。申诉获准的时限已剔除。",
            previous=report.previous,
            least=report.ranked_from,
        ),
    ]


def assessment_words(report: AssessmentTable | Ranking) -> Text:
    """Say how many were ranked and who is first in each class."""
    first = [unit for unit in report.units if unit.rank == 1]
    ranked = sum(unit.rank is not None for unit in report.units)
    if not first:
        return say("本期没有派遣达到 {least} 件的单位，均不排名。", least=report.ranked_from)
    words = [_first(unit) for unit in first]
    head = say("{count} 个单位中 {ranked} 个参加排名", count=len(report.units), ranked=ranked)
    return sentence([head, *words])


def _first(unit: UnitScore | Ranked) -> Text:
    of, name = say(_CLASSES[unit.workload_class - 1]), named(unit.name)
    if unit.score is None:
        return say("{of}第一：{unit}", of=of, unit=name)
    return say("{of}第一：{unit} {score:.2f} 分", of=of, unit=name, score=unit.score)


def ranking_grids(report: AssessmentTable | Ranking) -> list[Grid]:
    """Return the bands, then one table per class that has units; nothing ranks across classes."""
    classes = [
        each
        for each in range(1, CLASSES + 1)
        if any(unit.workload_class == each for unit in report.units)
    ]
    return [_bands(report, classes), *(_ranking(report, each) for each in classes)]


def _bands(report: AssessmentTable | Ranking, classes: list[int]) -> Grid:
    rows: list[list[Cell]] = []
    for which in classes:
        units = [unit for unit in report.units if unit.workload_class == which]
        counts = [0] * len(_BANDS)
        for unit in units:
            counts[_band(unit)] += 1
        rows.append([say(_CLASSES[which - 1]), len(units), *counts])
    total = [sum(int(row[n] or 0) for row in rows) for n in range(1, len(_BANDS) + 2)]
    return Grid(
        name=say("分档"),
        caption=say("得分分档（单位数）"),
        columns=[
            Column(name=say("类别"), unit=Unit.TEXT),
            Column(name=say("单位数"), summed=True),
            *(Column(name=say(band), group=say("分档"), summed=True) for band in _BANDS),
        ],
        rows=rows,
        total=[say("合计"), *total],
    )


def _band(unit: UnitScore | Ranked) -> int:
    if isinstance(unit, Ranked):
        found = unit.band
    else:
        found = None if unit.rank is None or unit.score is None else band(unit.score)
    return len(_BANDS) - 1 if found is None else found


def _ranking(report: AssessmentTable | Ranking, which: int) -> Grid:
    """Return one class; the counts behind a rank only where they are not published."""
    units = [unit for unit in report.units if unit.workload_class == which]
    counted = isinstance(report, AssessmentTable)
    columns = [Column(name=say("单位"), unit=Unit.TEXT), Column(name=say("名次"))]
    if counted:
        columns += [Column(name=say("本期派遣")), Column(name=say("上期签收"))]
    hides = report.heading.published
    columns.append(
        Column(name=say("分档"), unit=Unit.TEXT)
        if hides
        else Column(name=say("总分"), unit=Unit.POINTS)
    )
    return Grid(
        name=say(_SHORT[which - 1]),
        caption=say("{of}排名", of=say(_CLASSES[which - 1])),
        columns=columns,
        rows=[
            [
                named(unit.name),
                unit.rank,
                *_counts(unit),
                say(_BANDS[_band(unit)]) if hides else unit.score,
            ]
            for unit in units
        ],
        chart=None if hides else _chart(len(columns) - 1, report, counted=counted),
    )


def _chart(score: int, report: AssessmentTable | Ranking, *, counted: bool) -> Chart:
    if counted:
        return Chart(column=score, weight=2, least=report.ranked_from)
    return Chart(column=score)


def _counts(unit: UnitScore | Ranked) -> list[Cell]:
    return [unit.duties, unit.workload] if isinstance(unit, UnitScore) else []


def parts_grid(report: AssessmentTable) -> Grid:
    """Return the six parts of every unit's score; who owed nothing has none."""
    columns = [Column(name=say("单位"), unit=Unit.TEXT)]
    for component, name in PARTS.items():
        weight = next(
            (p.weight for u in report.units for p in u.parts if p.component == component), 0
        )
        group = say("{name}（{weight} 分）", name=say(name), weight=weight)
        columns += [
            Column(name=say("达标"), group=group),
            Column(name=say("应达标"), group=group),
            Column(name=say("得分"), group=group, unit=Unit.POINTS),
            Column(name=say("免责"), group=group),
        ]
    return Grid(
        name=say("分项"),
        caption=say("分项得分"),
        columns=columns,
        rows=[
            _cells(unit)
            for unit in report.units
            if any(part.owed or part.exempt for part in unit.parts)
        ],
    )


def _cells(unit: UnitScore) -> list[Cell]:
    by: dict[Component, Points] = {part.component: part for part in unit.parts}
    cells: list[Cell] = [named(unit.name)]
    for component in PARTS:
        part = by[component]
        cells += [part.kept, part.owed, part.points, part.exempt]
    return cells


def _deductions(report: AssessmentTable) -> Grid:
    rows: list[list[Cell]] = [
        [
            named(unit.name),
            say(PARTS[lost.component]),
            lost.incident,
            _reason(lost.reason),
            f"{lost.at:%Y-%m-%d %H:%M}",
        ]
        for unit in report.units
        for lost in unit.deductions
    ]
    more = len(rows) - LISTED_AT_MOST
    return Grid(
        name=say("扣分明细"),
        caption=say("扣分明细（逐件）"),
        columns=[
            Column(name=say(name), unit=Unit.TEXT)
            for name in ("单位", "项目", "警情编号", "依据", "时限")
        ],
        rows=rows[:LISTED_AT_MOST],
        notes=[say("只列前 {count} 件，另有 {more} 件见 JSON。", count=LISTED_AT_MOST, more=more)]
        if more > 0
        else [],
    )


def _reason(reason: str) -> Text:
    """Return rule and what was not kept, in words."""
    *rule, what = reason.split(" ")
    said = say(_REASONS[what])
    before = " ".join([*rule, ""])
    return Text(before + said, before + said.en)
