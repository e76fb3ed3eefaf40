"""What an operator may do to a consumer's record: seed or set offsets, settle dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.contracts.values import Lane
from shared.runtime.bus import Bounds, Partition
from shared.runtime.database import Database

LIST_LIMIT = 200


async def seed(
    database: Database, consumer: str, bounds: Mapping[Partition, Bounds], *, at: str
) -> int:
    """Store where *consumer* starts, `earliest` or `latest`; rows that exist stay. Returns rows added."""
    rows = [
        (p.topic, p.number, b.first if at == "earliest" else b.end)
        for p, b in sorted(bounds.items())
    ]
    added = await database.write(
        "insert into consumer_offset (consumer, topic, partition, next)"
        " select $1, t, p, n from unnest($2::text[], $3::integer[], $4::bigint[]) as r(t, p, n)"
        " on conflict do nothing returning 1",
        consumer,
        [r[0] for r in rows],
        [r[1] for r in rows],
        [r[2] for r in rows],
    )
    return len(added)


async def set_offset(
    database: Database, consumer: str, partition: Partition, following: int
) -> bool:
    """Continue *consumer* at *following*, whatever was stored; False when there is no such row."""
    changed = await database.write(
        "update consumer_offset set next = $4, last_event = null, cluster = null"
        " where consumer = $1 and topic = $2 and partition = $3 returning 1",
        consumer,
        partition.topic,
        partition.number,
        following,
    )
    return bool(changed)


async def offsets(database: Database) -> list[Any]:
    """Return every stored offset in order."""
    return await database.fetch(
        "select consumer, topic, partition, next, last_event, dead_run from consumer_offset"
        " order by consumer, topic, partition"
    )


async def dead_letters(database: Database, *, state: str = "open", limit: int = 50) -> list[Any]:
    """Return the oldest dead letters in *state*, at most LIST_LIMIT; never their bodies."""
    return await database.fetch(
        "select consumer, topic, partition, record, event_id, reason, stage, detail, found_at, state"
        " from dead_letter where state = $1 order by found_at, consumer, topic, partition, record limit $2",
        state,
        min(limit, LIST_LIMIT),
    )


_SETTLE = """
with settled as (
  update dead_letter set state = $5, settled_at = clock_timestamp(), settled_by = $6
  where consumer = $1 and topic = $2 and partition = $3 and record = $4 and state = 'open'
  returning topic, key, headers, value),
again as (
  insert into outbox (lane, topic, key, headers, value)
  select $7, topic, coalesce(key, ''), headers, value from settled where $5 = 'replayed' returning 1)
select (select count(*) from settled) as settled, (select count(*) from again) as again
"""


async def settle(
    database: Database, consumer: str, partition: Partition, record: int, *, state: str, by: str
) -> bool:
    """Mark an open dead letter `replayed` (sent again, same id, by the relay) or `discarded`, and by whom.

    It goes by the lane of the topic it came from: behind what waits there, and a thousand replayed
    orders do not stand before a fire.
    """
    lane = lane_of(partition.topic).number
    rows = await database.write(
        _SETTLE, consumer, partition.topic, partition.number, record, state, by, lane
    )
    return bool(rows[0]["settled"])


def lane_of(topic: str) -> Lane:
    """Return the lane in *topic*'s name; a topic of both lanes goes by the urgent one."""
    return next((lane for lane in Lane if f".{lane}." in topic), Lane.URGENT)


async def parked(database: Database) -> list[Any]:
    """Return the keys the broker refused, oldest first, at most LIST_LIMIT."""
    return await database.fetch(
        "select lane, topic, key, reason, parked_at from outbox_parked"
        " order by parked_at, lane, topic, key limit $1",
        LIST_LIMIT,
    )


async def release_parked(database: Database) -> int:
    """Let the relay try every parked key again, in order; returns how many there were."""
    return len(await database.write("delete from outbox_parked returning 1"))


async def allow_dead_letters(database: Database, consumer: str) -> int:
    """Forget the counted dead letters, so that a halted consumer goes on; returns partitions reset."""
    rows = await database.write(
        "update consumer_offset set dead_run = 0, dead_recent = 0, seen_recent = 0"
        " where consumer = $1 returning 1",
        consumer,
    )
    return len(rows)
