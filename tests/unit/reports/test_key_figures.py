"""The list of figures: each with numerator, denominator and exclusions, and none that a table hides."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain.facts import Population
from services.reports.domain.key_figures import FigureTable, figure_table
from services.reports.domain.key_figures_words import BESIDE, FIGURES, GROUPS
from services.reports.domain.quantities import rate
from services.reports.domain.suppression import LEAST
from tests.unit.reports.cases import NOVEMBER, facts, xianju
from tests.unit.reports.later_cases import FEW, a_call_back, a_report, an_appeal, histories


def test_the_three_rates_stand_with_reach_beside() -> None:
    """三率 ÷ called back and reached; the reach rate is its own figure."""
    made = [a_call_back(n) for n in range(3)]
    table = _of(*made, a_call_back("away", reached=False), a_call_back("ours", satisfied=False))
    by = {each.id: each.value for each in table.figures}

    assert rate(4, 5) == by["call_back.reached"]
    assert rate(3, 4) == by["call_back.satisfied"]


def test_what_is_exempt_stands_beside() -> None:
    """A granted appeal leaves the rate and stays visible."""
    table = _of(a_call_back(1, satisfied=False), an_appeal(1, "satisfaction"))
    reach = next(each for each in table.figures if each.id == "call_back.reached")

    assert rate(0, 0) == reach.value
    assert {"exempt": 1} == {each.id: each.count for each in reach.beside}


@FEW
@given(histories())
def test_every_figure_has_its_words(history: list[Any]) -> None:
    """Whatever the facts are, nothing prints as an id; numerators are part of their denominators."""
    table = _of(*history)

    for figure in table.figures:
        assert figure.group in GROUPS
        assert figure.id in FIGURES
        assert all(each.id in BESIDE for each in figure.beside)
        assert figure.value is not None
        assert 0 <= figure.value.numerator <= figure.value.denominator
    assert len({figure.id for figure in table.figures}) == len(table.figures)


@FEW
@given(histories(40))
def test_published_nothing_small_can_be_read_or_subtracted(history: list[Any]) -> None:
    """Neither one to four, nor a pair whose difference is one to four, and no single units."""
    table = figure_table(facts(*history), NOVEMBER, Population.REAL, xianju(), published=True)

    assert table.conduct is None
    for figure in table.figures:
        numbers = [each.count for each in figure.beside]
        if figure.value is not None:
            of, part = figure.value.denominator, figure.value.numerator
            numbers += [of, part, of - part]
        assert all(n is None or n == 0 or n >= LEAST for n in numbers)


@FEW
@given(histories(), st.randoms())
def test_the_order_of_facts_does_not_matter(history: list[Any], random: Any) -> None:
    """The same facts in any order give the same bytes."""
    shuffled = list(history)
    random.shuffle(shuffled)

    assert render(_of(*history), Form.JSON) == render(_of(*shuffled), Form.JSON)


def test_an_exercise_has_no_staffing() -> None:
    """Teams and rosters are of no exercise."""
    table = figure_table(facts(), NOVEMBER, Population.EXERCISE, xianju())

    assert "staffing" not in {each.group for each in table.figures}


def test_the_page_lists_them_in_groups() -> None:
    """Read beside the tables."""
    page = render(_of(a_call_back(1), a_report(1)), Form.HTML).decode()

    for words in ("指标一览表", "回访（三率）", "满意率", "按时报送率", "单位办理情况"):
        assert words in page


def _of(*found: Any) -> FigureTable:
    return figure_table(facts(*found), NOVEMBER, Population.REAL, xianju())
