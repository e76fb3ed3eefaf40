"""T6: what had to be reported upward, in time, late or missed (R13-R15)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain.facts import Population
from services.reports.domain.suppression import LEAST
from services.reports.domain.upward_reports import (
    LISTED_AT_MOST,
    ReportLedger,
    Standing,
    published_ledger,
    report_ledger,
)
from tests.unit.reports.cases import NOVEMBER, a_call, facts, opened, xianju
from tests.unit.reports.later_cases import FEW, HOUR, a_report, histories

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({"took": timedelta()}, Standing.ON_TIME),
        ({"took": -MINUTE}, Standing.LATE),
        ({"took": None}, Standing.MISSED),
        ({"due": None}, Standing.UNLIMITED),
    ],
)
def test_where_a_report_stands(changes: dict[str, Any], standing: Standing) -> None:
    """In time means up to and at the limit; what was never made is missed (漏报)."""
    (entry,) = _of(a_report("one", **changes)).entries

    assert standing == entry.standing


def test_punctuality_is_by_level_and_stage() -> None:
    """FIGURES: first, follow-up, final ≤ due ÷ due, by level; without a limit in no rate."""
    ledger = _of(
        a_report(1, "first", "county"),
        a_report(1, "follow_up", "county", took=-MINUTE),
        a_report(1, "first", "city", took=None),
        a_report(1, "final", "city", due=None),
    )
    county = ledger.punctuality.rows[0]

    assert ["county", "city"] == [row.id for row in ledger.punctuality.rows]
    assert [(1, 1), (1, 0), (0, 0)] == [(cell.should, cell.on_time) for cell in county.cells]
    assert (3, 1, 1, 1) == (
        ledger.punctuality.total.total.should,
        ledger.punctuality.total.total.on_time,
        ledger.punctuality.total.total.late,
        ledger.punctuality.total.total.open,
    )
    assert ledger.unlimited == 1


def test_the_four_faults_are_counted() -> None:
    """R15: missed, concealed, false, late; a false report may be late as well."""
    ledger = _of(
        a_report(1, took=None),
        a_report(2, took=-MINUTE, fault="false"),
        a_report(3, fault="concealed"),
    )

    assert {"missed": 1, "concealed": 1, "false": 1, "late": 1} == {
        fault.id: fault.count for fault in ledger.faults
    }


def test_a_report_of_a_merged_incident_stands_once() -> None:
    """The absorbed incident keeps a copy: the absorbing one's counts."""
    kept, gone = opened(a_call("kept")), opened(a_call("gone"), state="duplicate")
    ledger = _of(
        kept,
        gone,
        a_report(1, incident_id=gone.incident_id, version=9, took=None),
        a_report(1, incident_id=kept.incident_id),
    )

    assert [(kept.number, Standing.ON_TIME)] == [(e.incident, e.standing) for e in ledger.entries]


def test_the_ledger_has_a_limit_and_says_so() -> None:
    """A year of a city does not fill a page without end."""
    ledger = _of(*(a_report(n) for n in range(LISTED_AT_MOST + 2)))

    assert (LISTED_AT_MOST, 2) == (len(ledger.entries), ledger.not_listed)
    assert "另有 2 件" in render(ledger, Form.HTML).decode()


def test_tests_exercises_and_other_months_are_left_out() -> None:
    """Populations are never mixed."""
    ledger = _of(a_report(1, exercise=True), a_report(2, test=True), a_report(3, due=NOVEMBER.end))

    assert not ledger.entries


@FEW
@given(histories())
def test_standings_and_cells_say_the_same(history: list[Any]) -> None:
    """Every report stands in one cell of the table or in one number beside it."""
    ledger = _of(*history)
    total = ledger.punctuality.total.total

    assert len(ledger.entries) == sum(
        n or 0 for n in (total.should, total.exempt, ledger.not_yet_due, ledger.unlimited)
    )
    assert total.exempt == sum(each.exempt and each.due_at is not None for each in ledger.entries)
    faults = {fault.id: fault.count for fault in ledger.faults}
    assert (total.open, total.late) == (faults["missed"], faults["late"])


@FEW
@given(histories(60))
def test_published_shows_neither_a_report_nor_a_small_count(history: list[Any]) -> None:
    """No line of the ledger, no count of one to four, and no fault that the table hides."""
    ledger = published_ledger(_of(*history))
    total = ledger.punctuality.total.total

    assert (ledger.entries, ledger.not_yet_due, ledger.unlimited) == ([], None, None)
    counts = [fault.count for fault in ledger.faults]
    for row in (ledger.punctuality.total, *ledger.punctuality.rows):
        for cell in (row.total, *row.cells):
            counts += [cell.should, cell.on_time, cell.late, cell.open]
    assert all(count is None or count == 0 or count >= LEAST for count in counts)
    faults = {fault.id: fault.count for fault in ledger.faults}
    for name, count in (("missed", total.open), ("late", total.late)):
        assert count is not None or faults[name] is None


@FEW
@given(histories(), st.randoms())
def test_the_order_of_facts_does_not_matter(history: list[Any], random: Any) -> None:
    """The same facts in any order give the same bytes."""
    shuffled = list(history)
    random.shuffle(shuffled)

    assert render(_of(*history), Form.JSON) == render(_of(*shuffled), Form.JSON)


def test_the_page_is_a_ledger() -> None:
    """The duty officer reads case, level, stage, times and result."""
    incident = opened(a_call("one"))
    report = a_report("one", "follow_up", took=-HOUR, incident_id=incident.incident_id)
    page = render(_of(incident, report), Form.HTML).decode()

    for words in ("信息报送台账", incident.number, "市级", "续报 1", "电话", "缓报", "时间、地点"):
        assert words in page


def _of(*found: Any) -> ReportLedger:
    return report_ledger(facts(*found), NOVEMBER, Population.REAL, xianju())
