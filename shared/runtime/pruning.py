"""Deletes what nobody can need again: marks older than the log, old answers, what settled letters held."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from shared.contracts.consumers import CONSUMERS
from shared.contracts.topics import TOPICS
from shared.runtime import metrics
from shared.runtime.database import Database
from shared.runtime.errors import GuardLost, Unavailable

BATCH = 200
PAUSE_S = 0.5
"""Between two batches: a few hundred rows a second at most, whatever has gathered."""
ROUND_S, FIRST_S = 3600.0, 60.0

COMMANDS_DAYS = 7
"""A command id older than this is forgotten: sent again, it is a new command."""

LETTERS_DAYS = 30
"""A dead letter holds an event with its place and text: settled, it keeps them so long, then says only why."""

OVER_RETENTION_DAYS = 10
"""The broker deletes whole segments (7 days by default), so a record outlives its topic's retention."""

MARKS = """
with old as materialized (
  select h.aggregate, h.producer, h.consumer from high_water h
  where h.consumer = $1 and h.touched_on < (select current_date) - $2::integer
    and not exists (
      select 1 from dead_letter d
      where d.consumer = $1 and d.found_at < (select current_date) - $2::integer
        and (d.state = 'open' or d.settled_at > (select clock_timestamp()) - interval '1 day'))
  order by h.consumer, h.touched_on limit $3 for update of h skip locked)
delete from high_water h using old o
where h.aggregate = o.aggregate and h.producer = o.producer and h.consumer = o.consumer returning 1
"""
"""A letter as old as that which may still be replayed, or is on its way again, keeps every mark of its consumer."""

_COMMANDS = """
with old as materialized (
  select command_id from command
  where done_at < (select clock_timestamp()) - make_interval(days => $1)
  order by done_at limit $2 for update skip locked)
delete from command c using old o where c.command_id = o.command_id returning 1
"""

_LETTERS = """
with old as materialized (
  select consumer, topic, partition, record from dead_letter
  where state <> 'open' and value is not null
    and settled_at < (select clock_timestamp()) - make_interval(days => $1)
  order by consumer, topic, partition, record limit $2 for update skip locked)
update dead_letter d set key = null, headers = '', value = null from old o
where (d.consumer, d.topic, d.partition, d.record) = (o.consumer, o.topic, o.partition, o.record) returning 1
"""


def kept_days(service: str) -> dict[str, int]:
    """Return how many days the marks of each consumer of *service* stand: while it could read a record again."""
    return {
        name: max(TOPICS[topic].retention_days for topic in topics) + OVER_RETENTION_DAYS
        for name, topics in CONSUMERS.items()
        if name.startswith(f"{service}.")
    }


class Pruning:
    """A part: one slow round an hour, in small batches that wait for nobody and hold up nobody.

    Judges by the database's wall clock. *marks* maps consumer to days (`kept_days`); every instance
    may run it, rows another one is at are skipped.
    """

    name = "pruning"

    def __init__(self, database: Database, marks: Mapping[str, int]) -> None:
        self.waiting: str | None = None
        self._database = database
        self._marks = marks

    async def run(self) -> None:
        """Prune until cancelled; a round that meets a missing database is left for the next one."""
        await asyncio.sleep(FIRST_S)
        while True:
            with contextlib.suppress(Unavailable, GuardLost):
                await self.once()
            await asyncio.sleep(ROUND_S)

    async def once(self) -> int:
        """Delete all that is old now; return the rows deleted or emptied. Raises Unavailable."""
        gone = await self._all("command", _COMMANDS, COMMANDS_DAYS)
        gone += await self._all("dead_letter", _LETTERS, LETTERS_DAYS)
        for consumer, days in sorted(self._marks.items()):
            gone += await self._all("high_water", MARKS, consumer, days)
        return gone

    async def _all(self, table: str, sql: str, *args: object) -> int:
        gone, batch = 0, BATCH
        while batch == BATCH:
            batch = len(await self._database.write(sql, *args, BATCH))
            gone += batch
            metrics.PRUNED.labels(table).inc(batch)
            if batch == BATCH:
                await asyncio.sleep(PAUSE_S)
        return gone
