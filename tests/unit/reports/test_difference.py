"""Differences between two versions of a table: all of them, nothing else, both values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.canonical import canonical
from services.reports.domain.difference import Figure, How, differences, figures
from services.reports.domain.facts import Facts, Population
from services.reports.handlers import Question, Table, compute
from tests.unit.reports.cases import NOVEMBER, T0, a_call, a_clock, a_duty, facts, opened, xianju

CATEGORIES = ("traffic.jam", "traffic.collision", "unclassified", "no.such")
UNITS = ("xj-traffic", "xj-rescue", "unknown-unit")


@st.composite
def months(draw: st.DrawFn) -> Facts:
    """Return a few calls and clocks of November."""
    found: list[Any] = []
    for n in range(draw(st.integers(0, 4))):
        call = a_call(n, T0 + timedelta(hours=n), category=draw(st.sampled_from(CATEGORIES)))
        found.append(call)
        if draw(st.booleans()):
            found.append(opened(call))
    for n in range(draw(st.integers(0, 4))):
        took = draw(st.none() | st.integers(0, 40).map(lambda m: timedelta(minutes=m)))
        kind = draw(st.sampled_from(["ack", "arrival", "assembly", "feedback", "handle"]))
        found.append(a_clock(n, kind, took=took, unit=draw(st.sampled_from(UNITS))))
        found.append(a_duty(n))
    return facts(*found)


def bodies(known: Facts) -> list[bytes]:
    """Return every table of *known* as it is stored."""
    questions = [Question(table, NOVEMBER, Population.REAL) for table in Table]
    return [canonical(compute(question, known, xianju())) for question in questions]


@given(months(), months())
def test_the_differences_lead_from_one_table_to_the_other(one: Facts, two: Facts) -> None:
    """Applied to the figures before they give the figures after: none is missed or invented."""
    for before, after in zip(map(figures, bodies(one)), map(figures, bodies(two)), strict=True):
        found = differences(before, after)

        changed = {d.path: d.after for d in found if d.after is not None}
        removed = {d.path for d in found if d.how is How.REMOVED}
        assert after == {p: f for p, f in (before | changed).items() if p not in removed}
        assert all(d.before != d.after for d in found)


@given(months(), months())
def test_both_directions_say_the_same_figures(one: Facts, two: Facts) -> None:
    """Backwards the values change places; a table does not differ from itself."""
    for before, after in zip(map(figures, bodies(one)), map(figures, bodies(two)), strict=True):
        there = {(d.path, d.before, d.after) for d in differences(before, after)}
        back = {(d.path, d.after, d.before) for d in differences(after, before)}

        assert there == back
        assert [] == differences(before, before)


@given(months())
def test_every_number_of_a_table_is_a_figure(known: Facts) -> None:
    """No number escapes: each stands under a path of its own (rates are one figure of three)."""
    for body in bodies(known):
        assert _numbers(msgspec.json.decode(body)) == len(figures(body))


def _numbers(node: Any) -> int:
    """Count the numbers and gaps outside of headings and of what names a row."""
    if isinstance(node, dict):
        if {"numerator", "denominator"} <= node.keys():
            return 1
        skipped = {"heading", "up_to_s"}
        return sum(_numbers(value) for name, value in node.items() if name not in skipped)
    if isinstance(node, list):
        return sum(map(_numbers, node))
    return int(node is None or (isinstance(node, int | float) and not isinstance(node, bool)))


def test_a_share_shows_what_it_is_of() -> None:
    """A percentage in a breakdown comes with its count and the total it is of."""
    first = a_call(1, category="traffic.jam")
    second = a_call(2, category="unclassified")
    place = list(Table).index(Table.OVERVIEW)
    before, after = (figures(bodies(facts(*calls))[place]) for calls in ([first], [first, second]))

    share = next(d for d in differences(before, after) if d.path == "by_row/traffic/percent")

    assert (Figure(100.0, 1, 1), Figure(50.0, 1, 2)) == (share.before, share.after)


def test_a_case_no_longer_overdue_is_removed() -> None:
    """An entry of the overdue list that is gone shows its last value and no new one."""
    open_, done = a_clock(1), a_clock(1, took=timedelta(minutes=5))
    place = list(Table).index(Table.UNITS)
    before, after = (figures(bodies(facts(clock))[place]) for clock in (open_, done))

    gone = [d for d in differences(before, after) if d.path.startswith("censored/")]

    assert [(How.REMOVED, None)] == [(d.how, d.after) for d in gone]
