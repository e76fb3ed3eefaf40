"""A tiny service for tests of the engine room: it counts heartbeats per aggregate and says each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from shared.contracts.envelope import Message, encode
from shared.contracts.sla import Heartbeat
from shared.contracts.values import Lane
from shared.runtime.bus import Bounds, Outgoing, Partition
from shared.runtime.database import Database
from shared.runtime.events import Event
from shared.runtime.operations import seed
from shared.runtime.store import Work, guarded

T0 = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SCHEMA = "router"
TALLY_DDL = """
create table router.tally (id uuid primary key, version bigint not null, seen text not null);
grant select, insert, update, delete on router.tally to router_app;
"""


TALLY = guarded("tally", "id", {"seen": "text"})
"""All versions handled, as text `1,2,3`."""


def beat(aggregate: UUID, version: int, *, topic: str, producer: str = "sla") -> Message:
    """Return an event of *aggregate* at *version*."""
    data = Heartbeat(
        instance=str(aggregate), beat=version, said_at=T0, open_clocks=version, oldest_overdue_s=0.0
    )
    return Message(
        topic=topic, key=str(aggregate), producer=producer, family="heartbeat", change="said",
        aggregate=aggregate, version=version, time=T0, lane=Lane.URGENT, data=data,
    )  # fmt: skip


def outgoing(message: Message) -> Outgoing:
    """Return *message* as the relay would hand it to the broker."""
    key, headers, value = encode(message)
    return Outgoing(message.topic, key, value, headers)


async def prepare(admin: str) -> None:
    """Create the tally in a fresh database."""
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(TALLY_DDL)
    finally:
        await connection.close()


async def rows(admin: str, sql: str, *args: Any) -> list[Any]:
    """Return the rows of one statement as the superuser."""
    connection = await asyncpg.connect(admin)
    try:
        return await connection.fetch(sql, *args)
    finally:
        await connection.close()


async def tallies(admin: str) -> dict[UUID, list[int]]:
    """Return which versions were handled, in order, per aggregate."""
    found = await rows(admin, "select id, seen from router.tally order by id")
    return {r["id"]: [int(v) for v in r["seen"].split(",")] for r in found}


class Tally:
    """The handler: remembers each version it was given and says it again on `out`."""

    def __init__(self, database: Database, out: str | None = None) -> None:
        self.database = database
        self.out = out
        self.before_store: Callable[[Sequence[Event]], Awaitable[None]] | None = None

    async def __call__(self, events: Sequence[Event], work: Work) -> None:
        """Load, decide, fill the work."""
        found = await self.database.fetch(
            "select id, version, seen from tally where id = any($1::uuid[])",
            list({e.aggregate for e in events}),
        )
        held = {r["id"]: (r["version"], r["seen"]) for r in found}
        changed: dict[UUID, str] = {}
        for event in events:
            past = changed.get(event.aggregate, held.get(event.aggregate, (0, ""))[1])
            changed[event.aggregate] = f"{past},{event.version}".lstrip(",")
            if self.out is not None:
                work.publish(
                    beat(event.aggregate, event.version, topic=self.out, producer="router")
                )
        if self.before_store is not None:
            await self.before_store(events)
        for aggregate, seen in changed.items():
            base = held.get(aggregate, (0, ""))[0]
            work.put(TALLY, aggregate, base, base + 1, seen)


async def seeded(database: Database, consumer: str, topic: str, partitions: int) -> None:
    """Seed *consumer* at the beginning of *topic*."""
    bounds = {Partition(topic, n): Bounds(0, 0) for n in range(partitions)}
    await seed(database, consumer, bounds, at="earliest")


@asynccontextmanager
async def running(*parts: Any) -> Any:
    """Run parts until the block ends; an error of one is raised at the end."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def until(condition: Callable[[], Awaitable[bool]], *, within_s: float = 30) -> None:
    """Wait until *condition* holds, looking every 20 ms; fails after *within_s*."""
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.02)


def router_database(dsn: str, instance: str = "test-1") -> Database:
    """Return the pool the tests' service uses."""
    return Database(dsn, schema=SCHEMA, instance=instance)


def fresh() -> UUID:
    """Return an aggregate nobody used."""
    return uuid4()
