"""T3 to read: one table per limit, since R01-R04, R07 and R08 measure different things."""

from __future__ import annotations

from collections.abc import Callable

from services.reports.domain.cohorts import Band, Cohort
from services.reports.domain.cover import covered, percent, shown
from services.reports.domain.document import SUPPRESSED, Cell, Chart, Column, Document, Grid, Unit
from services.reports.domain.quantities import UNSTABLE_BELOW, Spread
from services.reports.domain.units import UnitRow, UnitTable
from services.reports.domain.wording import CLOCKS, Text, listed, named, say, sentence

Cells = Callable[[UnitRow], list[Cell]]


def units_document(report: UnitTable) -> Document:
    """Return T3 as a report to read; units without any case in a table are not listed in it."""
    return covered(
        report.heading,
        cut=report.cut,
        summary=[units_words(report)],
        grids=[*unit_grids(report), *([] if report.heading.published else [_censored(report)])],
        footnotes=unit_notes(report),
        landscape=True,
    )


def unit_grids(report: UnitTable) -> list[Grid]:
    """Return one table per limit."""
    sign_for, feedback = "签收时效（派遣至签收）", "24 小时反馈（R07）"
    return [
        _timed(report, "签收", sign_for, "sign_for", Unit.SECONDS, bands=_SIGN_FOR),
        _apart(report, "到场", "到场及时率（县城、驻地内，R01/R02）", "arrival"),
        _apart(report, "集结", "集结及时率（县城队伍赴乡镇，R03/R04）", "assembly"),
        _dual(report),
        _timed(report, "反馈", feedback, "feedback", Unit.MINUTES, bands=_FEEDBACK),
        _handled(report),
    ]


_SIGN_FOR = ("≤30 秒", "30–60 秒", "60–120 秒", "120–180 秒", ">180 秒")
_FEEDBACK = ("≤30 分", "30–60 分", "1–2 时", "2–4 时", ">4 时")
_CHART = Chart(column=5, weight=1, least=UNSTABLE_BELOW)
_UNIT = Column(name=say("单位"), unit=Unit.TEXT)


def units_words(report: UnitTable) -> Text:
    """Say every rate of the whole with its numerator and denominator."""
    total = report.total
    said = [
        say(
            "{name} {percent:.2f}%（{on_time:,}/{should:,}）",
            name=say(name),
            percent=cohort.rate.percent,
            on_time=cohort.on_time,
            should=cohort.should,
        )
        for name, cohort in (
            ("签收及时率", total.sign_for),
            ("到场及时率", total.arrival.all),
            ("集结及时率", total.assembly.all),
            ("24 小时反馈率", total.feedback),
            ("按期处置率", total.handle),
        )
        if cohort.rate is not None and cohort.rate.percent is not None
    ]
    dual = total.dual_feedback
    if dual.rate is not None and dual.rate.percent is not None:
        said.append(
            say(
                "{name} {percent:.2f}%（{on_time:,}/{should:,}）",
                name=say("双反馈率"),
                percent=dual.rate.percent,
                on_time=dual.both,
                should=dual.owed,
            )
        )
    return sentence(said) if said else say("本期尚无到期的时限。")


def _judged(name: str, group: str = "", *, hides: bool) -> list[Column]:
    """Return the columns of a cohort, its rate from the first two; what is exempt is not published."""
    words = [f"应{name}", f"按期{name}", f"超期{name}", f"待{name}"]
    counts = [Column(name=say(word), group=group and say(group), summed=True) for word in words]
    rate = Column(name=say("及时率"), group=group and say(group), unit=Unit.PERCENT)
    exempt = Column(name=say("免责"), group=group and say(group), summed=True)
    return [*counts, rate, *([] if hides else [exempt])]


def _cohort(cohort: Cohort, *, hides: bool) -> list[Cell]:
    counts = (cohort.should, cohort.on_time, cohort.late, cohort.open)
    return [*map(shown, counts), percent(cohort.rate), *([] if hides else [cohort.exempt])]


def lengths(unit: Unit, done: str = "完成数") -> list[Column]:
    """Return the columns of a spread; *done* says what is counted in it."""
    names = (say("平均"), "P50", "P90", "P95", say("最长"))
    group = say("用时（秒）") if unit is Unit.SECONDS else say("用时（分）")
    return [
        Column(name=say(done), group=group, summed=True),
        *(Column(name=name, group=group, unit=unit) for name in names),
        Column(name=say("注"), group=group, unit=Unit.MARK),
    ]


def spread_cells(spread: Spread | None) -> list[Cell]:
    """Return the cells of `lengths`; hidden ones are marked."""
    if spread is None:
        return [*[SUPPRESSED] * 6, ""]
    lengths = (spread.mean_s, spread.p50_s, spread.p90_s, spread.p95_s, spread.max_s)
    unstable = spread.unstable and spread.n > 0
    return [spread.n, *lengths, f"n<{UNSTABLE_BELOW}" if unstable else ""]


def _bands(bands: list[Band] | None) -> list[Cell]:
    return [shown(band.count) for band in bands or []]


def _grid(
    report: UnitTable,
    name: str,
    caption: str,
    columns: list[Column],
    cells: Cells,
    chart: Chart | None = None,
) -> Grid:
    rows = [(named(unit.name), cells(unit)) for unit in report.units]
    return Grid(
        name=say(name),
        caption=say(caption),
        columns=_rates_of([_UNIT, *columns]),
        rows=[[unit, *found] for unit, found in rows if any(_says(cell) for cell in found)],
        total=[say("合计"), *cells(report.total)],
        chart=chart,
    )


def _says(cell: Cell) -> bool:
    return cell not in {None, 0, ""}


def _rates_of(columns: list[Column]) -> list[Column]:
    """Tell each rate the columns it comes from: 按期 and 应, which stand four and three before."""
    return [
        Column(name=c.name, group=c.group, unit=c.unit, numerator=n - 3, denominator=n - 4)
        if c.unit is Unit.PERCENT
        else c
        for n, c in enumerate(columns)
    ]


def _timed(
    report: UnitTable, name: str, caption: str, field: str, unit: Unit, *, bands: tuple[str, ...]
) -> Grid:
    hides = report.heading.published
    columns = [
        *_judged(name, hides=hides),
        *lengths(unit),
        *(Column(name=say(band), group=say("分段"), summed=True) for band in bands),
    ]

    def cells(row: UnitRow) -> list[Cell]:
        cohort: Cohort = getattr(row, field)
        return [
            *_cohort(cohort, hides=hides),
            *spread_cells(cohort.spread),
            *_bands(getattr(row, f"{field}_bands")),
        ]

    return _grid(report, name, caption, columns, cells, _CHART)


def _apart(report: UnitTable, name: str, caption: str, field: str) -> Grid:
    hides = report.heading.published
    columns = [
        *_judged(name, "全天", hides=hides),
        *_judged(name, "白天", hides=True),
        *_judged(name, "夜间", hides=True),
        *lengths(Unit.MINUTES),
    ]

    def cells(row: UnitRow) -> list[Cell]:
        both = getattr(row, field)
        return [
            *_cohort(both.all, hides=hides),
            *_cohort(both.day, hides=True),
            *_cohort(both.night, hides=True),
            *spread_cells(both.all.spread),
        ]

    return _grid(report, name, caption, columns, cells, _CHART)


def _dual(report: UnitTable) -> Grid:
    hides = report.heading.published
    columns = [
        Column(name=say("应双反馈"), summed=True),
        Column(name=say("双反馈"), summed=True),
        Column(name=say("自动补齐"), summed=True),
        Column(name=say("事后补录"), summed=True),
        Column(name=say("双反馈率"), unit=Unit.PERCENT),
        *([] if hides else [Column(name=say("免责"), summed=True)]),
        Column(name=say("免到场（远程处置）"), summed=True),
    ]

    def cells(row: UnitRow) -> list[Cell]:
        dual = row.dual_feedback
        counts = (dual.owed, dual.both, dual.automatic, dual.back_filled)
        exempt: list[Cell] = [] if hides else [dual.exempt]
        return [*map(shown, counts), percent(dual.rate), *exempt, shown(dual.waived)]

    caption = "双反馈率（到场与处置结束均由单位报告，R08）"
    return _grid(report, "双反馈", caption, columns, cells, _CHART)


def _handled(report: UnitTable) -> Grid:
    hides = report.heading.published
    columns = [
        *_judged("处置", hides=hides),
        Column(name=say("返工数"), summed=True),
        *([] if hides else [Column(name=say("返工免责"), summed=True)]),
        Column(name=say("挂账（缓办）数"), summed=True),
        *lengths(Unit.MINUTES),
    ]

    def cells(row: UnitRow) -> list[Cell]:
        handle = row.handle
        counts = (row.rework, *([] if hides else [row.rework_exempt]), handle.suspended)
        return [*_cohort(handle, hides=hides), *map(shown, counts), *spread_cells(handle.spread)]

    return _grid(report, "处置", "处置时效", columns, cells, _CHART)


def _censored(report: UnitTable) -> Grid:
    names = {row.unit: row.name for row in report.units}
    more = (report.censored_count or 0) - len(report.censored)
    return Grid(
        name=say("超期未结"),
        caption=say("超期未完成清单（按到期先后）"),
        columns=[
            *(
                Column(name=say(name), unit=Unit.TEXT)
                for name in ("事件编号", "单位", "时限", "规则", "到期时间")
            ),
            Column(name=say("已超（分）"), unit=Unit.MINUTES),
        ],
        rows=[
            [
                each.incident,
                named(names.get(each.unit, each.unit)),
                say(CLOCKS[each.clock]),
                each.rule,
                f"{each.due:%Y-%m-%d %H:%M:%S}",
                each.overdue_s,
            ]
            for each in report.censored
        ],
        notes=[say("另有 {more} 项未列。", more=more)] if more else [],
    )


def unit_notes(report: UnitTable) -> list[Text]:
    """Return the footnotes: what the denominators are, what is not in them."""
    notes = [
        say(
            "以本期内到期的时限为分母（应…数）：未完成者列为“待…”，不剔除，不计为按期；"
            "免责（申诉成立）、挂账、未到期者另列，不入分母。"
        ),
        say(
            "百分位按最近秩法由原始记录取得，不跨期平均；完成数不足 {least} 的单位分布数字不稳定，仅供参考；"
            "图中只列应…数不少于 {least} 的单位。",
            least=UNSTABLE_BELOW,
        ),
        say("合计由全部记录计算，不由各单位比率平均。"),
    ]
    early = [
        say(
            "{clock} {count} 项（已完成 {done} 项）",
            clock=say(CLOCKS[kind]),
            count=cohort.not_yet_due,
            done=cohort.done_early,
        )
        for kind, cohort in (
            ("ack", report.total.sign_for),
            ("arrival", report.total.arrival.all),
            ("assembly", report.total.assembly.all),
            ("feedback", report.total.feedback),
            ("handle", report.total.handle),
        )
        if cohort.not_yet_due
    ]
    if early:
        notes.append(say("截至统计时刻尚未到期：{early}。", early=listed(early)))
    return notes
