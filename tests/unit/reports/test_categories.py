"""T2: three periods beside each other, what sums, what is compared, what is hidden."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain import period
from services.reports.domain.category_document import category_document
from services.reports.domain.category_months import CategoryTable, category_table
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import CallFact, Population
from services.reports.domain.overview import overview
from services.reports.domain.period import Period
from services.reports.domain.quantities import Rate
from tests.unit.reports.cases import NOVEMBER, ZONE, a_call, facts, xianju

OCTOBER, LAST_YEAR = period.month("2026-10", ZONE), period.month("2025-11", ZONE)
PERIODS = (NOVEMBER, OCTOBER, LAST_YEAR)
CATEGORIES = ("traffic.jam", "fire.vehicle", "unclassified", "no.such")


def calls(of: Period, count: int, category: str = "traffic.jam") -> list[CallFact]:
    """Return *count* calls of a period's first day."""
    at = of.start + timedelta(hours=8)
    return [a_call((of.label, category, n), at, category=category) for n in range(count)]


def table(*found: CallFact, published: bool = False) -> CategoryTable:
    """Return T2 of November."""
    real = Population.REAL
    return category_table(facts(*found), NOVEMBER, real, xianju(), published=published)


@pytest.mark.parametrize(
    ("of", "before", "last_year"),
    [
        (period.month("2026-11", ZONE), "2026-10", "2025-11"),
        (period.month("2026-01", ZONE), "2025-12", "2025-01"),
        (period.month("2024-02", ZONE), "2024-01", "2023-02"),
        (period.day("2026-03-01", ZONE), "2026-02-28", "2025-03-01"),
        (period.day("2024-02-29", ZONE), "2024-02-28", None),
    ],
)
def test_what_a_period_is_compared_with(of: Period, before: str, last_year: str | None) -> None:
    """环比: the period before; 同比: the same of last year, which a leap day does not have."""
    earlier = year_before(of)

    assert before == period_before(of).label
    assert last_year == (earlier.label if earlier else None)


def test_growth_is_of_the_earlier_count() -> None:
    """3 after 2 is +50 %, 3 after 4 is -25 %."""
    found = table(*calls(NOVEMBER, 3), *calls(OCTOBER, 2), *calls(LAST_YEAR, 4))

    traffic = next(row for row in found.rows if row.id == "traffic")
    assert (3, 2, 4) == (traffic.count, traffic.before, traffic.last_year)
    assert (Rate(1, 2, 50.0), Rate(-1, 4, -25.0)) == (traffic.on_before, traffic.on_year)
    assert Rate(1, 2, 50.0) == found.total.on_before


def test_nothing_before_is_no_growth() -> None:
    """N = 0 gives – and never an infinite or a 100 % growth (FIGURES)."""
    found = table(*calls(NOVEMBER, 3))

    assert Rate(3, 0, None) == found.total.on_before
    grid = category_document(found).grids[0]
    assert grid.total is not None
    assert grid.total[-1] is None


amounts = st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(0, 12)), max_size=4)


Drawn = tuple[list[tuple[str, int]], list[tuple[str, int]], list[tuple[str, int]]]


def received(drawn: Drawn) -> list[CallFact]:
    """Return the calls of the three periods, each once."""
    known = {
        call.call_id: call
        for of, each in zip(PERIODS, drawn, strict=True)
        for category, count in each
        for call in calls(of, count, category)
    }
    return list(known.values())


@given(st.tuples(amounts, amounts, amounts))
def test_every_column_is_t1_and_sums(drawn: Drawn) -> None:
    """Parts sum to the whole in each period, and each cell is the one T1 says."""
    known = received(drawn)
    found = table(*known)

    for of, column in zip(PERIODS, ("count", "before", "last_year"), strict=True):
        first = overview(facts(*known), of, Population.REAL, xianju()).by_row
        cells = [getattr(row, column) for row in found.rows]
        assert [part.count for part in first.rows] == cells
        assert sum(cells) == getattr(found.total, column) == first.total


@given(st.tuples(amounts, amounts, amounts))
def test_what_is_published_gives_no_small_cell_away(drawn: Drawn) -> None:
    """No cell of 1 to 4, and no growth from which a hidden one could be computed."""
    known = received(drawn)
    found = table(*known, published=True)

    for row in (*found.rows, found.total):
        cells = (row.count, row.before, row.last_year)
        assert not [cell for cell in cells if cell is not None and 0 < cell < 5]
        assert (row.on_before is None) == (None in cells[:2])
        assert (row.on_year is None) == (None in cells[::2])


@pytest.mark.parametrize("form", list(Form))
def test_the_same_facts_give_the_same_bytes(form: Form) -> None:
    """Every form is made without a stamp of its own."""
    found = [*calls(NOVEMBER, 3), *calls(OCTOBER, 2)]

    assert render(table(*found), form) == render(table(*reversed(found)), form)


def test_the_first_sentence_names_the_largest_changes() -> None:
    """What moved most, in cases; and the whole in percent."""
    jams = [*calls(NOVEMBER, 30), *calls(OCTOBER, 20)]
    fires = [*calls(OCTOBER, 3, "fire.vehicle"), *calls(NOVEMBER, 1, "fire.vehicle")]

    (said,) = category_document(table(*jams, *fires)).summary

    assert "有效警情 31 起，环比 +34.78%" in said
    assert said.index("+10 起") < said.index("-2 起")
