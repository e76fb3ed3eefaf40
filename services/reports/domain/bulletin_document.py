"""T9 and T10 to read and to sign: the paragraph, what changed, the ranks, the tables behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from services.reports.domain.assessment_document import (
    assessment_notes,
    assessment_words,
    parts_grid,
    ranking_grids,
)
from services.reports.domain.bulletin import Bulletin
from services.reports.domain.category_document import category_grid, category_notes
from services.reports.domain.changes import Change, Measured, Step, Subject
from services.reports.domain.cover import covered
from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from services.reports.domain.opening_words import measured_words, method, paragraph
from services.reports.domain.overdue_document import (
    overdue_basis,
    overdue_cases,
    overdue_grid,
    overdue_words,
)
from services.reports.domain.overview_document import largest, overview_grids
from services.reports.domain.period import PeriodKind
from services.reports.domain.units_document import unit_grids, unit_notes, units_words
from services.reports.domain.wording import Text, named, say

CASES_AT_MOST = 20
_SUBJECTS = {Subject.CATEGORY: "警情类别", Subject.AREA: "乡镇（街道）"}
_RATE = "时效"


def signature() -> list[Text]:
    """Return the blanks a bureau signs: who issues, who checked, who compiled, when."""
    return [say("签发"), say("审核"), say("编制"), say("日期")]


def bulletin_document(report: Bulletin) -> Document:
    """Return the bulletin as a report to read; a year's begins with its ranking."""
    categories = [category_grid(report.categories)] if report.categories else []
    flow = _part("总体情况", [*overview_grids(report.overview), *categories])
    changed = _part("主要变化", [_changes(report)])
    ranks = _part("考核排名", _ranks(report))
    timely = _part("单位时效", unit_grids(report.units) if report.units else [])
    late = _part("超期情况", _late(report))
    yearly = report.heading.period_kind == PeriodKind.YEAR
    order = [ranks, flow, changed, timely, late] if yearly else [flow, changed, ranks, timely, late]
    return covered(
        report.heading,
        cut=report.cut,
        summary=[
            *paragraph(report.overview, report.opening),
            *largest(report.overview),
            *([units_words(report.units)] if report.units else []),
            *([assessment_words(report.ranking)] if report.ranking else []),
            *([overdue_words(report.overdue)] if report.overdue else []),
        ],
        grids=_numbered(part for part in order if part),
        footnotes=_notes(report),
        landscape=True,
        signature=signature(),
    )


def _ranks(report: Bulletin) -> list[Grid]:
    scores = report.assessment
    shown = scores or report.ranking
    if shown is None:
        return []
    return [*ranking_grids(shown), *([parts_grid(scores)] if scores is not None else [])]


def _late(report: Bulletin) -> list[Grid]:
    if report.overdue is None:
        return []
    whole = not report.heading.published
    cases = [overdue_cases(report.overdue, CASES_AT_MOST)] if whole else []
    return [overdue_grid(report.overdue), *cases]


def _part(name: str, grids: Sequence[Grid]) -> list[Grid]:
    return [replace(grid, part=say(name)) if n == 0 else grid for n, grid in enumerate(grids)]


_NUMBERS = "一二三四五六七八九十"


def _numbered(parts: Iterable[Sequence[Grid]]) -> list[Grid]:
    """Number the parts: 一、总体情况 …"""
    found: list[Grid] = []
    for n, (first, *rest) in enumerate(parts):
        number = Text(_NUMBERS[n], str(n + 1))
        part = say("{number}、{part}", number=number, part=first.part)
        found += [replace(first, part=part), *rest]
    return found


def _changes(report: Bulletin) -> Grid:
    yearly = report.opening.yearly
    return Grid(
        name=say("主要变化"),
        caption=say("变化显著的指标（按影响大小）"),
        columns=[
            Column(name=say("序号")),
            Column(name=say("类型"), unit=Unit.TEXT),
            Column(name=say("指标"), unit=Unit.TEXT),
            Column(name=say("本期"), unit=Unit.MARK),
            *([] if yearly else _compared(report.opening.before, say("环比"))),
            *_compared(report.opening.last_year or say("去年同期（无）"), say("同比")),
        ],
        rows=[_row(n, change, yearly=yearly) for n, change in enumerate(report.moved, start=1)],
        notes=[say("＊＊ 变化显著；未标者不称上升、下降。")] if report.moved else [],
    )


def _compared(period: str, basis: Text) -> list[Column]:
    return [
        Column(name=period, group=basis, unit=Unit.MARK),
        Column(name=say("变动"), group=basis, unit=Unit.MARK),
    ]


def _row(number: int, change: Change, *, yearly: bool) -> list[Cell]:
    return [
        number,
        say(_SUBJECTS.get(change.subject, _RATE)),
        named(change.name),
        measured_words(change.now),
        *([] if yearly else _step(change.now, change.on_before)),
        *_step(change.now, change.on_year),
    ]


def _step(now: Measured, step: Step | None) -> list[Cell]:
    if step is None:
        return [None, None]
    mark = " ＊＊" if step.significant else ""
    if now.of is not None:
        moved = say("{moved:+.2f} 个百分点{mark}", moved=step.moved, mark=mark)
    elif step.percent is None:
        moved = say("{moved:+,} 起{mark}", moved=int(step.moved), mark=mark)
    else:
        moved = say(
            "{moved:+,} 起（{percent:+.2f}%）{mark}",
            moved=int(step.moved),
            percent=step.percent,
            mark=mark,
        )
    return [measured_words(step.then), moved]


def _notes(report: Bulletin) -> list[Text]:
    tables = (
        report.overview, report.categories, report.units, report.overdue, report.ranking,
    )  # fmt: skip
    headings = [each.heading for each in tables if each is not None]
    formulas = "、".join(f"{each.table} v{each.formula}" for each in headings)
    return [
        method(),
        *(category_notes() if report.categories else []),
        *(unit_notes(report.units) if report.units else []),
        *([overdue_basis()] if report.overdue else []),
        *(assessment_notes(report.ranking) if report.ranking else []),
        say(
            "各表公式版本：{formulas}。截至时刻：{cut}。",
            formulas=Text(formulas, formulas.replace("、", ", ")),
            cut=f"{report.cut:%Y-%m-%d %H:%M:%S}",
        ),
    ]
