"""T1: what came in, what of it counts, and parts that sum to the whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain import period
from services.reports.domain.facts import CallFact, Facts, Population
from services.reports.domain.overview import Overview, overview
from services.reports.domain.quantities import Breakdown, PartsExceedTotal, breakdown, rate
from tests.unit.reports.cases import (
    NOVEMBER,
    T0,
    ZONE,
    a_call,
    facts,
    joined,
    opened,
    with_more,
    xianju,
)

XIANJU_2011 = {
    "rescue": 306,
    "traffic": 8249,
    "help": 1609,
    "suicide_rescue": 2,
    "medical_dispute": 35,
    "illegal_cafe": 5,
    "group_hazard": 32,
    "disaster": 14,
}


def november(found: Facts, population: Population = Population.REAL) -> Overview:
    """Return T1 of November 2026."""
    return overview(found, NOVEMBER, population, xianju())


def counts(table: Breakdown | None) -> dict[str, int | None]:
    """Return the rows that are not zero, by id."""
    assert table is not None
    return {part.id: part.count for part in table.rows if part.count}


def tables(report: Overview) -> list[Breakdown]:
    """Return every breakdown of T1."""
    found = [getattr(report, name) for name in Overview.__struct_fields__ if name[:3] == "by_"]
    return [table for table in found if table is not None]


def test_the_published_table_of_2011_leaves_22026_others() -> None:
    """A05-07: 32,278 valid calls minus what Xianju names is its remainder, printed last."""
    rows = {row.id: row.name for row in xianju().table_rows}

    table = breakdown(32_278, XIANJU_2011, rows)

    assert "other" == table.rows[-1].id
    assert 22_026 == table.rows[-1].count
    assert 32_278 == sum(part.count or 0 for part in table.rows)


def test_the_published_valid_rate_of_2011_is_41_percent() -> None:
    """A05-07: 32,278 of 78,471 calls were valid, 41.1 %."""
    assert 41.13 == rate(32_278, 78_471).percent


def test_parts_that_exceed_the_whole_are_refused() -> None:
    """A case counted twice is an error, not a negative remainder."""
    with pytest.raises(PartsExceedTotal, match="the parts sum to 11, the whole is 10"):
        breakdown(10, {"a": 6, "b": 5}, {"a": "A", "b": "B"})


def test_a_month_counted_by_hand() -> None:
    """FIGURES: received = valid + invalid + duplicate; tests and exercises beside; n by incident."""
    jam, fire = a_call(1), a_call(2, line="119", category="fire.vehicle", area="331024101")
    prank, again, merged = a_call(3), a_call(4), a_call(5)
    order = a_call(6, line="12345", category="unclassified", area=None)
    report = november(
        facts(
            *(jam, fire, prank, again, merged, order),
            a_call("test", test=True),
            a_call("drill", exercise=True),
            opened(jam),
            opened(fire, category="fire.forest"),
            opened(prank, state="invalid"),
            opened(merged, state="duplicate", merged_into=jam.opens),
            joined(again, opened(jam)),
        )
    )

    assert (6, 3, 1, 2) == (report.received, report.valid, report.invalid, report.duplicate)
    assert rate(3, 6) == report.valid_rate
    assert report.left_out
    assert (1, 1) == (report.left_out.test, report.left_out.exercise)
    assert {"traffic": 1, "disaster": 1, "other": 1} == counts(report.by_row)
    assert {"119": 1, "122": 1, "12345": 1} == counts(report.by_line)
    assert {"331024001": 1, "331024101": 1, "other": 1} == counts(report.by_area)
    assert {"08": 3} == counts(report.by_hour)
    assert 1 == report.unclassified


def test_an_empty_month_has_no_rate() -> None:
    """FIGURES: n = 0 is "–", never 0 % nor an error."""
    report = november(facts())

    assert (0, 0) == (report.received, report.valid)
    assert report.valid_rate == rate(0, 0)
    assert rate(0, 0).percent is None


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        (datetime(2026, 10, 31, 15, 59, 59, 999999, tzinfo=UTC), False),
        (datetime(2026, 10, 31, 16, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 15, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 16, 0, tzinfo=UTC), False),
    ],
)
def test_a_month_begins_and_ends_at_local_midnight(at: datetime, inside: bool) -> None:
    """Months are `[start, end)` in the pack's zone: 16:00 UTC is midnight in Xianju."""
    assert inside is (november(facts(a_call(1, at))).received == 1)


def test_a_day_begins_at_local_midnight() -> None:
    """The first instant of 22 November is in hour 00 of that day and not of the day before."""
    midnight = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    found = facts(a_call(1, midnight))

    day = overview(found, period.day("2026-11-22", ZONE), Population.REAL, xianju())
    before = overview(found, period.day("2026-11-21", ZONE), Population.REAL, xianju())

    assert {"00": 1} == counts(day.by_hour)
    assert 0 == before.received


def test_an_exercise_has_a_month_of_its_own() -> None:
    """A drill's month is titled 演练 and counts exercises only."""
    found = facts(a_call("real"), a_call("drill", exercise=True))

    report = november(found, Population.EXERCISE)

    assert 1 == report.received
    assert "演练" in report.heading.title


CALLS = st.lists(
    st.builds(
        lambda n, minute, line, category, area, exercise, test: a_call(
            n,
            T0 + timedelta(minutes=minute),
            line=line,
            category=category,
            area=area,
            exercise=exercise,
            test=test,
        ),
        n=st.integers(0, 10**6),
        minute=st.integers(-40_000, 40_000),
        line=st.sampled_from(["110", "119", "122", "12345", "other", "unknown", "webcam"]),
        category=st.sampled_from(["traffic.jam", "fire", "unclassified", "martians", "order"]),
        area=st.sampled_from([None, "331024001", "331024207", "999999999"]),
        exercise=st.booleans(),
        test=st.booleans(),
    ),
    max_size=40,
    unique_by=lambda call: call.call_id,
)
STATES = st.sampled_from([None, "dispatched", "invalid", "duplicate", "cancelled", "joined"])


@st.composite
def histories(draw: st.DrawFn) -> Facts:
    """Draw calls, of some of them the incident."""
    found: list[Any] = []
    for call in draw(CALLS):
        state = draw(STATES)
        found.append(call)
        if state == "joined":
            found.append(joined(call, opened(a_call("other"))))
        elif state:
            found.append(opened(call, state=state))
    return facts(*found)


@given(histories(), st.sampled_from(Population))
def test_parts_sum_to_the_whole(found: Facts, population: Population) -> None:
    """FIGURES: every breakdown sums to the valid calls, whatever the codes were."""
    report = november(found, population)

    assert report.received == (report.valid or 0) + (report.invalid or 0) + (report.duplicate or 0)
    for table in tables(report):
        assert report.valid == table.total == sum(part.count or 0 for part in table.rows)


@given(histories(), st.integers(0, 40_000), STATES)
def test_an_exercise_changes_nothing_of_the_real_month(
    found: Facts, minute: int, state: str | None
) -> None:
    """Populations never mix: only the count beside the figures knows of the exercise."""
    drill: CallFact = a_call("drill", T0 - timedelta(minutes=minute), exercise=True)
    more = [drill, opened(drill, state=state)] if state else [drill]

    before, after = november(found), november(with_more(found, *more))

    assert before.left_out
    assert after.left_out
    added = drill.received_at in NOVEMBER
    assert (before.left_out.exercise or 0) + added == after.left_out.exercise
    for name in set(Overview.__struct_fields__) - {"left_out"}:
        assert getattr(before, name) == getattr(after, name)


@given(histories(), st.randoms())
def test_the_same_facts_in_any_order_give_the_same_bytes(found: Facts, random: Any) -> None:
    """A month recomputed is the same byte for byte, whichever order the rows came in."""
    calls = list(found.calls)
    random.shuffle(calls)
    shuffled = facts(*calls, *found.incidents, *found.links)

    assert render(november(found), Form.JSON) == render(november(shuffled), Form.JSON)


def test_a_quarter_is_shown_by_month_and_sums_to_its_months() -> None:
    """Quarter and months count the same calls."""
    calls = [a_call(n, T0 - timedelta(days=11 * n)) for n in range(5)]
    quarter = overview(facts(*calls), period.longer("2026-Q4", ZONE), Population.REAL, xianju())
    months = [
        overview(facts(*calls), period.month(label, ZONE), Population.REAL, xianju()).valid
        for label in ("2026-10", "2026-11", "2026-12")
    ]

    assert quarter.by_day is None
    assert quarter.by_month is not None
    assert months == [part.count for part in quarter.by_month.rows]
    assert sum(count or 0 for count in months) == quarter.valid
