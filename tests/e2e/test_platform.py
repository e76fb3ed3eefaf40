"""The whole platform, two of every service, hurt while it works: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from deploy.local.infrastructure import KAFKA, POSTGRES
from deploy.local.observing import Look, Observer
from deploy.local.parts import ServiceInstance
from deploy.local.stack import Stack
from services.sla.adapters.kept import decoded
from services.sla.domain.firing import next_step
from shared.contracts.incident import AssignmentState, Incident, StampOrigin
from shared.contracts.sla import Clock, ClockKind, ClockState
from tests.e2e.following import assert_all_once, drained
from tests.e2e.town import Town
from tests.engine import rows, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.faults,
    pytest.mark.infrastructure,
    pytest.mark.asyncio(loop_scope="module"),
]
TWICE = ("intake", "router", "sla", "notify", "reports")
SPEED = 20.0
"""The three minutes a unit has to acknowledge are nine seconds."""
MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
BROKER_AWAY_S, DATABASE_AWAY_S, STOPPED_S = 10.0, 8.0, 8.0
LONG_S = 90.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Two of every service on a broker and a database of their own; the drill plays the providers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(KAFKA, raising=False)
        patch.delenv(POSTGRES, raising=False)
        async with Stack(
            run_dir=tmp_path_factory.mktemp("platform") / "stack",
            instances=dict.fromkeys(TWICE, 2),
            clock=(MORNING, SPEED),
            disposable=True,
        ) as started:
            yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(stack: Stack) -> AsyncIterator[Town]:
    """Everybody outside, over all tests of this file: ids followed once are followed again."""
    made = Town(stack)
    yield made
    await made.close()


def services(stack: Stack) -> dict[str, int]:
    """Return how often each service process was started again."""
    return {
        name: stack.restarts[name]
        for name, part in stack.parts.items()
        if isinstance(part, ServiceInstance)
    }


async def in_hand(stack: Stack, town: Town, observer: Observer, part: str) -> Counter[str]:
    """Return what *part* (or, of shared queues, its service) has begun or not yet taken."""
    service = part.rpartition("-")[0]
    requests = Counter({"requests": town.outstanding[stack.parts[part].address]})
    if service in ("intake", "router"):
        return +requests
    look: Look = await observer.look()
    waiting = {name: n for name, n in look.lag.items() if name.startswith(f"{service}.")}
    waiting[f"outbox of {service}"] = look.counts.get(f"outbox_{service}", 0)
    if service == "notify":
        waiting["notices queued"] = look.counts["queued"]
    return +Counter(waiting)


async def stopped_at_work(stack: Stack, town: Town, observer: Observer, part: str) -> Counter[str]:
    """SIGSTOP *part* in mid-work and return what it, or its service's queue, stands with."""
    held: Counter[str] = Counter()

    async def met() -> bool:
        stack.pause(part)
        held.update(await in_hand(stack, town, observer, part))
        if not held:
            stack.resume(part)
        return bool(held)

    await until(met, within_s=LONG_S)
    return held


async def incident_of(stack: Stack, call_id: UUID) -> Incident:
    """Return the stored incident of a call."""
    (row,) = await rows(
        stack.admin,
        "select i.doc from router.call_link l join router.incident i using (incident_id)"
        " where l.call_id = $1",
        call_id,
    )
    return msgspec.json.decode(row["doc"], type=Incident)


async def clocks(stack: Stack, kind: ClockKind) -> list[Clock]:
    """Return every clock of *kind*."""
    sets = await rows(stack.admin, "select doc from sla.clock_set")
    every = (clock for row in sets for clock in decoded(row["doc"]).clocks)
    return [clock for clock in every if clock.kind is kind]


async def test_a_unit_s_record_comes_before_its_call(stack: Stack, town: Town) -> None:
    """§4.7: it waits for its call and is applied in the statement that creates the incident, once."""
    records = [town.a_record(urgent=True) for _ in range(10)]
    for _, number, _ in records:
        await town.handling(number, "xj-police")

    async def parked() -> bool:
        found = await rows(stack.admin, "select count(*) as n from router.parked_feedback")
        return bool(found[0]["n"] == len(records))

    await until(parked, within_s=LONG_S)
    calls = await asyncio.gather(*(town.call(*each) for each in records))
    await asyncio.gather(*(town.incident_of(call) for call in calls))
    incidents = [await incident_of(stack, call) for call in calls]

    duties = [a for i in incidents for a in i.assignments if a.unit == "xj-police"]
    by_feed = [s for a in duties for s in a.stamps if s.origin is StampOrigin.FEED]
    assert len(records) == len(duties) == len(by_feed)
    assert {AssignmentState.ACKED} == {a.state for a in duties}
    assert [] == await rows(stack.admin, "select 1 from router.parked_feedback")


async def test_one_of_each_service_is_killed_while_calls_are_handled(
    stack: Stack, town: Town
) -> None:
    """§4: kill -9 of each in turn, in mid-work; every id answered 202 is followed to its receipt."""
    met: dict[str, Counter[str]] = {}
    async with Observer(stack) as observer, town.traffic():
        for service in TWICE:
            part = f"{service}-1"
            met[part] = await stopped_at_work(stack, town, observer, part)
            before = stack.restarts[part]
            stack.kill(part)
            await until(partial(_restarted, stack, part, before), within_s=LONG_S)
            await stack.ready(part, timeout_s=LONG_S)
        await stack.ready(timeout_s=LONG_S)
        await until(lambda: _enough(town, 200), within_s=LONG_S)

    assert set(met) == {part for part, held in met.items() if held.total() > 0}
    await assert_all_once(stack, town)
    assert len(town.reported) >= 100
    assert 0 < sum(revision > 1 for revision in town.revisions.values())


async def _restarted(stack: Stack, part: str, before: int) -> bool:
    return stack.restarts[part] > before


async def _enough(town: Town, calls: int) -> bool:
    return len(town.accepted) >= calls


async def test_stopped_instances_wake_as_zombies(stack: Stack, town: Town) -> None:
    """§4.2, §4.5: the others go on; what the sleepers still hold when they wake doubles nothing."""
    sleepers = ("router-1", "sla-1")
    lives = services(stack)
    async with Observer(stack) as observer, town.traffic():
        held = {part: await stopped_at_work(stack, town, observer, part) for part in sleepers}
        before = len(town.reported)
        await asyncio.sleep(STOPPED_S)
        meanwhile = len(town.reported) - before
        for part in sleepers:
            stack.resume(part)
        await stack.ready(timeout_s=LONG_S)
        asked = len(town.reported)
        await until(lambda: _reported(town, asked + 5), within_s=LONG_S)

    assert all(each.total() > 0 for each in held.values()), held
    assert meanwhile > 0, "nobody worked while they slept"
    assert lives == services(stack), "the sleepers should have lived and lost, not died"
    await assert_all_once(stack, town)


async def _reported(town: Town, duties: int) -> bool:
    return len(town.reported) >= duties


async def test_calls_are_taken_while_the_broker_is_away(stack: Stack, town: Town) -> None:
    """§4.4: intake answers 202 for both lanes, everything arrives later, once."""
    await drained(stack)
    lives, first = services(stack), len(town.answers)
    async with town.traffic(only_calls=True, callers=3):
        stack.kill("kafka", hold=True)
        await asyncio.sleep(BROKER_AWAY_S)
    waiting = await rows(stack.admin, "select lane, count(*) as n from intake.outbox group by lane")
    taken = town.answers[first:]
    await stack.restart("kafka")

    assert 2 == len(waiting), "the fault met no calls of both lanes"
    assert len(taken) <= sum(row["n"] for row in waiting) + 3
    assert {202} == {answer.status for answer in taken}
    await assert_all_once(stack, town)
    assert lives == services(stack)


async def test_no_accepted_call_is_lost_with_the_database(stack: Stack, town: Town) -> None:
    """§4.1: 503 while PostgreSQL is away, never a 202 that is not kept; clocks due meanwhile fire once."""
    lives, first = services(stack), len(town.answers)
    async with town.traffic(only_calls=True, callers=3):
        await until(lambda: _soon_due(stack, town), within_s=LONG_S)
        holding = await asyncpg.connect(stack.admin)
        await holding.execute("begin; lock table intake.calls in exclusive mode")
        await until(lambda: _committing(stack), within_s=LONG_S)
        stack.kill("postgres", hold=True)
        holding.terminate()
        gone, began = asyncio.get_running_loop().time(), town.now()
        command = await _an_ack(town)
        await asyncio.sleep(DATABASE_AWAY_S)
        back, ended = asyncio.get_running_loop().time(), town.now()
        await stack.restart("postgres")
        await stack.ready(timeout_s=LONG_S)

    meanwhile = Counter(a.status for a in town.answers[first:] if gone < a.asked and a.at < back)
    assert {503} == set(meanwhile), meanwhile
    assert command is not None
    assert 503 == command.status_code
    await assert_all_once(stack, town)
    running = [
        c for c in await clocks(stack, ClockKind.ACK) if c.stopped is None or c.stopped > began
    ]
    overdue = [c for c in running if began < c.due < ended]
    assert overdue, "no clock was due in the outage"
    assert {ClockState.BREACHED} == {c.state for c in overdue}
    assert all(c.breached_at is not None and c.breached_at > ended for c in overdue)
    assert lives == services(stack), "services recover by themselves"


async def _committing(stack: Stack) -> bool:
    """Say whether a group of calls was decided and stands in the very statement that stores it."""
    found = await rows(
        stack.admin,
        "select 1 from pg_stat_activity where application_name like 'intake-%'"
        " and wait_event_type = 'Lock'",
    )
    return bool(found)


async def _soon_due(stack: Stack, town: Town) -> bool:
    """Say whether a few clocks will run out a second or more after now, and within the outage."""
    after = town.now() + timedelta(seconds=2 * SPEED)
    before = town.now() + timedelta(seconds=(DATABASE_AWAY_S - 1) * SPEED)
    # a set that fires later has no clock that is due earlier: the thousands of others are not read
    soon = await rows(stack.admin, "select doc from sla.clock_set where next_at < $1", before)
    acks = [c for row in soon for c in decoded(row["doc"]).clocks if c.kind is ClockKind.ACK]
    return sum(after < c.due < before for c in acks if next_step(c) is not None) >= 5


async def _an_ack(town: Town) -> httpx.Response | None:
    """Try to acknowledge a duty, whichever, at a router that has no database."""
    return await town.once(
        "router", 1, "POST", f"/v1/assignments/{uuid4()}/ack", scope="desk",
        content=msgspec.json.encode({"occurred_at": town.now()}),
        headers={"idempotency-key": "while-away"},
    )  # fmt: skip
