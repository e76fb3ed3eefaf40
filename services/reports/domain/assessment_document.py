"""The assessment in Chinese: ranking by class, every unit's parts, and each deduction."""

from __future__ import annotations

from services.reports.domain.assessment import (
    CLASSES,
    AssessmentTable,
    Component,
    Points,
    UnitScore,
)
from services.reports.domain.document import Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.overview_document import subtitle

PARTS = {
    Component.ARRIVAL: "到场及时",
    Component.DUAL_FEEDBACK: "双反馈",
    Component.CLOSING: "按期处置",
    Component.REWORK: "无返工",
    Component.SATISFACTION: "满意度",
    Component.REPORTING: "信息报送",
}
_CLASSES = ("一类（工作量大）", "二类（工作量中）", "三类（工作量小）")
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
}


def assessment_document(report: AssessmentTable) -> Document:
    """Return the assessment as a report to read: the classes, the parts, the deductions."""
    return Document(
        title=report.heading.title,
        subtitle=f"{subtitle(report.heading)} · 截至 {report.cut:%Y-%m-%d %H:%M:%S}",
        summary=[_summary(report)],
        grids=[
            *(
                _ranking(report, each)
                for each in range(1, CLASSES + 1)
                if any(unit.workload_class == each for unit in report.units)
            ),
            _parts(report),
            _deductions(report),
        ],
        footnotes=_footnotes(report),
        exercise=report.heading.population == "exercise",
        landscape=True,
    )


def _footnotes(report: AssessmentTable) -> list[str]:
    formula = (
        "各项得分 = 分值 × 达标数 ÷ 应达标数（四舍五入到百分之一）；"
        "总分 = 各项得分之和 ÷ 有应达标数的各项分值之和 × 100。无应达标数的项目不计分。"
    )
    classes = (
        f"按上期（{report.previous}）签收派遣数由多到少分为三类，只在类内排名；"
        f"本期派遣少于 {report.ranked_from} 件的不排名。申诉获准的时限已剔除。"
    )
    lost = "每项扣分 = 分值 ÷ 应达标数 × 未达标数，逐件列于扣分明细，单位可自行复核。"
    return [formula, classes, lost]


def _summary(report: AssessmentTable) -> str:
    first = [unit for unit in report.units if unit.rank == 1]
    ranked = sum(unit.rank is not None for unit in report.units)
    if not first:
        return f"本期没有派遣达到 {report.ranked_from} 件的单位，均不排名。"
    words = "；".join(
        f"{_CLASSES[unit.workload_class - 1]}第一：{unit.name} {unit.score:.2f} 分"
        for unit in first
    )
    return f"{len(report.units)} 个单位中 {ranked} 个参加排名。{words}。"


def _ranking(report: AssessmentTable, which: int) -> Grid:
    rows: list[list[Cell]] = [
        [unit.name, unit.rank, unit.duties, unit.workload, unit.score]
        for unit in report.units
        if unit.workload_class == which
    ]
    return Grid(
        name=_CLASSES[which - 1][:2],
        caption=f"{_CLASSES[which - 1]}排名",
        columns=[
            Column(name="单位", unit=Unit.TEXT),
            Column(name="名次"),
            Column(name="本期派遣"),
            Column(name="上期签收"),
            Column(name="总分", unit=Unit.POINTS),
        ],
        rows=rows,
        chart=Chart(column=4, weight=2, least=report.ranked_from),
    )


def _parts(report: AssessmentTable) -> Grid:
    columns = [Column(name="单位", unit=Unit.TEXT)]
    for component, name in PARTS.items():
        weight = next(
            (p.weight for u in report.units for p in u.parts if p.component == component), 0
        )
        group = f"{name}（{weight} 分）"
        columns += [
            Column(name="达标", group=group),
            Column(name="应达标", group=group),
            Column(name="得分", group=group, unit=Unit.POINTS),
        ]
    return Grid(
        name="分项",
        caption="分项得分",
        columns=columns,
        rows=[_cells(unit) for unit in report.units],
    )


def _cells(unit: UnitScore) -> list[Cell]:
    by: dict[Component, Points] = {part.component: part for part in unit.parts}
    cells: list[Cell] = [unit.name]
    for component in PARTS:
        part = by[component]
        cells += [part.kept, part.owed, part.points]
    return cells


def _deductions(report: AssessmentTable) -> Grid:
    rows: list[list[Cell]] = [
        [
            unit.name,
            PARTS[lost.component],
            lost.incident,
            _reason(lost.reason),
            f"{lost.at:%Y-%m-%d %H:%M}",
        ]
        for unit in report.units
        for lost in unit.deductions
    ]
    more = len(rows) - LISTED_AT_MOST
    return Grid(
        name="扣分明细",
        caption="扣分明细（逐件）",
        columns=[
            Column(name=name, unit=Unit.TEXT)
            for name in ("单位", "项目", "警情编号", "依据", "时限")
        ],
        rows=rows[:LISTED_AT_MOST],
        notes=[f"只列前 {LISTED_AT_MOST} 件，另有 {more} 件见 JSON。"] if more > 0 else [],
    )


def _reason(reason: str) -> str:
    """Return rule and what was not kept, in words."""
    *rule, what = reason.split(" ")
    return " ".join([*rule, _REASONS[what]])
