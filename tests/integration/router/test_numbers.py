"""Serial numbers: what is reserved is there to be taken, and nobody else has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.router.adapters.numbers import BLOCK, KEPT_DAYS, BlockNumbers
from shared.runtime.database import Database
from tests.builders import T0
from tests.engine import router_database
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure
TODAY = T0.date()


@pytest.fixture
async def counters(database: FreshDatabase) -> AsyncIterator[Database]:
    """Router's schema with no number taken."""
    opened = router_database(database.dsn())
    yield opened
    await opened.close()


@pytest.mark.parametrize("days_late", [0, KEPT_DAYS, 400])
async def test_a_call_of_long_ago_gets_its_number(counters: Database, days_late: int) -> None:
    """A record may come late to a process that has numbered many later days."""
    numbers = BlockNumbers(counters)
    for ago in range(KEPT_DAYS):
        await numbers.reserve([TODAY - timedelta(days=ago)])
    day = TODAY - timedelta(days=days_late)
    await numbers.reserve([day])

    assert 1 == numbers.take(day)


async def test_processes_never_share_a_number(counters: Database) -> None:
    """`XJ-20261122-000123` names one incident: each process takes blocks of its own, at the same time."""
    processes = [BlockNumbers(counters) for _ in range(3)]
    wanted = [TODAY] * (BLOCK + 1)
    await asyncio.gather(*(each.reserve(wanted) for each in processes for _ in range(2)))
    taken = [each.take(TODAY) for each in processes for _ in wanted]

    assert len(taken) == len(set(taken))
    assert 1 == min(taken)
