"""The daily report of a special-protection period and the five monthly duties (R16, P30)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from services.reports.adapters.formats import Form, document, render
from services.reports.domain import period
from services.reports.domain.checklist import Checklist, Duty, Proof, checklist
from services.reports.domain.daily import Daily, NoDaily, daily
from services.reports.domain.facts import Population
from services.reports.domain.freezing import FrozenSheet, Revision, Sheet
from shared.contracts.pack import Pack, SpecialPeriod
from tests.unit.reports.cases import AFTER, NOVEMBER, T0, ZONE, a_call, facts, opened, xianju

DAY = period.day("2026-11-22", ZONE)


def with_period() -> Pack:
    """Return the county with a special-protection period around the day."""
    special = SpecialPeriod(name="冬季特护期", first=date(2026, 11, 20), last=date(2026, 11, 22))
    return replace(xianju(), region=replace(xianju().region, special_periods=(special,)))


def of_day(pack: Pack | None = None) -> Daily:
    """Return the report of a day with one grave incident, one ordinary, one of the day before."""
    grave, ordinary = a_call("grave", T0), a_call("ordinary", T0 + timedelta(minutes=5))
    before = a_call("before", T0 - timedelta(days=1))
    drill = a_call("drill", T0, exercise=True)
    found = facts(
        *(grave, ordinary, before, drill),
        opened(grave, severity=1, state="closed"),
        opened(ordinary),
        opened(before, severity=1),
        opened(drill, severity=1),
    )
    return daily(found, DAY, Population.REAL, pack or xianju())


def test_a_day_of_a_special_period_says_so() -> None:
    """R16: reports are daily in special-protection periods; both their days count."""
    assert "冬季特护期" == of_day(with_period()).special
    assert "特护期（冬季特护期）" in document(of_day(with_period())).summary[0]


def test_a_day_outside_says_so_too() -> None:
    """The county names no such period: its day is an ordinary one."""
    assert of_day().special is None
    assert with_period().region.special_period(date(2026, 11, 23)) is None


def test_grave_incidents_of_the_day_are_listed() -> None:
    """Severity 1 and 2 received that day, of the population, without place or text."""
    found = of_day()

    assert found.grave
    assert 1 == found.grave_count == len(found.grave)
    assert (1, "closed") == (found.grave[0].severity, found.grave[0].state)
    assert 2 == found.overview.received


def test_only_a_day_has_a_daily_report() -> None:
    """A month's page is T1."""
    with pytest.raises(NoDaily, match="2026-11"):
        daily(facts(), NOVEMBER, Population.REAL, xianju())


@pytest.mark.parametrize("form", Form)
def test_it_comes_in_every_form_with_the_same_bytes(form: Form) -> None:
    """Recomputed byte for byte."""
    assert render(of_day(), form) == render(of_day(), form)


def frozen(*tables: str, number: int = 0) -> Revision:
    """Return a stored month that holds *tables*."""
    return Revision(
        month="2026-11",
        number=number,
        at=AFTER,
        reason=None,
        epoch=1,
        offsets={},
        pack_stamp="2026.11",
        pack_sha256="",
        sheets=[
            FrozenSheet(
                sheet=Sheet(table=table, population=Population.REAL, published=False),
                formula=1,
                sha256=f"{table:0<64}",
            )
            for table in tables
        ],
    )


def listed(*revisions: Revision) -> dict[Duty, Proof]:
    """Return what is known of each duty."""
    found: Checklist = checklist(NOVEMBER, Population.REAL, revisions, xianju())
    return {item.id: item.proof for item in found.items}


def test_a_frozen_month_proves_bulletin_and_ledger() -> None:
    """P30: what the platform did itself it can prove; the rest is ticked by hand."""
    assert {
        Duty.CHECK: Proof.BY_HAND,
        Duty.LEDGER: Proof.DONE,
        Duty.MEETING: Proof.BY_HAND,
        Duty.ASSIGNMENT: Proof.BY_HAND,
        Duty.BULLETIN: Proof.DONE,
    } == listed(frozen("overview", "overdue"))


def test_a_month_that_is_not_frozen_proves_nothing() -> None:
    """All five are listed all the same."""
    found = listed()

    assert [*Duty] == [*found]
    assert Proof.NOT_DONE is found[Duty.BULLETIN] is found[Duty.LEDGER]


def test_the_first_stored_copy_is_the_proof() -> None:
    """A later revision does not move the date of the bulletin."""
    found = checklist(
        NOVEMBER,
        Population.REAL,
        [frozen("overview"), frozen("overview", "overdue", number=1)],
        xianju(),
    )

    revisions = {item.id: item.revision for item in found.items}
    assert (0, 1) == (revisions[Duty.BULLETIN], revisions[Duty.LEDGER])


@pytest.mark.parametrize("form", Form)
def test_the_checklist_has_blanks_for_numbers_and_no_names(form: Form) -> None:
    """The document's number is written by hand; no person is named anywhere."""
    found = checklist(NOVEMBER, Population.REAL, [frozen("overview")], xianju())

    assert render(found, form)
    assert {"　"} == {row[3] for row in document(found).grids[0].rows}
