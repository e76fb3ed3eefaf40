"""T3: clocks due in the period, each kind of limit apart, open ones never dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain.facts import Facts, Population
from services.reports.domain.quantities import rate
from services.reports.domain.units import CENSORED_AT_MOST, UnitRow, UnitTable, unit_table
from tests.unit.reports.cases import (
    AFTER,
    NOVEMBER,
    T0,
    a_call,
    a_clock,
    a_duty,
    facts,
    opened,
    with_more,
    xianju,
)

UNIT, OTHER_UNIT = "xj-traffic", "xj-rescue"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def november(*found: Any, population: Population = Population.REAL, **read: Any) -> UnitTable:
    """Return T3 of November 2026."""
    return unit_table(facts(*found, **read), NOVEMBER, population, xianju())


def row(table: UnitTable, unit: str = UNIT) -> UnitRow:
    """Return the row of one unit."""
    return next(each for each in table.units if each.unit == unit)


def test_arrivals_counted_by_hand() -> None:
    """到场及时率: arrived ≤ due ÷ arrival clocks due; a missing stamp after due is not on time."""
    arrival = row(
        november(
            a_clock(1, took=7 * MINUTE),
            a_clock(2, took=20 * MINUTE),
            a_clock(3, took=21 * MINUTE),
            a_clock(4),
            a_clock("void", state="void"),
            a_clock("unjudged", judged=False),
            a_clock("appealed", took=40 * MINUTE, exempt=True),
            a_clock("other", unit=OTHER_UNIT),
        )
    ).arrival.all

    assert (4, 3, 2, 1, 1) == (
        arrival.should,
        arrival.done,
        arrival.on_time,
        arrival.late,
        arrival.open,
    )
    assert rate(2, 4) == arrival.rate
    assert 1 == arrival.exempt
    assert arrival.spread
    assert (3, 960.0, 1200.0, 1260.0) == (
        arrival.spread.n,
        arrival.spread.mean_s,
        arrival.spread.p50_s,
        arrival.spread.max_s,
    )
    assert arrival.spread.unstable


def test_arrival_and_assembly_day_and_night_stand_apart() -> None:
    """R01-R04 measure different things: nothing adds an arrival to an assembly."""
    found = row(
        november(
            a_clock(1, took=MINUTE),
            a_clock(2, took=MINUTE, day=False),
            a_clock(3, "assembly", took=MINUTE, day=False),
        )
    )

    assert (2, 1, 1) == (
        found.arrival.all.should,
        found.arrival.day.should,
        found.arrival.night.should,
    )
    assert (1, 0, 1) == (
        found.assembly.all.should,
        found.assembly.day.should,
        found.assembly.night.should,
    )


@pytest.mark.parametrize(
    ("due", "counts"),
    [
        (NOVEMBER.start - timedelta(microseconds=1), 0),
        (NOVEMBER.start, 1),
        (NOVEMBER.end - timedelta(microseconds=1), 1),
        (NOVEMBER.end, 0),
    ],
)
def test_a_clock_counts_in_the_month_it_is_due(due: datetime, counts: int) -> None:
    """The "should" cohort: what was dispatched in October but due in November is November's."""
    assert counts == row(november(a_clock(1, due=due))).arrival.all.should


def test_an_open_month_judges_only_what_is_due() -> None:
    """Due after the cut: not in the rate, shown beside, of it what was done early."""
    clocks = [
        a_clock(1, "feedback", limit=DAY, due=T0, took=timedelta(hours=3)),
        a_clock(2, "feedback", limit=DAY, due=T0 + timedelta(hours=1), took=timedelta(hours=3)),
        a_clock(3, "feedback", limit=DAY, due=T0 + timedelta(hours=2)),
    ]
    feedback = row(november(*clocks, read_at=T0, real=T0)).feedback

    assert (1, 1, 2, 1) == (
        feedback.should,
        feedback.on_time,
        feedback.not_yet_due,
        feedback.done_early,
    )


def test_a_late_stamp_that_proves_the_unit_right_counts() -> None:
    """Row 19: a breach that was corrected is on time; the clock judges by event time."""
    corrected = a_clock(1, took=19 * MINUTE, breached_at=T0 + 20 * MINUTE, corrected=True)

    assert 1 == row(november(corrected)).arrival.all.on_time


def test_what_stopped_after_the_cut_was_open_at_it() -> None:
    """Censoring: a month read in December shows as open what was done after its printed end."""
    after = NOVEMBER.end - 10 * MINUTE
    table = november(
        a_clock(1, "handle", due=after, took=20 * MINUTE + 10 * MINUTE),
        a_clock(2, "handle", due=after, took=20 * MINUTE + 11 * MINUTE),
    )

    handle = row(table).handle
    assert (2, 1, 0, 1, 1) == (
        handle.should,
        handle.done,
        handle.on_time,
        handle.late,
        handle.open,
    )
    assert handle.spread
    assert 1 == handle.spread.n == table.censored_count
    assert [600] == [case.overdue_s for case in table.censored]


def test_open_cases_are_listed_longest_overdue_first() -> None:
    """Censored, not dropped: number, unit, rule and how long overdue at the cut."""
    call = a_call(1)
    table = november(
        a_clock(1, due=T0 + 5 * MINUTE, incident_id=call.opens),
        a_clock(2, due=T0),
        opened(call, number="XJ-20261122-000001"),
        read_at=T0,
        real=T0 + 10 * MINUTE,
    )

    assert 2 == table.censored_count
    assert ["", "XJ-20261122-000001"] == [each.incident for each in table.censored]
    assert [600, 300] == [each.overdue_s for each in table.censored]


def test_the_list_of_open_cases_has_an_end() -> None:
    """Every list has a limit; the count is of all."""
    table = november(*(a_clock(n) for n in range(CENSORED_AT_MOST + 1)))

    assert (CENSORED_AT_MOST + 1, CENSORED_AT_MOST) == (table.censored_count, len(table.censored))


def test_dual_feedback_counts_what_the_unit_itself_reported() -> None:
    """R08: both reports by the unit ÷ duties that owe both; automatic and back-filled apart."""
    duties = [
        a_duty("both"),
        a_duty("feed", arrived_by="feed", ended_by="feed"),
        a_duty("automatic", arrived_by="automatic"),
        a_duty("desk", ended_by="desk"),
        a_duty("back-dated", arrived_late_told=True),
        a_duty("half", arrived_at=None, arrived_by=None),
        a_duty("released", state="released", ended_at=None, ended_by=None),
        a_duty("moved", state="reassigned", arrived_at=None, ended_at=None),
        a_duty("remote", waived_at=T0, arrived_at=None),
        a_duty("seat", unit_kind="desk"),
    ]
    names = [
        "both",
        "feed",
        "automatic",
        "desk",
        "back-dated",
        "half",
        "released",
        "moved",
        "remote",
        "seat",
    ]
    clocks = [a_clock(name, "feedback") for name in names]
    dual = row(november(*duties, *clocks)).dual_feedback

    assert (6, 2, 1, 2, 1) == (
        dual.owed,
        dual.both,
        dual.automatic,
        dual.back_filled,
        dual.waived,
    )
    assert rate(2, 6) == dual.rate


def test_a_merged_duty_counts_once_under_the_incident_that_took_it() -> None:
    """Row 24, merging: both incidents show the duty and its clock; the absorbed copy is old."""
    kept, gone = a_call("kept"), a_call("gone")
    old = a_clock(1, incident_id=gone.opens, version=9)
    new = a_clock(1, incident_id=kept.opens, version=2, took=MINUTE)
    found = (old, new, opened(kept), opened(gone, state="duplicate", merged_into=kept.opens))

    arrival = row(november(*found)).arrival.all

    assert (1, 1) == (arrival.should, arrival.on_time)


def test_tests_are_no_ones_work() -> None:
    """A clock of a test incident is in no rate."""
    call = a_call(1, test=True)

    table = november(a_clock(1, incident_id=call.opens), opened(call))

    assert (0, 0) == (table.total.arrival.all.should, table.censored_count)


def test_a_unit_the_pack_does_not_know_has_a_row() -> None:
    """Nothing is lost: an unknown unit stands under its id, so that rows sum to the total."""
    table = november(a_clock(1, unit="somebody-else"))

    assert 1 == row(table, "somebody-else").arrival.all.should
    assert 1 == table.total.arrival.all.should


def test_without_any_case_there_is_no_rate() -> None:
    """Where n = 0 there is "–"."""
    found = row(november()).arrival.all

    assert found.rate == rate(0, 0)
    assert found.spread
    assert found.spread.mean_s is None


def test_bands_of_sign_for() -> None:
    """签收: 30/60/120/180 s, the upper end belongs to the band."""
    took = [30, 31, 60, 180, 181]
    clocks = [
        a_clock(n, "ack", took=timedelta(seconds=s), limit=3 * MINUTE) for n, s in enumerate(took)
    ]

    bands = row(november(*clocks)).sign_for_bands

    assert bands
    assert [1, 2, 0, 1, 1] == [band.count for band in bands]


@st.composite
def clocks(draw: st.DrawFn) -> Facts:
    """Draw clocks around November's end, of both populations."""
    kinds = st.sampled_from(["ack", "arrival", "assembly", "feedback", "handle", "verify"])
    states = st.sampled_from(["running", "met", "breached", "void", "paused", "cancelled"])
    found = [
        a_clock(
            n,
            draw(kinds),
            due=NOVEMBER.end - timedelta(hours=draw(st.integers(-200, 800))),
            took=draw(st.none() | st.timedeltas(timedelta(0), DAY)),
            unit=draw(st.sampled_from([UNIT, OTHER_UNIT, "unknown"])),
            state=draw(states),
            day=draw(st.booleans()),
            exempt=draw(st.booleans()),
            exercise=draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 25)))
    ]
    return facts(*found, *(a_duty(n, unit=UNIT) for n in range(len(found))))


MEASURES = ("should", "done", "on_time", "late", "open", "exempt", "suspended", "not_yet_due")


@settings(max_examples=30)
@given(clocks(), st.sampled_from(Population))
def test_units_sum_to_the_total(found: Facts, population: Population) -> None:
    """Every count of the total is the sum of the units'; should = on time + late + open."""
    table = unit_table(found, NOVEMBER, population, xianju())

    for cohort in ("sign_for", "feedback", "handle"):
        for measure in MEASURES:
            parts = [getattr(getattr(each, cohort), measure) for each in table.units]
            assert sum(parts) == getattr(getattr(table.total, cohort), measure)
    for each in [table.total, *table.units]:
        both = each.arrival
        assert both.all.should == (both.day.should or 0) + (both.night.should or 0)
        assert both.all.should == sum(
            getattr(both.all, part) for part in ("on_time", "late", "open")
        )


@settings(max_examples=30)
@given(clocks(), st.integers(0, 25), st.booleans())
def test_an_exercise_changes_nothing_of_the_real_table(
    found: Facts, hours: int, open_: bool
) -> None:
    """Populations never mix, not even through the cut."""
    more = a_clock(
        "drill",
        due=NOVEMBER.end - timedelta(hours=hours),
        took=None if open_ else MINUTE,
        exercise=True,
    )

    before = unit_table(found, NOVEMBER, Population.REAL, xianju())
    after = unit_table(with_more(found, more), NOVEMBER, Population.REAL, xianju())

    assert before == after


@settings(max_examples=30)
@given(clocks(), st.randoms())
def test_the_same_clocks_in_any_order_give_the_same_bytes(found: Facts, random: Any) -> None:
    """A month recomputed is the same byte for byte."""
    shuffled = list(found.clocks)
    random.shuffle(shuffled)
    again = facts(*shuffled, *found.assignments)

    assert render(unit_table(found, NOVEMBER, Population.REAL, xianju()), Form.JSON) == render(
        unit_table(again, NOVEMBER, Population.REAL, xianju()), Form.JSON
    )


def test_the_cut_is_the_newest_event_until_the_month_is_over() -> None:
    """An open month is judged up to its population's newest event, a closed one to its end."""
    open_month = facts(read_at=T0 + DAY, real=T0, exercise=T0 + DAY)

    assert T0 == open_month.cut(NOVEMBER, Population.REAL)
    assert NOVEMBER.end == facts(read_at=AFTER, real=T0).cut(NOVEMBER, Population.REAL)
    assert datetime(2026, 11, 30, 16, tzinfo=UTC) == NOVEMBER.end
