"""Turnout, returns, rework, deferrals, appeals and call-backs of units; supervision; staffing; diversion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from msgspec import Struct

from services.reports.domain.call_backs import CallBacks, call_backs
from services.reports.domain.conduct import Conduct, conduct
from services.reports.domain.diversion import Diversion, diversion
from services.reports.domain.facts import Population
from services.reports.domain.later_facts import RepeatFact
from services.reports.domain.staffing import staffing
from services.reports.domain.supervised import supervised
from tests.unit.reports.cases import (
    AFTER,
    NOVEMBER,
    T0,
    a_call,
    a_clock,
    a_duty,
    facts,
    opened,
    uid,
    xianju,
)
from tests.unit.reports.later_cases import (
    DAY,
    FEW,
    HOUR,
    LIMIT,
    a_call_back,
    a_deferral,
    a_roster,
    a_supervision,
    an_appeal,
    histories,
)


def test_three_rates_are_of_those_reached() -> None:
    """三率: who could not be reached counts in the reach rate only."""
    made = _called_back(
        a_call_back(1),
        a_call_back(2, satisfied=False, after="reopened"),
        a_call_back(3, satisfied=None, resolved=None),
        a_call_back(4, reached=False, responded=None, resolved=None, satisfied=None),
    )

    assert (4, 3) == (made.called, made.reached)
    assert (3, 2, 1, 1) == (made.responded, made.resolved, made.satisfied, made.unsaid)
    assert made.reopened == 1


def test_a_granted_appeal_takes_a_call_back_out() -> None:
    """Row 20: exempt from the rate, counted beside; a refused one changes nothing."""
    unhappy = [a_call_back(n, satisfied=False) for n in (1, 2)]
    made = _called_back(
        *unhappy, an_appeal(1, "satisfaction"), an_appeal(2, "satisfaction", state="refused")
    )

    assert (1, 1) == (made.called, made.exempt)


def test_a_call_back_counts_in_the_month_it_was_made() -> None:
    """Not in the month of the call; tests and exercises never."""
    made = _called_back(
        a_call_back(1, at=NOVEMBER.end), a_call_back(2, test=True), a_call_back(3, exercise=True)
    )

    assert made.called == 0


def test_turnout_is_from_dispatch_in_bands() -> None:
    """FIGURES: 5/10/15/30 min; one who left before being sent is counted and in no band."""
    left = [5, 6, 31, -1, None]
    found: list[Any] = []
    for n, minutes in enumerate(left):
        at = None if minutes is None else T0 + timedelta(minutes=minutes)
        found += _case(n, turned_out_at=at)
    row = _total(*found)

    assert (5, 4, 1) == (row.sent, row.turned_out, row.out_of_order)
    assert [1, 1, 0, 0, 1] == [band.count for band in row.turnout_bands]


def test_deferrals_are_asked_and_approved() -> None:
    """Rows 15, 16: duties with at least one; a suspension that ended was approved."""
    found = [*_case(1), *_case(2), *_case(3)]
    row = _total(
        *found,
        a_deferral(1, "extension"),
        a_deferral(1, "extension", state="refused"),
        a_deferral(2, "extension", state="refused"),
        a_deferral(3, "suspension", state="ended"),
    )

    assert (2, 1) == (row.extended.asked, row.extended.approved)
    assert (1, 1) == (row.suspended.asked, row.suspended.approved)
    assert row.handled == 3


def test_rework_and_return_are_of_ended_and_sent() -> None:
    """FIGURES: assignments with at least one ÷ ended, ÷ sent; a granted appeal exempts rework."""
    row = _total(
        *_case(1, rework=1),
        *_case(2, rework=2),
        *_case(3, state="returned", ended_at=None),
        an_appeal(2, "rework"),
    )

    assert (3, 1) == (row.sent, row.returned)
    assert (1, 1) == (row.ended, row.reworked)
    assert (1, 1, 0) == (row.appealed, row.granted, row.refused)


@FEW
@given(histories())
def test_units_sum_to_the_total(history: list[Any]) -> None:
    """Parts sum to the whole in every count, unknown units included."""
    table = conduct(facts(*history), NOVEMBER, Population.REAL, xianju())

    for path, whole in _counts(table.total).items():
        assert whole == sum(_counts(unit)[path] for unit in table.units)


def test_supervision_is_by_kind_and_rung() -> None:
    """Closed in time, late or open; one opened by nobody known stands under other."""
    found = facts(
        a_supervision(1, closed_at=T0 + HOUR),
        a_supervision(2, "leader", 2, closed_at=T0 + 2 * HOUR),
        a_supervision(3, "unknown", 3),
        a_supervision(4, exercise=True),
    )
    table = supervised(found, NOVEMBER, Population.REAL, AFTER)

    assert (3, 1, 1, 1) == (
        table.total.total.should,
        table.total.total.on_time,
        table.total.total.late,
        table.total.total.open,
    )
    assert {"timeout": 1, "leader": 1, "key_case": 0, "other": 1} == {
        row.id: row.total.should for row in table.rows
    }


def test_hours_without_a_roster_are_what_no_span_covers() -> None:
    """R11: spans that overlap count once; one without people covers nothing."""
    unit = next(unit.id for unit in xianju().units if unit.duty_posts)
    on_duty = sum(bool(unit.duty_posts) for unit in xianju().units)
    found = facts(
        a_roster(unit, NOVEMBER.start - DAY, NOVEMBER.start + 2 * HOUR),
        a_roster(unit, NOVEMBER.start + HOUR, NOVEMBER.start + 3 * HOUR),
        a_roster(unit, NOVEMBER.start + 5 * HOUR, NOVEMBER.start + 6 * HOUR, people=0),
    )
    day = staffing(found, NOVEMBER, NOVEMBER.start + DAY, xianju())

    assert (24 * on_duty, 24 * on_duty - 3) == (day.hours, day.hours_without)


def test_without_any_roster_nothing_is_known() -> None:
    """Not imported is not the same as nobody on duty; strength is the pack's own."""
    known = staffing(facts(), NOVEMBER, NOVEMBER.end, xianju())

    assert (0, 0) == (known.hours, known.hours_without)
    assert known.with_minimum > 0
    assert known.below <= known.with_minimum


@pytest.mark.parametrize(("waited", "in_time"), [(15, 1), (16, 0)])
def test_calls_go_over_to_another_line_and_are_answered(waited: int, in_time: int) -> None:
    """Row 4: transferred ÷ received by line; answered within 15 s where a feed says so."""
    away, back, stays = a_call(1), a_call(2, line="12345"), a_call(3, line="110")
    answered = a_call(4, rang_at=T0, answered_at=T0 + timedelta(seconds=waited))
    found = facts(
        away,
        opened(away, state="transferred"),
        back,
        opened(back, state="transferred"),
        stays,
        answered,
    )

    assert Diversion(
        urgent=3,
        to_government=1,
        government=1,
        to_urgent=1,
        stamped=1,
        in_time=in_time,
        valid=4,
        repeated=0,
    ) == diversion(found, NOVEMBER, Population.REAL)


def test_a_repeat_counts_the_call_it_follows() -> None:
    """FIGURES: valid calls followed by one of the same caller; twice followed counts once."""
    first, again, void = a_call(1), a_call(2), a_call(3)
    found = facts(
        first,
        again,
        void,
        opened(void, state="invalid"),
        RepeatFact(first.call_id, again.call_id),
        RepeatFact(first.call_id, uid("call", "next month")),
        RepeatFact(void.call_id, again.call_id),
    )
    counted = diversion(found, NOVEMBER, Population.REAL)

    assert (2, 1) == (counted.valid, counted.repeated)


def _case(name: object, **changes: Any) -> list[Any]:
    same: dict[str, Any] = {"incident_id": a_call(name).opens}
    return [
        a_duty(name, **same, **changes),
        a_clock(name, "ack", due=T0 + LIMIT, **same),
        a_clock(name, "handle", due=T0 + HOUR, limit=HOUR, **same),
    ]


def _total(*found: Any) -> Conduct:
    return conduct(facts(*found), NOVEMBER, Population.REAL, xianju()).total


def _called_back(*found: Any) -> CallBacks:
    return call_backs(facts(*found), NOVEMBER, Population.REAL, AFTER)


def _counts(row: Struct, path: str = "") -> dict[str, int]:
    found: dict[str, int] = {}
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if name == "turnout":
            continue
        if isinstance(value, Struct):
            found |= _counts(value, f"{path}/{name}")
        elif isinstance(value, int):
            found[f"{path}/{name}"] = value
    return found
