"""Never a 202 that is not committed: 503 and 429 when it is not, or nobody can say."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator

import asyncpg
import pytest

from tests.integration.intake.conftest import Start
from tests.integration.intake.cutting import Cut, Wire
from tests.integration.intake.station import Station, a_record, fresh_number, local_now
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure


@pytest.fixture(scope="module")
def wire(module_database: FreshDatabase) -> Iterator[Wire]:
    """Lay a wire to the module's database."""
    laid = Wire(module_database.dsn("intake"))
    yield laid
    laid.close()


@pytest.fixture(scope="module")
def wired(start: Start, wire: Wire) -> Iterator[Station]:
    """Run intake on that wire."""
    with start(database=wire.dsn) as running_intake:
        yield running_intake


@pytest.mark.parametrize(("cut", "then"), [(Cut.BEFORE, 202), (Cut.AFTER, 200)])
async def test_a_write_whose_outcome_is_unknown_is_503_and_safe_to_send_again(
    wired: Station, wire: Wire, cut: Cut, then: int
) -> None:
    """Done or not, the answer is not 202; sent again it is one call and one event."""
    record = a_record()
    wire.cut = cut
    lost = await wired.post(record)
    after_loss = await _count(wired, record)
    again = await wired.post(record)

    assert (503, "1") == (lost.status_code, lost.headers["retry-after"])
    assert "urn:liandong:problem:not_durable" == lost.json()["type"]
    assert (1 if cut is Cut.AFTER else 0) == after_loss
    assert (then, 1) == (again.status_code, again.json()["revision"])
    assert 1 == await _count(wired, record)
    assert 1 == await _said(wired, again.json()["call_id"])


async def test_readiness_returns_without_a_request(start: Start, wire: Wire) -> None:
    """A lane that nobody posts to must not stay unready after PostgreSQL came back."""
    with start(database=wire.dsn) as lonely:
        wire.cut = Cut.BEFORE
        await lonely.post(a_record())
        away = (await lonely.get("/ready")).json()["waiting"]
        async with asyncio.timeout(20):
            while "calls.urgent" in (await lonely.get("/ready")).json()["waiting"]:
                await asyncio.sleep(0.1)

    assert "calls.urgent" in away


async def test_a_refusal_that_cannot_be_told_is_503_too(wired: Station, wire: Wire) -> None:
    """The sender gets 400 only once the desk is sure to learn of it."""
    async with _locked(wired, "rejection"):
        bad = asyncio.create_task(wired.post(a_record(bjnr=None)))
        await _waiting_for_lock(wired)
        await _end_sessions(wired)
        answer = await bad

    assert 503 == answer.status_code


async def test_a_full_queue_is_429_and_the_lane_beside_it_goes_on(start: Start) -> None:
    """Bounded: the sender is told when to come again, and what was taken in is kept."""
    with start(queue=2, group=1) as narrow:
        record = a_record()
        await narrow.post(record)
        async with _locked(narrow, "calls", f"source_id = '{record['jjdbh']}'"):
            posts = [narrow.post(record | {"bjnr": f"补充{n}"}) for n in range(8)]
            held = [asyncio.create_task(posts[0])]
            await _waiting_for_lock(narrow)
            held += [asyncio.create_task(post) for post in posts[1:]]
            refused = [await done for done in itertools.islice(asyncio.as_completed(held), 5)]
            order = {"gdbh": fresh_number(), "slsj": local_now(), "nr": "咨询"}
            beside = await narrow.post(order, key="k12345", to="12345/calls")
        answers = [await each for each in held]

    assert {429} == {each.status_code for each in refused}
    assert {"1"} == {each.headers["retry-after"] for each in refused}
    assert 202 == beside.status_code
    assert 5 == Counter(each.status_code for each in answers)[429]


async def test_past_the_ceiling_ordinary_calls_are_refused_and_urgent_ones_taken(
    start: Start,
) -> None:
    """ARCHITECTURE 4.4; without a broker the outbox only grows."""
    with start() as before:
        await before.rows("delete from outbox")  # what other tests of this module left
    with start(ordinary_rows=5, urgent_rows=12) as full:
        order = {"slsj": local_now(), "nr": "咨询"}
        answers: dict[str, set[int]] = {"ordinary": set(), "urgent": set()}
        reasons: set[str | None] = set()
        async with asyncio.timeout(30):
            while 503 not in answers["ordinary"]:
                numbered = order | {"gdbh": fresh_number()}
                last = await full.post(numbered, key="k12345", to="12345/calls")
                answers["ordinary"].add(last.status_code)
                reasons.add(last.json().get("reason"))
            urgent = await full.post(a_record())
            while 503 not in answers["urgent"]:
                answers["urgent"].add((await full.post(a_record())).status_code)

    assert {202, 503} == answers["ordinary"]
    assert {None, "outbox_full"} == reasons
    assert 202 == urgent.status_code
    assert {202, 503} == answers["urgent"]


def _locked(station: Station, table: str, row: str | None = None) -> _Lock:
    return _Lock(station, table, row)


class _Lock:
    """Holds a table, or one row of it, so that writers wait."""

    def __init__(self, station: Station, table: str, row: str | None) -> None:
        self._admin = station.admin
        self._sql = (
            f"lock table intake.{table} in access exclusive mode"
            if row is None
            else f"select 1 from intake.{table} where {row} for update"
        )

    async def __aenter__(self) -> None:
        self._connection = await asyncpg.connect(self._admin)
        await self._connection.execute("begin")
        await self._connection.execute(self._sql)

    async def __aexit__(self, *_: object) -> None:
        await self._connection.execute("rollback")
        await self._connection.close()


async def _waiting_for_lock(station: Station) -> None:
    async with asyncio.timeout(10):
        while not await station.rows(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and usename = 'intake_app'"
        ):
            await asyncio.sleep(0.01)


async def _end_sessions(station: Station) -> None:
    await station.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where usename = 'intake_app' and wait_event_type = 'Lock' and datname = current_database()"
    )


async def _count(station: Station, record: dict[str, object]) -> int:
    rows = await station.rows("select 1 from calls where source_id = $1", record["jjdbh"])
    return len(rows)


async def _said(station: Station, call_id: str) -> int:
    rows = await station.rows("select value from outbox")
    return sum(call_id.encode() in r["value"] for r in rows)
