"""The first paragraph: three changes with their numbers, 环比 and 同比 named, nothing claimed on few."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.reports.domain import period
from services.reports.domain.changes import Finding
from services.reports.domain.earlier import with_calls_of
from services.reports.domain.facts import CallFact, Facts, Population
from services.reports.domain.opening import opened_overview
from services.reports.domain.opening_words import paragraph
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.wording import Text
from tests.unit.reports.cases import NOVEMBER, ZONE, a_call, facts, xianju

OCTOBER, LAST_YEAR = period.month("2026-10", ZONE), period.month("2025-11", ZONE)
JAM, FIRE, FLOOD, LOCKED = "traffic.jam", "fire.vehicle", "disaster.flood", "help.locked"


def calls(of: Period, **counts: int) -> list[CallFact]:
    """Return calls by category (dots written as double underscores), areas of none."""
    at = of.start + timedelta(hours=8)
    return [
        a_call((of.label, name, n), at, category=name.replace("__", "."), area=None)
        for name, count in counts.items()
        for n in range(count)
    ]


def opened_from(*found: CallFact, published: bool = False) -> Overview:
    """Return T1 of November with its paragraph."""
    real = Population.REAL
    return opened_overview(facts(*found), NOVEMBER, real, xianju(), published=published)


def said(report: Overview) -> Text:
    """Return the paragraph."""
    (found,) = paragraph(report, report.opening)
    return found


def a_year() -> list[CallFact]:
    """Return November and what it is compared with: four categories moved, one not enough."""
    return [
        *calls(NOVEMBER, traffic__jam=300, fire__vehicle=90, disaster__flood=60, help__locked=12),
        *calls(OCTOBER, traffic__jam=200, fire__vehicle=150, disaster__flood=20, help__locked=4),
        *calls(LAST_YEAR, traffic__jam=290, fire__vehicle=88, disaster__flood=58, help__locked=10),
    ]


def test_it_names_the_three_most_important_changes_with_their_numbers() -> None:
    """Issue 4: a first paragraph in words; the score puts 100 cases more before 60 fewer."""
    words = said(opened_from(*a_year()))

    assert words == (
        "2026年11月共接各类警情、诉求 462 起，有效 462 起，有效率 100.00%，"
        "环比上升 23.53%（+88 起），同比变化不显著（+16 起）；变化最大的三项："
        "一是交通事件 300 起，环比上升 50.00%（+100 起），同比变化不显著（+10 起）；"
        "二是抢险救援 90 起，环比下降 40.00%（-60 起），同比变化不显著（+2 起）；"
        "三是灾害事故 60 起，环比上升 200.00%（+40 起），同比变化不显著（+2 起）。"
    )


def test_it_says_the_same_in_english() -> None:
    """Both languages are generated from the same figures."""
    words = said(opened_from(*a_year())).en

    assert words.startswith("November 2026: 462 calls and requests were received, 462 of them")
    assert "(1) Traffic 300, up 50.00% on the period before (+100)" in words
    assert "no significant change on last year (+2)" in words


def test_few_cases_are_never_called_a_change() -> None:
    """4 to 12 is three times as many and no news: n < 20."""
    report = opened_from(*calls(NOVEMBER, help__locked=12), *calls(OCTOBER, help__locked=4))

    assert report.opening
    assert (Finding.NO_CHANGE, []) == (report.opening.finding, report.opening.changes)
    assert "均无显著变化" in said(report)


@pytest.mark.parametrize(
    ("earlier", "chinese", "english"),
    [
        ([OCTOBER], "与上期相比均无显著变化，去年同期无可比数据", "of last year there is nothing"),
        (
            [LAST_YEAR],
            "与去年同期相比均无显著变化，上期无可比数据",
            "of the period before there is",
        ),
        ([OCTOBER, LAST_YEAR], "与上期、去年同期相比均无显著变化", "before or on last year"),
    ],
)
def test_nothing_changed_only_against_a_period_that_was(
    earlier: list[Period], chinese: str, english: str
) -> None:
    """A period without data is not one with no change, and is counted in no comparison."""
    found = [call for of in (NOVEMBER, *earlier) for call in calls(of, help__locked=12)]
    words = said(opened_from(*found))

    assert f"所比较的 1 项指标{chinese}" in words
    assert english in words.en


def test_a_month_that_is_not_over_is_not_compared() -> None:
    """Half a month beside a whole one would always be a fall."""
    found = replace(facts(*a_year()), read_at=NOVEMBER.end - timedelta(days=3))
    report = opened_overview(found, NOVEMBER, Population.REAL, xianju())

    assert report.opening
    assert (Finding.NOT_OVER, []) == (report.opening.finding, report.opening.changes)
    assert "本期尚未结束，暂不与上期、去年同期比较" in said(report)


def test_without_an_earlier_period_nothing_rose() -> None:
    """The platform's first month is not infinitely more than the month before it."""
    report = opened_from(*calls(NOVEMBER, traffic__jam=300))

    assert report.opening
    assert Finding.NOTHING_BEFORE is report.opening.finding
    assert "没有上期、去年同期的数据可比" in said(report)


def test_a_missing_year_is_named_as_such() -> None:
    """环比 and 同比 are both named, also where one of them has nothing to compare with."""
    words = said(opened_from(*calls(NOVEMBER, traffic__jam=300), *calls(OCTOBER, traffic__jam=200)))

    assert "交通事件 300 起，环比上升 50.00%（+100 起），同比无可比数据" in words


def test_a_small_base_has_no_percentage() -> None:
    """2 to 80 is said with both numbers, not as +3900 %."""
    words = said(opened_from(*calls(NOVEMBER, fire__vehicle=80), *calls(OCTOBER, fire__vehicle=2)))

    assert "抢险救援 80 起，环比由 2 起变为 80 起" in words


def test_what_is_published_tells_no_hidden_cell() -> None:
    """A category whose earlier count is hidden is not compared with it."""
    found = [
        *calls(NOVEMBER, traffic__jam=300, disaster__flood=40),
        *calls(OCTOBER, traffic__jam=200, disaster__flood=3, fire__vehicle=4),
    ]
    report = opened_from(*found, published=True)

    assert report.opening
    told = {change.id: change.on_before for change in report.opening.changes}
    assert told.get("disaster") is None


@pytest.mark.parametrize("published", [False, True])
def test_the_paragraph_does_not_change_a_figure(published: bool) -> None:
    """T1 is the same table with its paragraph."""
    report = opened_from(*a_year(), published=published)

    assert report.valid == sum(part.count or 0 for part in report.by_row.rows)


def test_facts_of_three_periods_may_come_together() -> None:
    """The calls of the earlier periods are joined to the month's, as the handlers do."""
    joined: Facts = facts(*calls(NOVEMBER, traffic__jam=300))
    for of in (OCTOBER, LAST_YEAR):
        joined = with_calls_of(joined, facts(*calls(of, traffic__jam=200)))

    report = opened_overview(joined, NOVEMBER, Population.REAL, xianju())

    assert 300 == report.valid
    assert report.opening
    assert ["traffic"] == [change.id for change in report.opening.changes]
