"""Durable counting of crashes per offset, so that one poison event never stops a city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.runtime.bus import Partition, Record
from shared.runtime.database import Database


@dataclass(frozen=True)
class Count:
    """How often the first record was tried; `singly` when it must be tried alone."""

    attempts: int
    singly: bool

    @property
    def exhausted(self) -> bool:
        """Tried alone as often as is reasonable, and it never came back."""
        return self.attempts > Attempts.LIMIT


class Attempts:
    """The `crash` rows of one consumer."""

    LIMIT = 3

    def __init__(self, database: Database, consumer: str) -> None:
        self._database = database
        self._consumer = consumer

    async def begin(self, records: Sequence[Record]) -> Count:
        """Count an attempt at records of one partition before it is made.

        After the third attempt that ended without a word the records are tried one by one, up to
        the last of this batch; each then has its own count.
        """
        first, last = records[0], records[-1]
        rows = await self._database.write(
            """
            insert into crash as c (consumer, topic, partition, record, attempts, until)
            values ($1, $2, $3, $4, 1, null)
            on conflict (consumer, topic, partition) do update set
              record = excluded.record,
              attempts = case
                when c.record <> excluded.record then 1
                when c.until is null and c.attempts >= $6 then 1
                else c.attempts + 1 end,
              until = case
                when c.until is not null and c.until >= excluded.record then c.until
                when c.until is null and c.record = excluded.record and c.attempts >= $6 then $5
              end
            returning attempts, until is not null as singly
            """,
            self._consumer,
            first.partition.topic,
            first.partition.number,
            first.offset,
            last.offset,
            self.LIMIT,
        )
        return Count(rows[0]["attempts"], rows[0]["singly"])

    async def crashed(self, records: Sequence[Record], *, counted: bool) -> int:
        """Record that handling *records* raised; return how often it has, at the worst partition.

        `counted` when `begin` already counted this very attempt.
        """
        first: dict[Partition, int] = {}
        for record in records:
            first.setdefault(record.partition, record.offset)
        worst = 0
        for partition, offset in first.items():
            rows = await self._database.write(
                """
                insert into crash as c (consumer, topic, partition, record, attempts)
                values ($1, $2, $3, $4, 1)
                on conflict (consumer, topic, partition) do update set
                  record = excluded.record,
                  attempts = case when c.record = excluded.record then c.attempts + $5 else 1 end
                returning attempts
                """,
                self._consumer,
                partition.topic,
                partition.number,
                offset,
                0 if counted else 1,
            )
            worst = max(worst, rows[0]["attempts"])
        return worst
