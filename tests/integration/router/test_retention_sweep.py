"""Two instances at the same incidents, a hold that comes in between, and the doors."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from deploy.database import set_clock
from services.router.adapters.numbers import BlockNumbers
from services.router.adapters.region import PacedRegion
from services.router.adapters.retention import RetainedRows, RetentionSweep
from services.router.domain.commands import Hold, Invalidate
from services.router.handlers import Desk
from services.router.retention_handlers import Retention
from shared.contracts.incident import HoldPurpose, Incident
from tests.builders import T0, a_call
from tests.engine import rows
from tests.integration.router.stage import Instance, Stage
from tests.integration.router.test_doors import AT, KEYS, get, of_lead, opened, post

pytestmark = pytest.mark.infrastructure

LATER = T0 + timedelta(days=31)
SHEET = {"occurred_at": AT, "sheet": {"result": "已处置"}}


def sweep_of(stage: Stage, router: Instance) -> RetentionSweep:
    """Return the sweep of one process."""
    region, numbers = PacedRegion(stage.pack, router.clock), BlockNumbers(router.database)
    desk, rows_of = (
        Desk(router.clock, region, numbers, router.incidents),
        RetainedRows(router.database),
    )
    return RetentionSweep(router.store, Retention(desk, rows_of), rows_of)


async def ended(stage: Stage, router: Instance, *numbers: str) -> list[Incident]:
    """Have calls found invalid at T0; now it is a month later."""
    set_clock(stage.database.admin, origin=T0)
    await router.clock.sync()
    found = []
    for number in numbers:
        incident = await opened(router, stage, number)
        await router.ask(Invalidate(by="desk", reason="误报"), of=incident)
        found.append(incident)
    set_clock(stage.database.admin, origin=LATER)
    await router.clock.sync()
    return found


async def purges(stage: Stage) -> list[str]:
    """Return the numbers of the incidents said to be purged, in order of number."""
    return sorted(
        event.incident.number
        for event in await stage.events()
        for change in event.changes
        if change.kind == "purged"
    )


async def test_two_instances_purge_each_incident_once(stage: Stage) -> None:
    """Both have looked at the same rows; one of them loses the guard and finds nothing left."""
    async with (
        stage.instance("1", consuming=False) as one,
        stage.instance("2", consuming=False) as two,
    ):
        incidents = await ended(stage, one, "C1", "C2", "C3")
        one.incidents.gate.clear()
        one.incidents.loaded.clear()
        first = asyncio.create_task(sweep_of(stage, one).once())
        await one.incidents.loaded.wait()
        second = await sweep_of(stage, two).once()
        one.incidents.gate.set()

        assert (0, 3) == (await first, second)
    assert sorted(i.number for i in incidents) == await purges(stage)


async def test_a_hold_that_comes_in_between_wins(stage: Stage) -> None:
    """The sweep had looked at it before: it decides again, and purges the others only."""
    async with (
        stage.instance("1", consuming=False) as one,
        stage.instance("2", consuming=False) as two,
    ):
        held, other = await ended(stage, one, "C1", "C2")
        one.incidents.gate.clear()
        one.incidents.loaded.clear()
        sweeping = asyncio.create_task(sweep_of(stage, one).once())
        await one.incidents.loaded.wait()
        hold = Hold(by="desk", purpose=HoldPurpose.ASSESSMENT, reason="考核")
        await two.ask(hold, of=held)
        one.incidents.gate.set()

        assert 1 == await sweeping
    assert [other.number] == await purges(stage)


async def test_nothing_goes_before_its_time_by_the_databases_clock(stage: Stage) -> None:
    """A process whose own clock is a year ahead purges nothing."""
    async with stage.instance(consuming=False) as router:
        await ended(stage, router, "C1")
        set_clock(stage.database.admin, origin=LATER + timedelta(days=365))
        await router.clock.sync()
        set_clock(stage.database.admin, origin=T0 + timedelta(days=29, hours=23))

        assert 0 == await sweep_of(stage, router).once()
    assert [] == await purges(stage)


async def test_the_doors_hold_release_and_refuse(stage: Stage) -> None:
    """With a purpose and a reason; afterwards the purge, and every further command is 409 `purged`."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        [incident] = await ended(stage, router, "C1")
        path = f"/v1/incidents/{incident.incident_id}"
        why = {"purpose": "evidence", "reason": "案件"}
        answers = [
            await post(http, f"{path}/hold", {"purpose": "curiosity", "reason": "x"}, who="desk"),
            await post(http, f"{path}/hold", why, who="unit:xj-rescue"),
            await post(http, f"{path}/hold", why, who="desk"),
            await post(http, f"{path}/hold", why, who="desk"),
        ]
        kept = await sweep_of(stage, router).once()
        answers.append(await post(http, f"{path}/release-hold", why, who="desk"))
        audit = (await get(http, f"/v1/holds/{incident.incident_id}", "auditor")).json()["items"]
        gone = await sweep_of(stage, router).once()
        answers += [
            await post(http, f"{path}/reopen", {"reason": "x"}, who="desk"),
            await post(http, of_lead(incident, "sheet"), SHEET),
        ]
        shown = (await get(http, path)).json()

    assert [400, 403, 200, 409, 200, 409, 409] == [a.status_code for a in answers]
    assert ["already_held", "purged", "purged"] == [answers[n].json()["reason"] for n in (3, 5, 6)]
    assert [("held", "desk", "案件"), ("hold_released", "desk", "案件")] == [
        (row["what"], row["by"], row["reason"]) for row in audit
    ]
    assert (0, 1) == (kept, gone)
    assert (True, {"area", "at_seat"}) == (shown["purged"], set(shown["scene"]))


async def test_what_is_held_and_what_is_a_day_late_is_counted(stage: Stage) -> None:
    """Gauges for an alarm: a hold is no delay."""
    async with stage.instance(consuming=False) as router:
        held, late = await ended(stage, router, "C1", "C2")
        hold = Hold(by="desk", purpose=HoldPurpose.EVIDENCE, reason="取证")
        await router.ask(hold, of=held)
        counted = RetainedRows(router.database)
        month = timedelta(days=30)
        today = await counted.standing(month)
        set_clock(stage.database.admin, origin=LATER + timedelta(days=1))
        tomorrow = await counted.standing(month)
        await sweep_of(stage, router).once()
        gauges = [
            REGISTRY.get_sample_value("liandong_on_hold"),
            REGISTRY.get_sample_value("liandong_overdue_purge", {"kind": "incident"}),
        ]

    assert [(1, 0), (1, 1)] == [today, tomorrow]
    assert [1.0, 0.0] == gauges
    assert [late.number] == await purges(stage)


async def test_the_sweep_reads_by_its_index(stage: Stage) -> None:
    """§4.13: a volatile call in the predicate would scan every incident there ever was."""
    async with stage.instance(consuming=False) as router:
        await router.hears(a_call())
    plan = await rows(
        stage.database.admin,
        "explain select incident_id from router.incident where lane = 0"
        " and over_since <= (select platform.now()) - interval '30 days'"
        " order by over_since, incident_id limit 100",
    )

    assert any("incident_over" in row[0] for row in plan)
