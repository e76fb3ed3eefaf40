"""T5: what was late or is open, the worst first; its counts are T3's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given as any_of
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain.facts import Population
from services.reports.domain.overdue import (
    LISTED_AT_MOST,
    OverdueTable,
    overdue_table,
    published_overdue,
)
from services.reports.domain.units import unit_table
from tests.unit.reports.cases import NOVEMBER, T0, a_call, a_clock, facts, opened, xianju

LIMIT = timedelta(minutes=20)


def test_the_longest_overdue_comes_first_and_open_ones_run_to_the_cut() -> None:
    """A case nobody ended is overdue up to the end of the month."""
    table = _of(
        a_clock("a minute", took=LIMIT + timedelta(minutes=1)),
        a_clock("open"),
        a_clock("an hour", took=LIMIT + timedelta(hours=1)),
        a_clock("in time", took=LIMIT),
    )

    until_the_end = int((NOVEMBER.end - (T0 + LIMIT)).total_seconds())
    assert [until_the_end, 3600, 60] == [each.overdue_s for each in table.listed]
    assert table.listed[0].stopped is None


def test_a_suspended_or_exempted_limit_is_not_overdue() -> None:
    """挂账 leaves list and rates; a granted appeal the rates, its mark stays listed (row 20), last."""
    table = _of(a_clock("one", state="paused"), a_clock("two", exempt=True), a_clock("three"))

    assert [False, True] == [each.exempt for each in table.listed]
    arrival = next(each for each in table.kinds if each.clock == "arrival")
    assert (1, 1, 1) == (arrival.should, arrival.overdue, arrival.exempt)


def test_the_list_has_a_limit_and_says_what_it_leaves_out() -> None:
    """A month of a big city does not fill a page without end."""
    table = _of(*(a_clock(n) for n in range(LISTED_AT_MOST + 3)))

    assert (LISTED_AT_MOST, 3) == (len(table.listed), table.not_listed)
    assert "另有 3 件" in render(table, Form.HTML).decode()


_CLOCK = st.tuples(
    st.sampled_from(["ack", "arrival", "assembly", "feedback", "handle"]),
    st.sampled_from([None, LIMIT, LIMIT * 2]),
)


@any_of(st.lists(_CLOCK, max_size=40))
def test_counts_are_t3_s(clocks: list[tuple[str, Any]]) -> None:
    """Late and open of every kind are what the timeliness table says."""
    found = facts(*(a_clock(n, kind, took=took) for n, (kind, took) in enumerate(clocks)))
    kinds = {k.clock: k for k in overdue_table(found, NOVEMBER, Population.REAL, xianju()).kinds}
    total = unit_table(found, NOVEMBER, Population.REAL, xianju()).total

    for kind, cohort in (
        ("ack", total.sign_for),
        ("arrival", total.arrival.all),
        ("assembly", total.assembly.all),
        ("feedback", total.feedback),
        ("handle", total.handle),
    ):
        row = kinds[kind]
        assert (cohort.should, cohort.late, cohort.open) == (row.should, row.late, row.open)
        assert row.overdue == (row.late or 0) + (row.open or 0)


@any_of(st.lists(_CLOCK, max_size=40))
def test_published_nothing_small_can_be_read_or_subtracted(clocks: list[tuple[str, Any]]) -> None:
    """No case, no count of one to four, and no pair whose difference is one."""
    found = facts(*(a_clock(n, kind, took=took) for n, (kind, took) in enumerate(clocks)))
    units = unit_table(found, NOVEMBER, Population.REAL, xianju())
    table = published_overdue(overdue_table(found, NOVEMBER, Population.REAL, xianju()), units)

    assert not table.listed
    for row in table.kinds:
        for count in (row.should, row.overdue, row.late, row.open):
            assert count is None or not 0 < count < 5
        if row.should is not None and row.overdue is not None:
            assert not 0 < row.should - row.overdue < 5


def test_the_page_names_case_and_rule() -> None:
    """What the desk reads out in the morning."""
    incident = opened(a_call("one"))
    clock = a_clock("one", took=LIMIT * 2, incident_id=incident.incident_id)
    page = render(_of(incident, clock), Form.HTML).decode()

    for words in ("超期清单", incident.number, "R01", "20.0"):
        assert words in page


def _of(*found: Any) -> OverdueTable:
    return overdue_table(facts(*found), NOVEMBER, Population.REAL, xianju())
