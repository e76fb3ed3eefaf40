"""The facts' consumer on a real broker and database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.fact_tables import FactTables
from services.reports.adapters.month_files import MonthFiles
from services.reports.handlers import on_events
from shared.runtime.ahead import Ahead
from shared.runtime.bus import Outgoing
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.events import Event
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.store import Store, Work
from tests.engine import rows, running, until

CONSUMER, PARTITIONS = "reports.facts", 3


@dataclass
class Stage:
    """What a test needs: `say` events, have them `heard`, look at rows."""

    kafka: str
    topic: str
    dsn: str
    admin: str
    database: Database
    months: Path

    @property
    def files(self) -> MonthFiles:
        return MonthFiles(self.database, self.months)

    @property
    def reader(self) -> FactReader:
        return FactReader(self.database)

    async def say(self, *events: Outgoing) -> None:
        """Write *events* to the broker, in order per key, and wait until each is there."""
        sink = KafkaSink(self.kafka, name="test")
        await sink.start()
        try:
            outcomes = await sink.publish([e._replace(topic=self.topic) for e in events])
            assert [None] * len(events) == outcomes
        finally:
            await sink.stop()

    @asynccontextmanager
    async def listening(self, instance: str = "1") -> AsyncIterator[Consumer]:
        """Run the consumer until the block ends."""
        database = Database(self.dsn, schema="reports", instance=instance)
        tables = FactTables()

        async def handler(events: Sequence[Event], work: Work) -> None:
            await on_events(events, work, facts=tables)

        source = Ahead(
            KafkaSource(
                self.kafka, group=f"{CONSUMER}.{self.topic}", topics=[self.topic], instance=instance
            )
        )
        consumer = Consumer(CONSUMER, source, Store(database), handler, batch=500)
        try:
            async with running(consumer):
                yield consumer
        finally:
            await database.close()

    async def heard(self, count: int) -> None:
        """Wait until *count* records of the topic were committed."""

        async def enough() -> bool:
            found = await self.rows("select sum(next)::bigint as n from consumer_offset")
            return bool(found[0]["n"] >= count)

        await until(enough)

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """Return rows of the schema."""
        return await self.database.fetch(sql, *args)

    async def forget_offsets(self) -> None:
        """Have everything delivered again, high-water marks gone too."""
        await rows(self.admin, "update reports.consumer_offset set next = 0, last_event = null")
        await self.forget_marks()

    async def forget_marks(self) -> None:
        """Have nothing but the facts themselves remember a version."""
        await rows(self.admin, "delete from reports.high_water")

    async def waits_for_a_lock(self) -> None:
        """Wait until a statement of the consumer is held up by another's lock."""

        async def held() -> bool:
            waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
            return bool(await rows(self.admin, f"{waiting} and datname = current_database()"))

        await until(held)
