"""Unit assessment (A01-A03): a unit can recompute its own score; ranks stand within classes only."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain import period
from services.reports.domain.assessment import (
    AssessmentTable,
    Component,
    UnitScore,
    assessment,
    terciles,
)
from services.reports.domain.facts import Population
from services.reports.domain.units import unit_table
from shared.contracts.pack import Pack, ProblemReason, misshapen, validate
from tests.unit.reports.cases import (
    NOVEMBER,
    T0,
    ZONE,
    a_call,
    a_clock,
    a_duty,
    facts,
    opened,
    xianju,
)

OCTOBER = period.month("2026-10", ZONE)
IN_OCTOBER = T0 - timedelta(days=30)
LIMIT = timedelta(minutes=20)
UNIT = "xj-traffic"


def test_a_score_is_what_was_kept_of_what_was_owed() -> None:
    """FIGURES: arrival 20; with nothing else owed the score is scaled to a hundred."""
    sheet = _sheet(_assessed(*_arrivals(late=1, on_time=3)))

    assert (3, 4, 15.0) == _part(sheet, Component.ARRIVAL)
    assert sheet.score == 75.0


def test_a_deduction_names_case_rule_and_time() -> None:
    """The unit that disputes its score sees which promise it did not keep."""
    (lost,) = _sheet(_assessed(*_arrivals(late=1, on_time=3))).deductions

    assert (Component.ARRIVAL, "R01 late") == (lost.component, lost.reason)
    assert lost.incident.startswith("XJ-")


def test_a_granted_appeal_costs_nothing() -> None:
    """A clock exempted on appeal is neither owed nor deducted."""
    sheet = _sheet(_assessed(_late("one", exempt=True), *_arrivals(on_time=1)))

    assert (1, 1, 20.0) == _part(sheet, Component.ARRIVAL)


def test_fewer_than_twenty_are_not_ranked() -> None:
    """FIGURES: n < 20 not ranked, but scored."""
    few = _sheet(_assessed(*_arrivals(on_time=19)))
    enough = _sheet(_assessed(*_arrivals(on_time=20)))

    assert (None, 100.0) == (few.rank, few.score)
    assert enough.rank == 1


def test_ranks_are_within_a_class_and_ties_share_one() -> None:
    """A03: a busy unit never competes with a quiet one."""
    busy = [_acked(n, unit) for unit in ("xj-traffic", "xj-medical") for n in range(5)]
    now = [*_arrivals(on_time=20), *_arrivals(on_time=20, unit="xj-rescue")]
    table = _assessed(*now, previous=busy)
    ranks = {s.unit: (s.workload_class, s.rank) for s in table.units if s.rank}

    assert ranks == {"xj-traffic": (1, 1), "xj-rescue": (ranks["xj-rescue"][0], 1)}
    assert ranks["xj-rescue"][0] > 1


def test_a_tie_shares_the_rank_and_the_next_is_left_out() -> None:
    """Two firsts are followed by a third."""
    now = [
        *_arrivals(on_time=20),
        *_arrivals(on_time=20, unit="xj-medical"),
        *_arrivals(on_time=19, late=1, unit="xj-rescue"),
    ]
    table = _assessed(*now)

    assert [(s.unit, s.rank) for s in table.units if s.rank] == [
        ("xj-medical", 1),
        ("xj-traffic", 1),
        ("xj-rescue", 3),
    ]


@any_of(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 9), min_size=1))
def test_more_work_is_never_a_lighter_class(workload: dict[str, int]) -> None:
    """Terciles: classes 1 to 3, equal work in one class, more work never below less."""
    classes = terciles(workload)

    assert set(classes.values()) <= {1, 2, 3}
    for one, first in workload.items():
        for other, second in workload.items():
            if first > second:
                assert classes[one] <= classes[other]
            if first == second:
                assert classes[one] == classes[other]


_CASE = st.fixed_dictionaries(
    {
        "took": st.sampled_from([None, LIMIT, LIMIT * 2]),
        "handled": st.sampled_from([None, LIMIT, LIMIT * 2]),
        "ended_by": st.sampled_from(["unit", "desk"]),
        "rework": st.integers(0, 1),
    }
)


@any_of(st.lists(_CASE, min_size=1, max_size=25))
def test_a_unit_recomputes_its_score_from_the_sheet(cases: list[dict[str, Any]]) -> None:
    """From the published JSON alone, with decimal arithmetic of its own."""
    found = [fact for n, case in enumerate(cases) for fact in _whole(n, **case)]
    sheet = next(
        each
        for each in json.loads(render(_assessed(*found), Form.JSON))["units"]
        if each["unit"] == UNIT
    )
    cent, points, weights = Decimal("0.01"), Decimal(0), 0
    for part in sheet["parts"]:
        lost = [d for d in sheet["deductions"] if d["component"] == part["component"]]
        assert part["kept"] == part["owed"] - len(lost)
        if part["owed"]:
            exact = Decimal(part["weight"] * part["kept"]) / part["owed"]
            points += exact.quantize(cent, ROUND_HALF_UP)
            weights += part["weight"]

    assert Decimal(str(sheet["score"])) == (points * 100 / weights).quantize(cent, ROUND_HALF_UP)


@any_of(st.lists(_CASE, min_size=1, max_size=25))
def test_the_inputs_are_t3_s(cases: list[dict[str, Any]]) -> None:
    """Score and timeliness table never say different things of the same duties."""
    found = [fact for n, case in enumerate(cases) for fact in _whole(n, **case)]
    sheet = _sheet(_assessed(*found))
    table = unit_table(facts(*found), NOVEMBER, Population.REAL, xianju())
    row = next(each for each in table.units if each.unit == UNIT)

    assert _part(sheet, Component.ARRIVAL)[:2] == (row.arrival.all.on_time, row.arrival.all.should)
    assert _part(sheet, Component.CLOSING)[:2] == (row.handle.on_time, row.handle.should)
    dual = row.dual_feedback
    assert _part(sheet, Component.DUAL_FEEDBACK)[:2] == (dual.both, dual.owed)


def test_the_page_shows_class_and_deductions() -> None:
    """Read by the units themselves."""
    page = render(_assessed(*_arrivals(late=1, on_time=20)), Form.HTML).decode()

    for words in ("单位考核表", "扣分明细", "到场及时（20 分）", "R01 超时"):
        assert words in page


@pytest.mark.parametrize("arrival", [19, 21])
def test_weights_have_to_make_a_hundred(arrival: int) -> None:
    """A pack whose weights do not is refused with where and why."""
    content = msgspec.to_builtins(xianju())
    content["assessment"]["weights"]["arrival"] = arrival
    (problem,) = validate(msgspec.convert(content, Pack))

    assert (problem.path, problem.reason) == (
        ("assessment", "weights"),
        ProblemReason.WRONG_COUNT,
    )


def _assessed(*found: Any, previous: Any = ()) -> AssessmentTable:
    periods = (NOVEMBER, OCTOBER)
    return assessment(facts(*found), facts(*previous), periods, Population.REAL, xianju())


def _sheet(table: AssessmentTable, unit: str = UNIT) -> UnitScore:
    return next(sheet for sheet in table.units if sheet.unit == unit)


def _part(sheet: UnitScore, component: Component) -> tuple[int, int, float | None]:
    (part,) = [p for p in sheet.parts if p.component is component]
    return part.kept, part.owed, part.points


def _late(name: object, **changes: Any) -> Any:
    return a_clock(name, took=LIMIT * 2, **changes)


def _arrivals(*, on_time: int = 0, late: int = 0, unit: str = UNIT) -> list[Any]:
    found: list[Any] = []
    for n in range(on_time + late):
        incident = opened(a_call((unit, n)))
        took = LIMIT if n < on_time else LIMIT * 2
        found += [
            incident,
            a_clock((unit, n), took=took, unit=unit, incident_id=incident.incident_id),
        ]
    return found


def _acked(n: int, unit: str) -> Any:
    return a_clock((unit, n), "ack", due=IN_OCTOBER, took=LIMIT, unit=unit)


def _whole(
    n: int, *, took: Any, handled: Any, ended_by: str, rework: int
) -> tuple[Any, Any, Any, Any]:
    return (
        a_duty(n, ended_by=ended_by, rework=rework),
        a_clock(n, took=took),
        a_clock(n, "handle", took=handled),
        a_clock(n, "feedback", took=LIMIT),
    )


def test_a_pack_stored_before_assessment_existed_can_still_be_read() -> None:
    """Months frozen with it are recomputed; a region's files have to say the weights."""
    content = msgspec.to_builtins(xianju())
    del content["assessment"]

    assert msgspec.json.decode(msgspec.json.encode(content), type=Pack).assessment.ranked_from == 20
    assert [("assessment",)] == [problem.path for problem in misshapen(content)]
