"""The list of figures to read: every rate with what it is of, then the units' conduct."""

from __future__ import annotations

from msgspec import UNSET

from services.reports.domain.conduct import Conduct
from services.reports.domain.cover import covered, shown
from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from services.reports.domain.history_key_figures import in_chinese
from services.reports.domain.key_figures import FigureTable, KeyFigure
from services.reports.domain.key_figures_words import BESIDE, FIGURES, GROUPS
from services.reports.domain.quantities import UNSTABLE_BELOW, rate
from services.reports.domain.wording import Text, listed, named, say, sentence


def figure_document(report: FigureTable) -> Document:
    """Return the list of figures as a report to read."""
    grids = [
        _group(report, group, [each for each in report.figures if each.group == group])
        for group in GROUPS
        if any(each.group == group for each in report.figures)
    ]
    if report.conduct is not None:
        grids.append(_conduct(report.conduct.units, report.conduct.total))
    return covered(
        report.heading,
        cut=report.cut,
        summary=[_summary(report)],
        grids=grids,
        footnotes=[
            say(
                "分母为 0 的不计（–）；“另列”中超期完成、超期未完成在分母之内，申诉获准（免责）、挂账、未到时限的不入比率。"
            ),
            say("分母不足 {least} 的比率仅供参考（△）。", least=UNSTABLE_BELOW),
            say(
                "平台没有的记录（接听振铃、未导入的值班表、热线自报超期）不作推算：相应指标无分母或不列。"
            ),
        ],
        landscape=True,
    )


_TOLD = (
    "flow.valid",
    "timely.handle",
    "timely.dual_feedback",
    "call_back.satisfied",
    "reporting.all",
)


def _summary(report: FigureTable) -> Text:
    by = {each.id: each.value for each in report.figures}
    said = [
        say(
            "{name} {percent:.2f}%（{part}/{whole}）",
            name=say(FIGURES[id_]),
            percent=value.percent,
            part=value.numerator,
            whole=value.denominator,
        )
        for id_ in _TOLD
        if (value := by.get(id_)) is not None and value.percent is not None
    ]
    return sentence(said) if said else say("本期没有可计算的指标。")


def _group(report: FigureTable, group: str, figures: list[KeyFigure]) -> Grid:
    return Grid(
        name=say(GROUPS[group]),
        caption=say(GROUPS[group]),
        columns=[
            Column(name=say("指标"), unit=Unit.TEXT),
            Column(name=say("分子")),
            Column(name=say("分母")),
            Column(name=say("比率"), unit=Unit.PERCENT, numerator=1, denominator=2),
            Column(name=say("参考"), unit=Unit.MARK),
            Column(name=say("另列"), unit=Unit.TEXT),
        ],
        rows=[_row(each, hides=report.heading.published) for each in figures],
    )


def _row(figure: KeyFigure, *, hides: bool) -> list[Cell]:
    value, name = figure.value, named(FIGURES.get(figure.id, figure.id))
    beside = [
        say("{what} {count}", what=say(BESIDE[each.id]), count=each.count)
        for each in figure.beside
        if each.count
    ]
    if figure.needs is not UNSET and figure.needs:
        wanted = listed(Text(in_chinese(each), each) for each in figure.needs)
        return [name, None, None, None, "", say("需要：{what}", what=wanted)]
    if value is None:
        nothing = shown(None, hides=hides)
        return [name, nothing, nothing, nothing, "", listed(beside)]
    few = 0 < value.denominator < UNSTABLE_BELOW
    return [
        name,
        value.numerator,
        value.denominator,
        value.percent,
        "△" if few else "",
        listed(beside),
    ]


_CONDUCT = (
    ("派遣", "sent"),
    ("派遣", "returned"),
    ("派遣", "turned_out"),
    ("处置", "handled"),
    ("处置", "ended"),
    ("处置", "reworked"),
)
_WORDS = {
    "sent": "应签收",
    "returned": "退单",
    "turned_out": "出警",
    "handled": "应处置",
    "ended": "已处结",
    "reworked": "返工",
}


_GROUPS = (
    ("延期", ("申请", "批准")),
    ("挂账", ("申请", "批准")),
    ("申诉", ("申请", "获准", "驳回")),
    ("回访", ("回访数", "接通", "响应", "解决", "满意")),
)
_REACHED, _SATISFIED = 17, 20
"""Columns of those reached and of the content ones."""


def _conduct(units: list[Conduct], total: Conduct) -> Grid:
    minutes = [
        Column(name=name, group=say("出警时长"), unit=Unit.MINUTES) for name in ("P50", "P90")
    ]
    return Grid(
        name=say("单位办理"),
        caption=say("单位办理情况（退单、返工、延期、挂账、申诉、回访）"),
        columns=[
            Column(name=say("单位"), unit=Unit.TEXT),
            *(
                Column(name=say(_WORDS[name]), group=say(group), summed=True)
                for group, name in _CONDUCT
            ),
            *minutes,
            *(
                Column(name=say(name), group=say(group), summed=True)
                for group, names in _GROUPS
                for name in names
            ),
            Column(
                name=say("满意率"),
                group=say("回访"),
                unit=Unit.PERCENT,
                numerator=_SATISFIED,
                denominator=_REACHED,
            ),
            *(
                Column(name=say(name), group=say("免责"), summed=True)
                for name in ("出警", "返工", "回访")
            ),
        ],
        rows=[_unit(unit) for unit in units],
        total=_unit(total),
    )


def _unit(unit: Conduct) -> list[Cell]:
    made = unit.called_back
    return [
        named(unit.name),
        *(getattr(unit, name) for _, name in _CONDUCT),
        unit.turnout.p50_s,
        unit.turnout.p90_s,
        unit.extended.asked,
        unit.extended.approved,
        unit.suspended.asked,
        unit.suspended.approved,
        unit.appealed,
        unit.granted,
        unit.refused,
        made.called,
        made.reached,
        made.responded,
        made.resolved,
        made.satisfied,
        rate(made.satisfied, made.reached).percent,
        unit.turnout_exempt,
        unit.rework_exempt,
        made.exempt,
    ]
