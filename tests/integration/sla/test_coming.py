"""Which open clocks come due soon, in pages, and how many are open, however many sets there are."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.sla.adapters import clocks as adapter
from services.sla.adapters.clocks import START, PostgresClocks
from services.sla.adapters.statements import OPEN_COUNT
from services.sla.domain.clock_set import ClockSet
from services.sla.domain.firing import steps
from tests.engine import rows
from tests.integration.sla.clockwork import (
    clocks_of,
    due_in,
    incident_sent,
    keep,
    platform_now,
    sla_database,
)
from tests.parts import FreshDatabase
from tests.unit.sla.snapshots import hours, minutes

pytestmark = pytest.mark.infrastructure


@pytest.mark.parametrize("size", [1, 3, 50])
async def test_pages_hold_every_clock_once_in_the_order_of_their_steps(
    database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """An incident's clocks lie hours apart: pages are by clock, although sets are what is kept."""
    monkeypatch.setattr(adapter, "READ_TOGETHER", 4)
    async with sla_database(database) as db:
        now = await platform_now(database)
        sets = [clocks_of(due_in(now, minutes(n // 2))) for n in range(1, 26)]
        await keep(db, *sets)
        before, clocks = now + hours(3), PostgresClocks(db, lambda: None)
        pages, after = [], START
        while page := await clocks.coming(before, after, size):
            pages.append(page)
            after = page[-1][:2]
    told = [each[:2] for page in pages for each in page]

    assert _coming_of(sets, before) == told
    assert {size} >= {len(page) for page in pages[:-1]}


def _coming_of(sets: list[ClockSet], before: Any) -> list[Any]:
    every = (pair for kept in sets for pair in steps(kept))
    return sorted((s, c.clock_id) for s, c in every if s <= before and c.due <= before)


async def test_open_clocks_are_counted_and_when_many_taken_from_the_planner(
    database: FreshDatabase,
) -> None:
    """§4.12: the heartbeat says how many are open without looking at each."""
    async with sla_database(database) as db:
        now = await platform_now(database)
        kept = [clocks_of(incident_sent(now + hours(n))) for n in range(1, 61)]
        await keep(db, *kept, *(replace(each, clocks=()) for each in _others(kept)))
        counted = (await db.fetch(OPEN_COUNT))[0]
        few = OPEN_COUNT.replace("50000", "1")
        await rows(database.admin, "analyze sla.clock_set")
        estimated = (await db.fetch(few))[0]

    assert (4 * 60, now + hours(1) + minutes(1.5)) == (counted["open"], counted["earliest"])
    assert "sum(open_clocks)" in few
    assert 4 * 60 == estimated["open"]


def _others(sets: list[ClockSet]) -> list[ClockSet]:
    return [
        replace(each, incident_id=clocks_of(incident_sent(each.clocks[0].started)).incident_id)
        for each in sets
    ]
