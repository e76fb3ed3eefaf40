"""What nobody can need again is deleted; what somebody could is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from deploy.topics import read_topics
from shared.contracts.consumers import CONSUMERS
from shared.runtime.database import Database
from shared.runtime.pruning import (
    BATCH,
    COMMANDS_DAYS,
    LETTERS_DAYS,
    MARKS,
    OVER_RETENTION_DAYS,
    Pruning,
    kept_days,
)
from shared.runtime.store import HIGH_WATER, Store, Work
from tests.engine import fresh, router_database, rows
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure
NAME, DAYS = "router.test", 40
DAY_MS = 86_400_000


@pytest.fixture
async def db(database: FreshDatabase) -> AsyncIterator[Database]:
    """Open router's schema with nothing in it."""
    opened = router_database(database.dsn())
    yield opened
    await opened.close()


async def marks(db: Database, *days_ago: int, consumer: str = NAME) -> list[UUID]:
    """Store a mark for each of *days_ago*, last moved then; return their aggregates."""
    made = [fresh() for _ in days_ago]
    await db.write(
        "insert into high_water (aggregate, producer, consumer, version, touched_on)"
        " select a, 'sla', $1, 5, current_date - d from unnest($2::uuid[], $3::integer[]) r(a, d)",
        consumer,
        made,
        list(days_ago),
    )
    return made


async def standing(db: Database) -> set[UUID]:
    """Return the aggregates that have a mark."""
    return {r["aggregate"] for r in await db.fetch("select aggregate from high_water")}


async def letter(db: Database, days_ago: int, state: str = "open", consumer: str = NAME) -> None:
    """Store a dead letter found *days_ago*, settled a moment ago if it is."""
    await db.write(
        "insert into dead_letter (consumer, topic, partition, record, reason, stage, detail,"
        " headers, found_at, state, settled_at) values ($1, 't', 0, $2::integer, 'r', 'handle', 'd', '',"
        " clock_timestamp() - make_interval(days => $2::integer), $3,"
        " case when $3 = 'open' then null else clock_timestamp() end)",
        consumer,
        days_ago,
        state,
    )


async def test_a_mark_goes_when_no_record_that_old_is_kept(db: Database) -> None:
    """§3: until then a zombie's or a re-read old version must be dropped."""
    old, kept, today = await marks(db, DAYS + 1, DAYS, 0)

    assert 1 == await Pruning(db, {NAME: DAYS}).once()
    assert {kept, today} == await standing(db)
    assert old not in await standing(db)


async def test_a_settled_letter_says_why_and_no_longer_what(db: Database) -> None:
    """DOMAIN §7: it holds an event with place and text; an open one still has to be decided on."""
    for state, settled in (("open", 0), ("discarded", LETTERS_DAYS + 1), ("replayed", 1)):
        await db.write(
            "insert into dead_letter (consumer, topic, partition, record, reason, stage, detail, key,"
            " headers, value, state, settled_at) values ('c', 't', 0, $1::integer, 'r', 'handle', 'd',"
            " 'k', 'h', 'v', $2, case when $2 <> 'open' then"
            " clock_timestamp() - make_interval(days => $1::integer) end)",
            settled,
            state,
        )

    assert 1 == await Pruning(db, {}).once()
    assert [
        (b"k", b"h", b"v", "open"),
        (b"k", b"h", b"v", "replayed"),
        (None, b"", None, "discarded"),
    ] == [
        tuple(row)
        for row in await db.fetch(
            "select key, headers, value, state from dead_letter order by record"
        )
    ]


async def test_another_consumer_s_marks_stay_as_long_as_its_own_topics(db: Database) -> None:
    """Each hears topics with a retention of their own."""
    (others,) = await marks(db, 300, consumer="router.other")
    await Pruning(db, {NAME: DAYS, "router.other": 410}).once()

    assert {others} == await standing(db)


async def test_a_mark_that_moves_is_young_again(db: Database) -> None:
    """An incident may lie still for weeks and go on."""
    (aggregate,) = await marks(db, DAYS + 1)
    work = Work()
    work.put(HIGH_WATER, aggregate, "sla", NAME, 6, 6)
    await Store(db).commit(work)
    await Pruning(db, {NAME: DAYS}).once()

    assert {aggregate} == await standing(db)


@pytest.mark.parametrize("state", ["open", "replayed"])
async def test_an_old_letter_that_can_be_replayed_keeps_the_marks(db: Database, state: str) -> None:
    """Replayed under its own id, an old version must meet the mark that is above it."""
    (aggregate,) = await marks(db, DAYS + 1)
    await letter(db, DAYS + 2, state)
    pruning = Pruning(db, {NAME: DAYS})
    await pruning.once()

    assert {aggregate} == await standing(db)


async def test_letters_that_reach_no_old_mark_keep_nothing(db: Database) -> None:
    """A young letter, another consumer's, or one settled long ago."""
    await marks(db, DAYS + 1)
    await letter(db, DAYS - 1)
    await letter(db, DAYS + 2, consumer="router.other")
    await letter(db, DAYS + 3, "discarded")
    await db.write("update dead_letter set settled_at = found_at where state = 'discarded'")
    await Pruning(db, {NAME: DAYS}).once()

    assert set() == await standing(db)


async def test_answers_of_commands_are_kept_a_week(db: Database) -> None:
    """§4.10: a repeated command is answered from here."""
    for age in (COMMANDS_DAYS - 1, COMMANDS_DAYS + 1):
        await db.write(
            "insert into command (command_id, caller, request, status, answer, done_at) values"
            " ($1, 'unit', '', 200, '', clock_timestamp() - make_interval(days => $2))",
            str(age),
            age,
        )
    await Pruning(db, {}).once()

    assert [str(COMMANDS_DAYS - 1)] == [
        r["command_id"] for r in await db.fetch("select command_id from command")
    ]


async def test_it_deletes_in_batches_by_the_index(
    db: Database, database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow on purpose, and never a scan of all marks."""
    monkeypatch.setattr("shared.runtime.pruning.PAUSE_S", 0.0)
    await marks(db, *[DAYS + 1] * (BATCH * 2 + 1), *[1] * 20_000)
    await rows(database.admin, "analyze router.high_water")

    assert BATCH * 2 + 1 == await Pruning(db, {NAME: DAYS}).once()
    plan = await db.fetch(f"explain {MARKS}", NAME, DAYS, BATCH)
    text = "".join(row[0] for row in plan)
    assert "high_water_by_age" in text
    assert "Seq Scan on high_water" not in text


async def test_a_row_in_use_is_left_for_the_next_round(
    db: Database, database: FreshDatabase
) -> None:
    """The hot path never waits for the pruning, nor the pruning for it."""
    used, free = await marks(db, DAYS + 1, DAYS + 1)
    other = await asyncpg.connect(database.admin)
    try:
        async with other.transaction(), asyncio.timeout(2):
            await other.execute("select 1 from router.high_water where aggregate = $1 for update", used)  # fmt: skip
            await Pruning(db, {NAME: DAYS}).once()
    finally:
        await other.close()

    assert {used} == await standing(db)
    assert free not in await standing(db)


def test_marks_outlive_every_record_their_consumer_can_read() -> None:
    """Retention of the longest topic heard, and the segment a record may still stand in."""
    # a compacted topic has no retention; any other must say its own, and who hears a compacted one fails below
    timed = [t for t in read_topics() if not t.name.endswith(".dead") and t.config.get("cleanup.policy") != "compact"]  # fmt: skip
    retention = {t.name: int(t.config["retention.ms"]) // DAY_MS for t in timed}
    kept = {name: days for service in ("intake", "router", "sla", "notify", "reports") for name, days in kept_days(service).items()}  # fmt: skip

    assert set(CONSUMERS) == set(kept)
    assert all(
        kept[name] >= retention[topic] + OVER_RETENTION_DAYS
        for name, topics in CONSUMERS.items()
        for topic in topics
    )
    assert {"router.urgent": 40, "sla.urgent": 40, "notify.urgent": 40, "notify.clocks.urgent": 410, "reports.facts": 410}.items() <= kept.items()  # fmt: skip
