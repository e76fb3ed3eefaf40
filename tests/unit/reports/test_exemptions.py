"""Row 20: a granted appeal takes its promise out of every rate; the mark stays visible, counted beside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from services.reports.adapters.formats import Form, render
from services.reports.domain.assessment import Component, assessment
from services.reports.domain.earlier import period_before
from services.reports.domain.facts import Population
from services.reports.domain.gaps import gap_table, published_gaps
from services.reports.domain.key_figures import FigureTable, KeyFigure, figure_table
from services.reports.domain.overdue import overdue_table, published_overdue
from services.reports.domain.overview import overview
from services.reports.domain.publication import published_units
from services.reports.domain.quality import quality_table
from services.reports.domain.quantities import rate
from services.reports.domain.tier_affairs import published_tiers, tier_table
from services.reports.domain.units import unit_table
from services.reports.domain.upward_reports import report_ledger
from tests.unit.reports.cases import NOVEMBER, T0, a_call, a_clock, a_duty, facts, opened, xianju
from tests.unit.reports.later_cases import FEW, HOUR, a_report, an_appeal, histories

DAY = timedelta(hours=24)
DUE = T0 + HOUR
OURS = (NOVEMBER, Population.REAL, xianju())
CLOCKS = {
    "ack": "timely.sign_for",
    "arrival": "timely.arrival_day",
    "assembly": "timely.assembly_day",
    "feedback": "timely.feedback",
    "handle": "timely.handle",
    "turnout": "timely.turnout",
}


def _case(name: object, kind: str = "handle", **duty: Any) -> list[Any]:
    """Return a late limit of *kind*, its duty and its incident."""
    call = a_call(name)
    at: dict[str, Any] = {"incident_id": call.opens}
    clock = a_clock(name, kind, due=DUE, took=HOUR * 2, limit=HOUR, **at)
    sheet = a_clock(name, "feedback", due=T0 + DAY, limit=DAY, took=HOUR, **at)
    extra = [] if kind == "feedback" else [sheet]
    return [call, opened(call), clock, *extra, a_duty(name, **at, **duty)]


def _figures(*found: Any) -> dict[str, KeyFigure]:
    table: FigureTable = figure_table(facts(*found), *OURS)
    return {each.id: each for each in table.figures}


def _beside(figure: KeyFigure) -> int | None:
    return {each.id: each.count for each in figure.beside}["exempt"]


@pytest.mark.parametrize("kind", CLOCKS)
def test_a_limit_leaves_its_rate_before_sla_has_said_so(kind: str) -> None:
    """The appeal is granted, the clock's own event has not come yet: numerator, denominator, beside."""
    case = [*_case(1, kind), *_case(2, kind)]
    before = _figures(*case)[CLOCKS[kind]]
    after = _figures(*case, an_appeal(1, kind))[CLOCKS[kind]]

    assert (rate(0, 2), 0) == (before.value, _beside(before))
    assert (rate(0, 1), 1) == (after.value, _beside(after))


@pytest.mark.parametrize("state", ["asked", "refused", "withdrawn", "unknown"])
def test_only_a_granted_appeal_exempts(state: str) -> None:
    """Asking changes nothing."""
    case = [*_case(1, arrived_at=None), an_appeal(1, "handle dual_feedback", state=state)]
    found = _figures(*case)

    assert rate(0, 1) == found["timely.handle"].value
    assert rate(0, 1) == found["timely.dual_feedback"].value


def test_an_appeal_exempts_nothing_else() -> None:
    """About the arrival: the handling of the same duty is late as before."""
    found = _figures(*_case(1), an_appeal(1, "arrival"))

    assert (rate(0, 1), 0) == (found["timely.handle"].value, _beside(found["timely.handle"]))


def test_closing_rate_and_rework_say_what_is_exempt() -> None:
    """处置率 and 返工率 have the same exclusions as the rates they stand beside."""
    case = [*_case(1, rework=1), *_case(2, rework=1)]
    found = _figures(*case, an_appeal(1, "handle rework"))

    assert (rate(1, 1), 1) == (found["timely.closed"].value, _beside(found["timely.closed"]))
    assert (rate(1, 1), 1) == (found["conduct.reworked"].value, _beside(found["conduct.reworked"]))
    total = unit_table(facts(*case, an_appeal(1, "rework")), *OURS).total
    assert (1, 1) == (total.rework, total.rework_exempt)


def test_turnout_has_its_own_denominator() -> None:
    """出警: the exempt duty is in neither number and in no band; its return still counts."""
    case = [_case(n, "ack", turned_out_at=T0 + HOUR) for n in (1, 2)]
    found = _figures(*case[0], *case[1], an_appeal(1, "turnout"))

    assert (rate(1, 1), 1) == (
        found["conduct.turned_out"].value,
        _beside(found["conduct.turned_out"]),
    )
    assert rate(1, 1) == found["conduct.turnout_more"].value
    assert rate(0, 2) == found["conduct.returned"].value


def test_dual_feedback_gaps_are_exempt_and_stay_listed() -> None:
    """T3 and T7: owed without it, its gap at the end of the list with a mark."""
    case = [*_case(1, arrived_at=None), *_case(2, arrived_at=None), *_case(3)]
    found = facts(*case, an_appeal(1, "dual_feedback"))
    dual, gaps = unit_table(found, *OURS).total.dual_feedback, gap_table(found, *OURS)

    assert (rate(1, 2), 1) == (dual.rate, dual.exempt)
    assert (2, 1, 1) == (gaps.total.owed, gaps.total.no_arrival, gaps.total.exempt)
    assert (1, [False, True]) == (gaps.gap_count, [gap.exempt for gap in gaps.gaps])
    assert "申诉获准，不计" in render(gaps, Form.HTML).decode()
    assert (None, [], None) == (
        published_gaps(gaps).total.exempt,
        published_gaps(gaps).gaps,
        published_gaps(gaps).not_listed,
    )


def test_who_owes_no_report_is_not_exempt_from_one() -> None:
    """Handled remotely: waived, whatever was appealed."""
    found = facts(*_case(1, waived_at=T0), an_appeal(1, "dual_feedback"))
    dual = unit_table(found, *OURS).total.dual_feedback

    assert (0, 0, 1) == (dual.owed, dual.exempt, dual.waived)


def test_defects_are_exempt_by_column() -> None:
    """T8: an appeal about the arrival says nothing of the missing signature."""
    found = facts(
        *_case(1, acked_at=None, arrived_at=None, arrived_late_told=True),
        *_case(2, acked_at=None, arrived_at=None, arrived_late_told=True),
        an_appeal(1, "arrival"),
    )
    total = quality_table(found, *OURS).total
    figures = {each.id: each for each in figure_table(found, *OURS).figures}

    assert (2, 2, 1, 1) == (total.duties, total.no_ack, total.no_arrival, total.back_dated)
    assert total.exempt is not None
    assert (0, 1, 1) == (total.exempt.no_ack, total.exempt.no_arrival, total.exempt.back_dated)
    assert rate(2, 2) == figures["quality.no_ack"].value
    assert (rate(1, 1), 1) == (
        figures["quality.no_arrival"].value,
        _beside(figures["quality.no_arrival"]),
    )


def test_sub_centres_and_the_overdue_list_count_beside() -> None:
    """T4 and T5: neither due nor overdue, and one beside."""
    found = facts(*_case(1), *_case(2), an_appeal(1, "handle"))
    tiers, overdue = tier_table(found, *OURS), overdue_table(found, *OURS)
    assert tiers.handled
    total = tiers.handled.total.total
    handle = next(each for each in overdue.kinds if each.clock == "handle")

    assert (1, 1, 1) == (total.should, total.late, total.exempt)
    assert (1, 1, 1) == (handle.should, handle.overdue, handle.exempt)
    assert [False, True] == [each.exempt for each in overdue.listed]


def test_a_report_is_in_no_rate_and_no_fault() -> None:
    """T6: the ledger keeps the line, marked."""
    case = [*_case(1), a_report(1, took=None), a_report(2, took=None, incident_id=a_call(2).opens)]
    appeal = an_appeal(1, "reporting", incident_id=a_call(1).opens)
    ledger = report_ledger(
        facts(*case, a_report(1, "final", took=None, incident_id=a_call(1).opens), appeal), *OURS
    )
    total = ledger.punctuality.total.total

    assert (2, 2, 1) == (total.should, total.open, total.exempt)
    assert 2 == next(fault.count for fault in ledger.faults if fault.id == "missed")
    assert 1 == sum(entry.exempt for entry in ledger.entries)


@FEW
@given(histories())
def test_every_table_leaves_out_the_same(history: list[Any]) -> None:
    """T3, T4, T5, T7, the list of figures and the assessment: one count of what is exempt."""
    found = facts(*history)
    units, tiers = unit_table(found, *OURS), tier_table(found, *OURS)
    overdue = overdue_table(found, *OURS)
    total = units.total
    kinds = {each.clock: each for each in overdue.kinds}
    figures = {each.id: each for each in figure_table(found, *OURS).figures}

    assert tiers.handled
    assert total.handle.exempt == tiers.handled.total.total.exempt == kinds["handle"].exempt
    assert total.handle.exempt == _beside(figures["timely.handle"])
    assert total.sign_for.exempt == kinds["ack"].exempt
    assert total.dual_feedback.exempt == gap_table(found, *OURS).total.exempt
    periods = (NOVEMBER, period_before(NOVEMBER))
    scores = assessment(found, facts(), periods, Population.REAL, xianju())
    closing = {
        each.unit: next(p for p in each.parts if p.component is Component.CLOSING)
        for each in scores.units
    }
    for row in units.units:
        if row.unit in closing:
            part = closing[row.unit]
            assert (row.handle.should, row.handle.exempt) == (part.owed, part.exempt)


@FEW
@given(histories(40))
def test_published_tells_no_exemption(history: list[Any]) -> None:
    """Few cases are appealed: their count is not published, in whatever table."""
    found = facts(*history)
    units, overdue = unit_table(found, *OURS), overdue_table(found, *OURS)
    shown = published_units(units)
    tiers = published_tiers(tier_table(found, *OURS), overview(found, *OURS), units)

    for row in (shown.total, *shown.units):
        assert row.handle.exempt is row.dual_feedback.exempt is row.rework_exempt is None
    assert all(each.exempt is None for each in published_overdue(overdue, units).kinds)
    assert tiers.handled
    assert tiers.handled.total.total.exempt is None
    table = figure_table(found, *OURS, published=True)
    assert not [b for f in table.figures for b in f.beside if b.id == "exempt" and b.count]
