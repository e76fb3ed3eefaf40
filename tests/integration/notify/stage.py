"""Notify on a real broker and database, with two gateways the test plays."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiokafka import AIOKafkaConsumer
from msgspec.structs import replace

from services.notify.__main__ import Wired
from shared.contracts import envelope
from shared.contracts.envelope import Envelope, Message
from shared.contracts.incident import Incident, IncidentEvent
from shared.contracts.sla import SlaEvent
from shared.contracts.values import Lane
from shared.runtime.bus import Outgoing
from shared.runtime.database import Database
from shared.runtime.kafka import KafkaSink
from tests.engine import outgoing, running, seeded, until
from tests.integration.notify.gateway import Gateway
from tests.integration.notify.worker import Task, wired
from tests.parts import SessionKafka
from tests.unit.notify.cases import an_incident

ROOT = Path(__file__).parents[3]
PARTITIONS = 2


@dataclass
class Stage:
    """What a test needs: gateways, `say` events, run notify here or as a process, look at rows."""

    task: Task
    sms: Gateway
    webhook: Gateway
    database: Database
    topics: tuple[str, str]
    versions: dict[UUID, int] = field(default_factory=dict)

    @property
    def incidents_topic(self) -> str:
        return self.topics[0]

    @property
    def clocks_topic(self) -> str:
        return self.topics[1]

    async def say(
        self,
        *events: IncidentEvent | SlaEvent,
        lane: Lane = Lane.URGENT,
        age: timedelta = timedelta(),
    ) -> list[UUID]:
        """Write *events*, said *age* ago, to the broker, each one version on; return their ids (the causes)."""
        messages = [self._message(event, lane, datetime.now(UTC) - age) for event in events]
        await self.publish(*messages)
        return [message.event_id for message in messages]

    async def publish(self, *messages: Message) -> None:
        """Write *messages* and wait until the broker has them."""
        await self.write(*map(outgoing, messages))

    async def write(self, *records: Outgoing) -> None:
        """Write *records*, whatever they hold, and wait until the broker has them."""
        sink = KafkaSink(self.task.kafka, name="test")
        await sink.start()
        try:
            assert [None] * len(records) == await sink.publish(records)
        finally:
            await sink.stop()

    def _message(self, event: IncidentEvent | SlaEvent, lane: Lane, said_at: datetime) -> Message:
        of_incident = isinstance(event, IncidentEvent)
        key = event.incident.incident_id if isinstance(event, IncidentEvent) else event.incident_id
        number = uuid_pair(key, of_incident=of_incident)
        version = self.versions[number] = self.versions.get(number, 0) + 1
        data = (
            replace(event, incident=replace(event.incident, version=version))
            if isinstance(event, IncidentEvent)
            else replace(event, version=version)
        )
        return Message(
            topic=self.incidents_topic if of_incident else self.clocks_topic,
            key=str(key),
            producer="router" if of_incident else "sla",
            family="incident" if of_incident else "sla",
            change=event.changes[0].kind.value,
            aggregate=key,
            version=version,
            time=said_at,
            lane=lane,
            data=data,
        )

    @asynccontextmanager
    async def here(self, **changed: Any) -> AsyncIterator[Wired]:
        """Run notify in this process until the block ends."""
        service = await wired(replace(self.task, **changed))
        try:
            async with running(*service.parts):
                yield service
        finally:
            await service.close()

    def process(self, instance: str = "1", **changed: Any) -> subprocess.Popen[bytes]:
        """Start notify as a process of its own."""
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.notify.worker"],
            stdin=subprocess.PIPE,
            cwd=ROOT,
        )
        task = replace(self.task, instance=instance, **changed)
        if child.stdin is None:
            raise AssertionError("stdin was asked for")
        child.stdin.write(msgspec.json.encode(task))
        child.stdin.close()
        return child

    async def also_hearing(self, stem: str, *topics: str) -> tuple[str, dict[str, tuple[str, ...]]]:
        """Seed one more consumer over *topics*; return its name and all consumers."""
        name = SessionKafka.unique(stem)
        for topic in topics:
            await seeded(self.database, name, topic, 1)
        return name, {**self.task.consumers, name: topics}

    async def rows(self, incident: UUID) -> list[Any]:
        """Return the ledger of *incident*, in the order it was queued."""
        return await self.database.fetch(
            "select * from notice where incident_id = $1 order by seq", incident
        )

    async def settled(self, incident: UUID, count: int) -> list[Any]:
        """Wait until *count* notices of *incident* are settled; return all its rows."""

        async def enough() -> bool:
            found = await self.rows(incident)
            return len([r for r in found if r["state"] != "queued"]) >= count

        await until(enough)
        return await self.rows(incident)

    async def queued(self, incident: UUID, count: int) -> None:
        """Wait until *count* rows of *incident* stand in the ledger."""

        async def enough() -> bool:
            return len(await self.rows(incident)) >= count

        await until(enough)

    async def reached(self, gateway: Gateway, incident: UUID, count: int) -> None:
        """Wait until *gateway* has seen *count* orders of *incident*."""

        async def enough() -> bool:
            return len(gateway.of(incident)) >= count

        await until(enough)

    async def said(self, topic: str, key: UUID, count: int) -> list[Envelope | None]:
        """Wait for *count* records of *key* on *topic* and return them; None is a tombstone."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.task.kafka, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            found: list[Envelope | None] = []
            async with asyncio.timeout(20):
                while len(found) < count:
                    batch = await consumer.getmany(timeout_ms=200)
                    found += [
                        envelope.decode(r.headers, r.value) if r.value is not None else None
                        for records in batch.values()
                        for r in records
                        if r.key == str(key).encode()
                    ]
            return found
        finally:
            await consumer.stop()


def uuid_pair(key: UUID, *, of_incident: bool) -> UUID:
    """Tell the incident's own versions from those of its clocks."""
    return key if of_incident else UUID(int=key.int ^ 1)


def fresh(incident: Incident | None = None) -> Incident:
    """Return an incident nobody else uses."""
    return replace(incident or an_incident(), incident_id=uuid4())
