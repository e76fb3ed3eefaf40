"""Satisfaction, reporting and appeals in the assessment: owed, lost case by case, exempt when granted."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain import period
from services.reports.domain.assessment import (
    AssessmentTable,
    Component,
    UnitScore,
    assessment,
)
from services.reports.domain.facts import Population
from tests.unit.reports.cases import NOVEMBER, ZONE, a_clock, a_duty, facts, xianju
from tests.unit.reports.later_cases import FEW, HOUR, a_call_back, a_report, an_appeal, histories

OCTOBER = period.month("2026-10", ZONE)
UNIT = "xj-traffic"


def test_a_caller_who_is_not_content_is_a_deduction() -> None:
    """FIGURES: satisfaction 10; who was not reached or did not say costs nothing."""
    sheet = _sheet(
        a_call_back(1),
        a_call_back(2, satisfied=False),
        a_call_back(3, satisfied=None),
        a_call_back(4, reached=False, satisfied=None),
    )

    assert (1, 2, 5.0) == _part(sheet, Component.SATISFACTION)
    assert ["unsatisfied"] == [lost.reason for lost in sheet.deductions]


def test_reports_late_missed_or_false_are_deductions() -> None:
    """R15: a false report is lost though it was in time; the centre's own reports are no unit's."""
    sheet = _sheet(
        a_report(1),
        a_report(2, took=-HOUR),
        a_report(3, took=None),
        a_report(4, fault="false"),
        a_report(5, due=None),
        a_report(6, unit=None, took=None),
    )

    assert (1, 4, 2.5) == _part(sheet, Component.REPORTING)
    assert {"R15 late", "R15 missing", "R15 false"} == {d.reason for d in sheet.deductions}


def test_a_granted_appeal_exempts_what_it_is_about_and_nothing_else() -> None:
    """Row 20: neither owed nor lost; a refused one or one about something else changes nothing."""
    case = [a_duty(1, rework=1), a_clock(1, "handle", took=HOUR * 9), a_clock(1, "feedback")]
    lost = [*case, a_call_back(1, satisfied=False), a_report(1, took=None)]

    def parts(*appeals: Any) -> list[Component]:
        sheet = _sheet(*lost, *appeals)
        return [p.component for p in sheet.parts if p.owed]

    whole = parts()
    assert {Component.REWORK, Component.SATISFACTION, Component.REPORTING} <= {*whole}
    for part in (Component.REWORK, Component.SATISFACTION, Component.REPORTING):
        assert [each for each in whole if each is not part] == parts(an_appeal(1, str(part)))
        assert whole == parts(an_appeal(1, str(part), state="refused"))
    assert Component.DUAL_FEEDBACK not in parts(an_appeal(1, "dual_feedback"))


@FEW
@given(histories())
def test_a_unit_recomputes_its_score_with_the_new_parts(history: list[Any]) -> None:
    """From the published JSON alone, with decimal arithmetic of its own."""
    for sheet in json.loads(render(_of(*history), Form.JSON))["units"]:
        points, weights = Decimal(0), 0
        for part in sheet["parts"]:
            lost = [d for d in sheet["deductions"] if d["component"] == part["component"]]
            assert part["kept"] == part["owed"] - len(lost)
            if part["owed"]:
                exact = Decimal(part["weight"] * part["kept"]) / part["owed"]
                points += exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
                weights += part["weight"]
        if weights:
            score = (points * 100 / weights).quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert score == Decimal(str(sheet["score"]))


@FEW
@given(histories(), st.randoms())
def test_the_order_of_facts_does_not_matter(history: list[Any], random: Any) -> None:
    """The same facts in any order give the same bytes."""
    shuffled = list(history)
    random.shuffle(shuffled)

    assert render(_of(*history), Form.JSON) == render(_of(*shuffled), Form.JSON)


def test_the_page_says_why_in_words() -> None:
    """The unit reads its deductions."""
    found = [a_call_back(1, satisfied=False), a_report(1, fault="concealed")]
    page = render(_of(*found), Form.HTML).decode()

    for words in ("回访不满意", "R15 瞒报"):
        assert words in page


def _of(*found: Any) -> AssessmentTable:
    return assessment(facts(*found), facts(), (NOVEMBER, OCTOBER), Population.REAL, xianju())


def _sheet(*found: Any) -> UnitScore:
    return next(sheet for sheet in _of(*found).units if sheet.unit == UNIT)


def _part(sheet: UnitScore, component: Component) -> tuple[int, int, float | None]:
    (part,) = [p for p in sheet.parts if p.component is component]
    return part.kept, part.owed, part.points
