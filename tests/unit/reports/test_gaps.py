"""T7: every duty that owes both reports is counted once, and its gap is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain.dual_feedback import Given, given
from services.reports.domain.facts import AssignmentFact, ClockFact, Facts, Population
from services.reports.domain.gaps import GapTable, gap_table, published_gaps
from services.reports.domain.units import unit_table
from tests.unit.reports.cases import NOVEMBER, T0, a_clock, a_duty, facts, xianju

DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Given.BOTH),
        ({"arrived_by": "feed"}, Given.BOTH),
        ({"arrived_by": "automatic"}, Given.AUTOMATIC),
        ({"ended_by": "desk"}, Given.BACK_FILLED),
        ({"arrived_late_told": True}, Given.BACK_FILLED),
        ({"arrived_at": None, "arrived_by": None}, Given.NO_ARRIVAL),
        ({"ended_at": None, "ended_by": None}, Given.NO_END),
        ({"arrived_at": None, "ended_at": None}, Given.NEITHER),
        ({"waived_at": T0}, None),
        ({"unit_kind": "desk"}, None),
        ({"state": "returned", "ended_at": None}, None),
        ({"state": "released"}, Given.BOTH),
    ],
)
def test_what_a_duty_has_given(changes: dict[str, Any], expected: Given | None) -> None:
    """R08: arrival and end, reported by the unit itself; who does not travel owes none."""
    assert expected is given(a_duty("one", **changes))


def test_a_gap_is_listed_with_what_is_missing() -> None:
    """The desk chases cases, not numbers: the earliest due comes first."""
    table = _of(
        *_case("second", due=T0 + DAY + timedelta(hours=1), ended_at=None),
        *_case("first", arrived_at=None),
        *_case("fine"),
    )

    assert [Given.NO_ARRIVAL, Given.NO_END] == [gap.missing for gap in table.gaps]
    assert (3, 1, 2) == (table.total.owed, table.total.both, table.gap_count)


def test_only_what_was_due_in_the_period_counts() -> None:
    """The "should" cohort: a duty whose sheet is due in December is December's."""
    table = _of(*_case("later", due=NOVEMBER.end + timedelta(seconds=1), ended_at=None))

    assert 0 == table.total.owed


def test_a_sheet_not_yet_due_is_no_gap() -> None:
    """A month that is not over is judged up to its newest event."""
    found = facts(*_case("one", ended_at=None), read_at=T0, real=T0 + DAY - timedelta(seconds=1))
    table = gap_table(found, NOVEMBER, Population.REAL, xianju())

    assert 0 == table.total.owed


_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "arrived_at": st.sampled_from([None, T0]),
        "ended_at": st.sampled_from([None, T0]),
        "arrived_by": st.sampled_from(["unit", "automatic", "desk"]),
        "ended_late_told": st.booleans(),
        "state": st.sampled_from(["fed_back", "released", "returned", "sent"]),
        "unit": st.sampled_from(["xj-traffic", "unheard-of"]),
        "waived_at": st.sampled_from([None, T0]),
    },
)


@any_of(st.lists(_CHANGES, max_size=30))
def test_parts_sum_and_the_total_is_t3_s(changes: list[dict[str, Any]]) -> None:
    """T7 and T3 count the same duties: a bureau that compares them finds no difference."""
    found = facts(*(fact for n, each in enumerate(changes) for fact in _case(n, **each)))
    table = gap_table(found, NOVEMBER, Population.REAL, xianju())
    dual = unit_table(found, NOVEMBER, Population.REAL, xianju()).total.dual_feedback

    total = table.total
    assert (dual.owed, dual.both, dual.automatic, dual.back_filled) == (
        total.owed,
        total.both,
        total.automatic,
        total.back_filled,
    )
    for row in (total, *table.units):
        assert row.owed == sum(getattr(row, what.value) for what in Given)
    assert total.owed == sum(row.owed or 0 for row in table.units)


@any_of(st.lists(_CHANGES, max_size=30))
def test_published_small_counts_and_cases_are_hidden(changes: list[dict[str, Any]]) -> None:
    """What is published shows no count of one to four and no single case."""
    found = facts(*(fact for n, each in enumerate(changes) for fact in _case(n, **each)))
    table = published_gaps(gap_table(found, NOVEMBER, Population.REAL, xianju()))

    shown = [getattr(row, what.value) for row in (table.total, *table.units) for what in Given]
    assert not [count for count in shown if count and count < 5]
    assert ([], None) == (table.gaps, table.gap_count)


def test_the_page_names_unit_and_gap() -> None:
    """The page is read by people: Chinese words, the unit's name."""
    page = render(_of(*_case("one", ended_at=None)), Form.HTML).decode()

    assert "双反馈缺项表" in page
    assert "缺项合计" in page
    assert "缺处结" in page


def _case(
    name: object, *, due: Any = T0 + DAY, unit: str = "xj-traffic", **changes: Any
) -> tuple[AssignmentFact, ClockFact]:
    clock = a_clock(name, "feedback", due=due, limit=DAY, unit=unit)
    return a_duty(name, unit=unit, **changes), clock


def _of(*found: Any) -> GapTable:
    given_facts: Facts = facts(*found)
    return gap_table(given_facts, NOVEMBER, Population.REAL, xianju())
