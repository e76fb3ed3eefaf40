"""What follows the handling, from the topics to the figures: once, newest only, as of a freeze."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.reports.adapters.formats import Form, render
from services.reports.adapters.roster_commands import put
from services.reports.domain.facts import Population
from services.reports.domain.key_figures import figure_table
from services.reports.domain.later_facts import RosterFact
from services.reports.domain.upward_reports import report_ledger
from services.reports.handlers import Question, Table, answer
from shared.contracts import ids
from shared.contracts.appeal import Appeal, AppealGround, AppealState
from shared.contracts.call_back import CallBack
from shared.contracts.deferral import Deferral, DeferralKind
from shared.contracts.incident import StampKind
from shared.contracts.sla import ClockKind
from shared.contracts.upward_report import Authority, ReportStage, UpwardReport
from shared.runtime.database import Database
from tests.integration.reports import said
from tests.integration.reports.stage import Stage
from tests.unit.reports.cases import NOVEMBER, T0, xianju

pytestmark = pytest.mark.infrastructure

UNIT = "xj-traffic"
HOUR = timedelta(hours=1)
TABLES = ("call_repeat", "call_back_fact", "appeal_fact", "deferral_fact", "upward_report_fact")


def followed(
    name: object, *, version: int, made: bool, appeal: dict[str, Any] | None = None
) -> Any:
    """Return incident *name*, its caller called back; *made*: the report upward was sent meanwhile."""
    appealed: dict[str, Any] = {"about": ("arrival",), "asked_at": T0, "state": AppealState.ASKED}

    duty = said.duty(name, T0, UNIT, StampKind.SENT, StampKind.ACKED)
    about, incident = duty.assignment_id, said.incident_id(name)
    return said.incident(
        name,
        T0,
        version=version,
        duties=[duty],
        call_backs=(
            CallBack(
                call_back_id=ids.call_back_id(incident, said.call_id(name), 0),
                call_id=said.call_id(name),
                assignment_id=about,
                at=T0 + HOUR,
                reached=True,
                satisfied=True,
            ),
        ),
        appeals=(
            Appeal(
                appeal_id=ids.appeal_id(about, 1),
                assignment_id=about,
                ground=AppealGround.NOT_OURS,
                asked_by=UNIT,
                **(appealed | (appeal or {})),
            ),
        ),
        deferrals=(
            Deferral(
                deferral_id=ids.deferral_id(about, 1),
                assignment_id=about,
                kind=DeferralKind.SUSPENSION,
                asked_at=T0,
            ),
        ),
        reports=(
            UpwardReport(
                report_id=ids.upward_report_id(incident, "city", 1),
                stage=ReportStage.FIRST,
                sequence=1,
                level=Authority.CITY,
                due=T0 + HOUR,
                submitted_at=T0 if made else None,
            ),
        ),
    )


async def test_what_follows_is_stored_once_and_read_again(stage: Stage) -> None:
    """Two versions, delivered twice, make one row each: the newest; the month's figures have them."""
    limit = said.clock(1, UNIT, ClockKind.HANDLE, T0, HOUR)
    events = [
        said.call(1, T0),
        said.call(2, T0 + timedelta(minutes=9), repeats=said.call_id(1)),
        followed(1, version=1, made=False),
        said.clocks(1, T0, limit),
        followed(1, version=2, made=True),
    ]
    await stage.say(*events)
    async with stage.listening():
        await stage.heard(len(events))
    once = await _everything(stage)
    await stage.forget_offsets()
    async with stage.listening("2"):
        await stage.heard(len(events))

    assert once == await _everything(stage)
    assert [1, 1, 1, 1, 1] == [len(rows) for rows in once.values()]
    found = await stage.reader.of(NOVEMBER)
    ledger = report_ledger(found, NOVEMBER, Population.REAL, xianju())
    assert [("XJ-1", "not_yet_due")] == [(e.incident, e.standing) for e in ledger.entries]
    over = replace(found, read_at=NOVEMBER.end)
    ledger = report_ledger(over, NOVEMBER, Population.REAL, xianju())
    assert ["on_time"] == [entry.standing for entry in ledger.entries]
    figures = figure_table(over, NOVEMBER, Population.REAL, xianju())
    by = {each.id: each for each in figures.figures}
    satisfied, suspended = by["call_back.satisfied"], by["conduct.suspended"]
    assert satisfied.value is not None
    assert (1, 1) == (satisfied.value.numerator, satisfied.value.denominator)
    repeated = by["flow.repeated"].value
    assert repeated is not None
    assert (1, 2) == (repeated.numerator, repeated.denominator)
    assert {"requested": 1} == {each.id: each.count for each in suspended.beside}


async def test_a_closed_epoch_keeps_what_it_knew(stage: Stage) -> None:
    """ADR 0010: a report sent after the freeze changes the open epoch only."""
    await stage.say(said.call(1, T0), followed(1, version=1, made=False))
    async with stage.listening():
        await stage.heard(2)
    await stage.database.write("update epoch set number = number + 1")
    await stage.say(followed(1, version=2, made=True))
    async with stage.listening("2"):
        await stage.heard(3)

    then, now = await stage.reader.of(NOVEMBER, as_of_epoch=1), await stage.reader.of(NOVEMBER)
    assert [(1, None)] == [(r.version, r.submitted_at) for r in then.reports]
    assert [(2, T0)] == [(r.version, r.submitted_at) for r in now.reports]
    tables = [
        render(report_ledger(each, NOVEMBER, Population.REAL, xianju()), Form.JSON)
        for each in (then, now)
    ]
    assert tables[0] != tables[1]


async def test_a_granted_appeal_counts_where_its_call_back_does(stage: Stage) -> None:
    """Row 20: asked in October, its limits due then; the call-back of November is exempt all the same."""
    asked = NOVEMBER.start - timedelta(days=3)
    granted = {"about": ("satisfaction",), "asked_at": asked, "state": AppealState.GRANTED}
    await stage.say(followed(1, version=1, made=True, appeal=granted))
    async with stage.listening():
        await stage.heard(1)

    found = replace(await stage.reader.of(NOVEMBER), read_at=NOVEMBER.end)

    assert [] == list(found.clocks)
    figures = figure_table(found, NOVEMBER, Population.REAL, xianju()).figures
    reached = next(each for each in figures if each.id == "call_back.reached")
    assert {"exempt": 1} == {each.id: each.count for each in reached.beside}


async def test_sets_read_the_appeals_that_facts_do(stage: Stage) -> None:
    """T3 and T4 through Arrow equal T3 and T4 from the rows, an appeal granted and sla silent."""
    granted = {"about": ("handle", "dual_feedback"), "state": AppealState.GRANTED}
    limits = [said.clock(1, UNIT, k, T0, HOUR) for k in (ClockKind.HANDLE, ClockKind.FEEDBACK)]
    await stage.say(followed(1, version=1, made=True, appeal=granted), said.clocks(1, T0, *limits))
    async with stage.listening():
        await stage.heard(2)

    for table in (Table.UNITS, Table.TIERS):
        question = Question(table, NOVEMBER, Population.REAL)
        by_rows = await answer(question, stage.reader, xianju())
        by_sets = await stage.files.table(question, xianju())

        assert render(by_rows, Form.JSON) == render(by_sets, Form.JSON)
        assert b'"exempt": 1' in render(by_rows, Form.JSON)


async def _everything(stage: Stage) -> dict[str, list[Any]]:
    return {
        table: [tuple(row) for row in await stage.rows(f"select * from {table} order by 1, 2, 3")]
        for table in TABLES
    }


async def test_an_imported_roster_counts_in_staffing(stage: Stage) -> None:
    """R11: imported twice it stands once; a correction replaces the span."""
    day = NOVEMBER.start + timedelta(days=1)
    span = RosterFact(ids.NAMESPACE, 1, UNIT, NOVEMBER.start, day, 2)
    dsn = stage.dsn

    changed = [
        await put(Database(dsn, schema="reports", instance="import"), [each])
        for each in (span, span, span._replace(people=3))
    ]

    assert [1, 0, 1] == changed
    assert [(UNIT, day, 3)] == [
        (r.unit, r.ends, r.people) for r in (await stage.reader.of(NOVEMBER)).rosters
    ]
