"""T9 and T10: the tables of a quarter, half-year or year, what changed, ranks within a class."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest

from services.reports.adapters.formats import Form, document, render
from services.reports.domain import period
from services.reports.domain.bulletin import LISTED, Bulletin, NoBulletin, bulletin
from services.reports.domain.canonical import canonical, restored
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Facts, Population
from services.reports.domain.opening import Three
from services.reports.domain.period import Period
from tests.unit.reports.cases import NOVEMBER, ZONE, facts, xianju
from tests.unit.reports.histories import history

QUARTER, YEAR = period.longer("2026-Q3", ZONE), period.longer("2026", ZONE)


@cache
def three(of: Period) -> Three:
    """Return facts in which traffic rose and everything became slower."""
    last_year = year_before(of)
    assert last_year
    return (
        history(of, 900, more={"traffic": 2.5}, slower=1.5),
        history(period_before(of), 700),
        history(last_year, 700),
    )


@cache
def made(of: Period, *, published: bool = False) -> Bulletin:
    """Return the bulletin of *of*."""
    return bulletin(three(of), of, Population.REAL, xianju(), published=published)


def test_a_quarter_has_t9_and_a_year_has_t10() -> None:
    """A01: a bulletin every half-year, the ranking every year; S1's quarterly meeting reads T9."""
    half = period.longer("2026-H1", ZONE)
    nothing: Three = (facts(), facts(), facts())

    assert "T9" == made(QUARTER).heading.table
    assert "T10" == made(YEAR).heading.table
    assert "T10" == bulletin(nothing, half, Population.REAL, xianju()).heading.table


def test_a_month_has_none() -> None:
    """A month's page is T1."""
    with pytest.raises(NoBulletin, match="2026-11"):
        bulletin((facts(), facts(), None), NOVEMBER, Population.REAL, xianju())


def test_the_first_three_changes_head_the_list() -> None:
    """The paragraph and the list below come from one order."""
    found = made(QUARTER)

    assert found.opening.changes
    assert found.opening.changes == found.moved[: len(found.opening.changes)]
    assert len(found.moved) <= LISTED


def test_rates_are_compared_too() -> None:
    """Everything became slower: a rate stands among the changes, in percentage points."""
    found = made(QUARTER)

    rates = [change for change in found.moved if change.now.of is not None]
    assert rates
    assert "个百分点" in "".join(document(found).summary)


def test_ranks_are_within_a_class_only_and_of_enough_cases() -> None:
    """A03, FIGURES: each class has its own first; n < 20 is not ranked."""
    scores = made(QUARTER).assessment
    assert scores
    ranked = [unit for unit in scores.units if unit.rank is not None]

    assert ranked
    assert all(unit.duties >= 20 for unit in ranked)
    for which in {unit.workload_class for unit in ranked}:
        ranks = [unit.rank for unit in ranked if unit.workload_class == which]
        assert 1 == ranks[0]
        assert ranks == sorted(rank for rank in ranks if rank is not None)


def test_a_year_begins_with_its_ranking() -> None:
    """A01: 年终总评排名 comes first; a quarter begins with what came in."""
    parts = {
        of.label: [g.part for g in document(made(of)).grids if g.part] for of in (QUARTER, YEAR)
    }

    assert "一、考核排名" == parts["2026"][0]
    assert "一、总体情况" == parts["2026-Q3"][0]
    assert 5 == len(parts["2026"]) == len(parts["2026-Q3"])


def test_it_can_be_signed() -> None:
    """签发, 审核, 编制 and the date are left blank; no name is printed."""
    found = document(made(QUARTER))

    assert ["签发", "审核", "编制", "日期"] == found.signature
    assert 'class="signature"' in render(made(QUARTER), Form.HTML).decode()


def test_formulas_and_the_cut_are_named() -> None:
    """A reader can tell what it was computed with and up to when."""
    notes = " ".join(document(made(QUARTER)).footnotes)

    assert "T1 v" in notes
    assert "A v" in notes
    assert "截至时刻：2026-10-01 00:00:00" in notes


def test_what_is_published_lists_no_case_and_no_count_of_a_unit() -> None:
    """Who is not ranked had few cases: its score would say how many were late."""
    found = made(QUARTER, published=True)

    assert found.overdue
    assert [] == found.overdue.listed
    assert found.assessment is None
    first = next(grid for grid in document(found).grids if grid.name == "一类")
    assert ["单位", "名次", "分档"] == [column.name for column in first.columns]


def test_what_is_published_tells_no_score() -> None:
    """A score to the hundredth is a fraction that gives hidden counts away: rank and band only."""
    whole, found = made(QUARTER), made(QUARTER, published=True)

    assert whole.ranking
    assert found.ranking
    assert {None} == {unit.score for unit in found.ranking.units}
    assert [unit.band for unit in whole.ranking.units] == [u.band for u in found.ranking.units]
    assert {unit.rank is None for unit in found.ranking.units if unit.band is None} == {True}
    scores = {f"{u.score:.2f}" for u in whole.ranking.units if u.score is not None} - {"100.00"}
    page = render(found, Form.HTML).decode()
    assert scores
    assert not [each for each in scores if f"{each} 分" in page]


def test_the_ranking_is_the_assessment_s() -> None:
    """What is published and what the units get say the same places."""
    found = made(QUARTER)

    assert found.assessment
    assert found.ranking
    assert [(u.unit, u.rank) for u in found.assessment.units] == [
        (u.unit, u.rank) for u in found.ranking.units
    ]


def test_a_quarter_that_is_not_over_claims_no_change() -> None:
    """The list of changes is empty as the paragraph is."""
    facts_now, before, last_year = three(QUARTER)
    running = Facts(**{**vars(facts_now), "read_at": QUARTER.end - timedelta(days=1)})

    found = bulletin((running, before, last_year), QUARTER, Population.REAL, xianju())

    assert [] == found.moved
    assert [] == found.opening.changes


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("published", [False, True])
def test_it_comes_in_every_form_with_the_same_bytes(form: Form, published: bool) -> None:
    """Recomputed byte for byte."""
    again = bulletin(three(QUARTER), QUARTER, Population.REAL, xianju(), published=published)

    assert render(made(QUARTER, published=published), form) == render(again, form)


def test_its_json_can_be_read_again() -> None:
    """A stored bulletin is a bulletin."""
    assert made(QUARTER) == restored(canonical(made(QUARTER)), Bulletin)


def test_an_exercise_says_so() -> None:
    """A drill's bulletin cannot be taken for a real one."""
    found = bulletin(three(QUARTER), QUARTER, Population.EXERCISE, xianju())

    assert "（演练）" in found.heading.title
    assert document(found).exercise


def test_a_year_is_compared_with_last_year_only() -> None:
    """The period before a year is last year: 环比 would say the same twice."""
    found = made(YEAR)
    words = document(found).summary[0]

    assert found.opening.changes
    assert "同比" in words
    assert "环比" not in words
    assert "年终总评排名" in found.heading.title
