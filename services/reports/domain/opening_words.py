"""The first paragraph in words: how many, and the three most important changes with their numbers."""

from __future__ import annotations

from services.reports.domain.changes import SIGNIFICANT, Change, Finding, Measured, Opening, Step
from services.reports.domain.cover import period_name
from services.reports.domain.document import SUPPRESSED, Cell
from services.reports.domain.overview import Overview
from services.reports.domain.quantities import UNSTABLE_BELOW, rate
from services.reports.domain.wording import Text, named, say, sentence


def opening_words(report: Overview) -> list[Text]:
    """Return the first paragraph of T1; without a comparison only how many there were."""
    return paragraph(report, report.opening)


def paragraph(report: Overview, opening: Opening | None) -> list[Text]:
    """Return the paragraph that begins a report: received, valid, then what changed most."""
    head = say(
        "{period}共接各类警情、诉求 {received} 起，有效 {valid} 起",
        period=period_name(report.heading),
        received=_counted(report.received),
        valid=_counted(report.valid),
    )
    if report.valid_rate and report.valid_rate.percent is not None:
        head = say("{head}，有效率 {percent:.2f}%", head=head, percent=report.valid_rate.percent)
    if opening is None:
        return [sentence([head])]
    if opening.finding is Finding.NOT_OVER:
        return [sentence([head, say("本期尚未结束，暂不与上期、去年同期比较")])]
    if opening.finding is Finding.DATA_END:
        return [sentence([head, say("数据未满本期，暂不与上期、去年同期比较")])]
    if opening.finding is Finding.NOTHING_BEFORE:
        nothing = (
            say("没有上年的数据可比") if opening.yearly else say("没有上期、去年同期的数据可比")
        )
        return [sentence([head, nothing])]
    if opening.valid is not None:
        head = say("{head}，{both}", head=head, both=_both(opening.valid, yearly=opening.yearly))
    return [sentence([head, _told(opening)])]


def _counted(value: int | None) -> Cell:
    return SUPPRESSED if value is None else f"{value:,}"


_NONE = {
    (True, True): "所比较的 {compared} 项指标与上期、去年同期相比均无显著变化",
    (True, False): "所比较的 {compared} 项指标与上期相比均无显著变化，去年同期无可比数据",
    (False, True): "所比较的 {compared} 项指标与去年同期相比均无显著变化，上期无可比数据",
}
"""By whether the period before and last year's had calls."""
_TOLD = (
    "变化显著的有一项，即{first}",
    "变化显著的有两项：一是{first}；二是{second}",
    "变化最大的三项：一是{first}；二是{second}；三是{third}",
)


def _told(opening: Opening) -> Text:
    told = [change_words(change, yearly=opening.yearly) for change in opening.changes]
    if not told:
        return _nothing_changed(opening)
    names = dict(zip(("first", "second", "third"), told, strict=False))
    return say(_TOLD[len(names) - 1], **names)


def _nothing_changed(opening: Opening) -> Text:
    if not opening.compared:
        return say("没有可以比较的指标")
    if opening.yearly:
        return say("所比较的 {compared} 项指标与上年相比均无显著变化", compared=opening.compared)
    return say(_NONE[opening.has_before, opening.has_last_year], compared=opening.compared)


def change_words(change: Change, *, yearly: bool = False) -> Text:
    """Return one change with its numbers, 环比 and 同比 both named; of a year only 同比."""
    return say(
        "{name} {now}，{both}",
        name=named(change.name),
        now=measured_words(change.now),
        both=_both(change, yearly=yearly),
    )


def measured_words(value: Measured) -> Text:
    """Return a count or a rate with its numerator and denominator."""
    if value.of is None:
        return say("{cases:,} 起", cases=value.cases)
    found = rate(value.cases, value.of).percent
    if found is None:
        return say("–")
    return say("{percent:.2f}%（{cases:,}/{of:,}）", percent=found, cases=value.cases, of=value.of)


def _both(change: Change, *, yearly: bool) -> Text:
    year = step_words(say("同比"), change.now, change.on_year)
    if yearly:
        return year
    before = step_words(say("环比"), change.now, change.on_before)
    return say("{before}，{year}", before=before, year=year)


def step_words(basis: Text, now: Measured, found: Step | None) -> Text:
    """Return one comparison; up or down is said only of what is significant."""
    if found is None:
        return say("{basis}无可比数据", basis=basis)
    if now.of is not None:
        if not found.significant:
            return say("{basis}变化不显著（{moved:+.2f} 个百分点）", basis=basis, moved=found.moved)
        words = (
            "{basis}上升 {by:.2f} 个百分点" if found.moved > 0 else "{basis}下降 {by:.2f} 个百分点"
        )
        return say(words, basis=basis, by=abs(found.moved))
    moved = int(found.moved)
    if not found.significant:
        return say("{basis}变化不显著（{moved:+,} 起）", basis=basis, moved=moved)
    if found.percent is None:
        then, cases = found.then.cases, now.cases
        return say("{basis}由 {then:,} 起变为 {cases:,} 起", basis=basis, then=then, cases=cases)
    words = (
        "{basis}上升 {by:.2f}%（{moved:+,} 起）"
        if moved > 0
        else "{basis}下降 {by:.2f}%（{moved:+,} 起）"
    )
    return say(words, basis=basis, by=abs(found.percent), moved=moved)


def method() -> Text:
    """Return the footnote that says how the changes were chosen."""
    return say(
        "首段所列变化按“变动件数 × |z|”由大到小选取（环比、同比取其大者）：件数按日均比较，比率按两比例检验；"
        "|z| ≥ {z} 且件数（比率为分母）不少于 {least} 方称上升、下降，其余称变化不显著；“其他”不参加比较。",
        z=SIGNIFICANT,
        least=UNSTABLE_BELOW,
    )
