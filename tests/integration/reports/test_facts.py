"""Facts from the topics: exactly once, newest version only, as of a freeze."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.reports.domain.facts import Population
from services.reports.domain.overview import overview
from services.reports.domain.quality import quality_table
from services.reports.domain.units import unit_table
from shared.contracts.incident import IncidentState, Scene, StampKind
from shared.contracts.sla import ClockKind
from tests.integration.reports import said
from tests.integration.reports.stage import Stage
from tests.unit.reports.cases import NOVEMBER, T0, xianju

pytestmark = pytest.mark.infrastructure

UNIT = "xj-traffic"
TABLES = ("call_fact", "incident_fact", "assignment_fact", "clock_fact", "notice_fact")
EVERYTHING = (*TABLES, "call_link", "rejection_fact")
HEARD = "select exercise, max(at) from heard group by exercise order by exercise"


def a_case() -> list[Any]:
    """Return what is said of one collision: three calls, one of them a repeat, one refused."""
    sent = said.duty(1, T0, UNIT, StampKind.SENT)
    done = said.duty(1, T0, UNIT, *list(StampKind)[:8])
    twenty = timedelta(minutes=20)
    return [
        said.call(1, T0),
        said.call(2, T0 + timedelta(minutes=9)),
        said.call("drill", T0, exercise=True),
        said.rejection("nonsense", T0),
        said.incident(1, T0, duties=[sent]),
        said.clocks(1, T0, said.clock(1, UNIT, ClockKind.ARRIVAL, T0, twenty)),
        said.notice(1, T0),
        said.incident(1, T0, version=2, duties=[done], others=[2], state=IncidentState.CLOSED),
        said.clocks(
            1,
            T0 + timedelta(minutes=11),
            said.clock(1, UNIT, ClockKind.ARRIVAL, T0, twenty, timedelta(minutes=11)),
            version=2,
        ),
        said.notice(1, T0, version=2),
        said.heartbeat(1, T0 + timedelta(days=3)),
    ]


async def everything(stage: Stage) -> dict[str, list[Any]]:
    """Return all facts, in order, and the newest time heard of each population."""
    selects = {table: f"select * from {table} order by 1, 2, 3" for table in EVERYTHING}
    return {
        name: [tuple(row) for row in await stage.rows(sql)]
        for name, sql in (selects | {"heard": HEARD}).items()
    }


async def test_a_case_becomes_one_fact_per_aggregate(stage: Stage) -> None:
    """Each aggregate has one row: its newest snapshot, of whichever batch."""
    events = a_case()
    await stage.say(*events)

    async with stage.listening():
        await stage.heard(len(events))

    found = await everything(stage)
    assert [3, 1, 1, 1, 1, 1, 1] == [len(found[table]) for table in EVERYTHING]
    newest = await stage.rows("select version, state from incident_fact")
    assert (2, "closed") == tuple(newest[0])
    assert [(2,)] == [tuple(r) for r in await stage.rows("select version from clock_fact")]


async def test_everything_delivered_twice_changes_nothing(stage: Stage) -> None:
    """Redelivery without any high-water mark leaves every row as it was: versions guard it."""
    events = a_case()
    await stage.say(*events)
    async with stage.listening():
        await stage.heard(len(events))
    once = await everything(stage)

    await stage.forget_offsets()
    async with stage.listening("2"):
        await stage.heard(len(events))

    assert once == await everything(stage)


async def test_an_older_version_never_overwrites_a_newer(stage: Stage) -> None:
    """A zombie's late event (rule 5) does not win against what is stored."""
    await stage.say(said.call(1, T0, revision=2, severity=1))
    async with stage.listening():
        await stage.heard(1)
        await stage.forget_marks()

        await stage.say(said.call(1, T0, revision=1, severity=4))
        await stage.heard(2)

    assert [(2, 1)] == [
        tuple(r) for r in await stage.rows("select version, severity from call_fact")
    ]


async def test_a_heartbeat_does_not_move_the_cut(stage: Stage) -> None:
    """The cut of an open period is the newest event of a case, of each population apart."""
    await stage.say(*a_case())
    async with stage.listening():
        await stage.heard(len(a_case()))

    heard = (await stage.reader.of(NOVEMBER)).heard

    assert {
        Population.REAL: T0 + timedelta(minutes=11),
        Population.EXERCISE: T0,
    } == heard


async def test_facts_give_the_tables(stage: Stage) -> None:
    """From topics to T1 and T3: the repeat is a duplicate, the drill beside, the arrival on time."""
    await stage.say(*a_case())
    async with stage.listening():
        await stage.heard(len(a_case()))

    found = await stage.reader.of(NOVEMBER)
    first = overview(found, NOVEMBER, Population.REAL, xianju())
    units = unit_table(found, NOVEMBER, Population.REAL, xianju())

    assert (2, 1, 1) == (first.received, first.valid, first.duplicate)
    row = next(row for row in units.units if row.unit == UNIT)
    assert (0, 1, 1) == (
        row.arrival.all.should,
        row.arrival.all.not_yet_due,
        row.arrival.all.done_early,
    )


async def test_refused_bodies_reach_the_quality_table(stage: Stage) -> None:
    """T8 counts what the feeds' door turned away, as of the freeze like everything else."""
    events = [said.rejection("nonsense", T0), said.rejection("later", NOVEMBER.end)]
    await stage.say(*events)
    async with stage.listening():
        await stage.heard(len(events))

    found = await stage.reader.of(NOVEMBER)

    assert 1 == quality_table(found, NOVEMBER, Population.REAL, xianju()).refused
    assert not (await stage.reader.of(NOVEMBER, as_of_epoch=0)).rejections


async def test_a_purge_keeps_the_area(stage: Stage) -> None:
    """Retention clears place and text; the figures keep the area, which is no place."""
    purged = said.incident(1, T0, version=2, purged=True, scene=Scene())
    await stage.say(said.incident(1, T0), purged)

    async with stage.listening():
        await stage.heard(2)

    assert ["331024001"] == [r["area"] for r in await stage.rows("select area from incident_fact")]


async def test_a_frozen_epoch_can_be_read_again(stage: Stage) -> None:
    """What changes after a freeze begins a new row: the month as of the freeze stays the same."""
    await stage.say(said.call(1, T0), said.incident(1, T0))
    async with stage.listening():
        await stage.heard(2)
        before = await stage.reader.of(NOVEMBER)
        await stage.database.write("update epoch set number = number + 1")
        await stage.say(
            said.call(3, T0), said.incident(1, T0, version=2, state=IncidentState.INVALID)
        )
        await stage.heard(4)

    then, now = await stage.reader.of(NOVEMBER, as_of_epoch=1), await stage.reader.of(NOVEMBER)

    assert (before.calls, before.incidents) == (then.calls, then.incidents)
    assert (2, "invalid") == (len(now.calls), now.incidents[0].state)


async def test_a_batch_that_waited_for_a_freeze_writes_into_the_new_epoch(stage: Stage) -> None:
    """The epoch's row is locked shared: no batch can slip a row under a freeze already taken."""
    await stage.say(said.call(1, T0))
    async with stage.database.connection(writing=True) as freezing:
        freeze = freezing.transaction()
        await freeze.start()
        await freezing.execute("update epoch set number = number + 1")
        async with stage.listening():
            await stage.waits_for_a_lock()
            await freeze.commit()
            await stage.heard(1)

    assert [2] == [r["epoch"] for r in await stage.rows("select epoch from call_fact")]
