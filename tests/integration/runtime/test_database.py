"""Connections are lent: few, never a broken one, and what interrupts a write says so."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.runtime.database import Database
from shared.runtime.errors import GuardLost, Unavailable
from tests.engine import router_database, rows, until
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure

_PID = "select pg_backend_pid() as pid"


@pytest.fixture
def lent(database: FreshDatabase) -> Database:
    """Return connections of one process: two at most."""
    return Database(database.dsn(), schema="router", instance="lent", size=2)


async def _pid(database: Database) -> int:
    return int((await database.fetch(_PID))[0]["pid"])


async def test_no_more_than_allowed_are_open_however_many_ask(
    lent: Database, database: FreshDatabase
) -> None:
    """ARCHITECTURE 4.14: at most four a process; who asks later waits."""
    await asyncio.gather(*[lent.fetch("select pg_sleep(0.01)") for _ in range(20)])
    open_now = await rows(
        database.admin, "select 1 from pg_stat_activity where application_name = 'lent'"
    )
    await lent.close()

    assert 2 == len(open_now)


async def test_an_answer_of_the_server_costs_no_connection(lent: Database) -> None:
    """A lost guard is an everyday answer."""
    before = await _pid(lent)
    with pytest.raises(GuardLost):
        await lent.write("select guard('it', 1, 0)")
    after = await _pid(lent)
    await lent.close()

    assert before == after


async def test_a_connection_that_was_cut_is_not_lent_again(
    lent: Database, database: FreshDatabase
) -> None:
    """The server is away for whoever was served then, and there for the next."""
    before = await _pid(lent)
    waiting = asyncio.create_task(lent.write("select pg_sleep(20)"))
    await until(lambda: _asleep(database))
    await rows(database.admin, "select pg_terminate_backend($1)", before)
    with pytest.raises(Unavailable) as away:
        await waiting
    after = await _pid(lent)
    await lent.close()

    assert away.value.unknown
    assert before != after


async def _asleep(database: FreshDatabase) -> bool:
    """Say whether the server is in mid-statement."""
    sleeping = (
        "select 1 from pg_stat_activity where application_name = 'lent' and wait_event = 'PgSleep'"
    )
    return bool(await rows(database.admin, sleeping))


async def test_who_gives_up_leaves_no_half_read_connection(
    lent: Database, database: FreshDatabase
) -> None:
    """A cancelled statement's answer must not meet the next one's question: its connection is ended."""
    before = await _pid(lent)
    waiting = asyncio.create_task(lent.fetch("select pg_sleep(20)"))
    await until(lambda: _asleep(database))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    after = await _pid(lent)
    await lent.close()

    assert before != after


async def test_an_open_transaction_is_not_handed_on(lent: Database) -> None:
    """Whatever left it open: the next statement must commit by itself."""
    async with lent.connection() as left_open:
        await left_open.execute("begin")
    closed = left_open.is_closed()
    await lent.close()

    assert closed


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Nothing else may come out: a consumer waits for it."""
    nowhere = router_database("postgresql://x:y@127.0.0.1:1/none", "nobody")
    with pytest.raises(Unavailable):
        await nowhere.fetch("select 1")


async def test_all_are_closed_at_the_end(lent: Database) -> None:
    """A lent one as well: nobody waits for a dead server."""
    async with lent.connection() as held:
        await lent.close()

        assert held.is_closed()
    with pytest.raises(asyncpg.InterfaceError):
        await held.fetch("select 1")
