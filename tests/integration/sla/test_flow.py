"""From an incident's event to the clock's own, through real Kafka and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from msgspec.structs import replace

from deploy.database import set_clock
from deploy.local.seeds import seed_offsets
from deploy.topics import read_topics
from services.sla.adapters.clocks import PostgresClocks
from services.sla.adapters.heartbeat import Pulse
from services.sla.adapters.timer import Timer, tally
from services.sla.handlers import on_incidents
from shared.contracts.envelope import Message, encode
from shared.contracts.incident import Change, ChangeKind, Incident, IncidentEvent, StampKind
from shared.contracts.sla import ClockChangeKind, ClockKind, ClockState, Heartbeat, SlaEvent
from shared.contracts.values import Lane
from shared.runtime.bus import Outgoing, Partition, Record
from shared.runtime.consumer import Consumer
from shared.runtime.events import Event, decode
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.relay import Relay
from shared.runtime.store import Store
from tests.engine import rows, running, until
from tests.integration.sla.clockwork import (
    incident_sent,
    platform_now,
    sla_database,
    started_clock,
)
from tests.parts import FreshDatabase, SessionKafka
from tests.unit.sla.snapshots import RULES, a_stamp, minutes, stamped

pytestmark = pytest.mark.infrastructure
IN, OUT = "incident.urgent.v1", "sla.urgent.v1"


def incident_event(incident: Incident, kind: ChangeKind) -> Outgoing:
    """Return router's event of *incident*."""
    message = Message(
        topic=IN,
        key=str(incident.incident_id),
        producer="router",
        family="incident",
        change=kind,
        aggregate=incident.incident_id,
        version=incident.version,
        time=incident.received_at,
        lane=Lane.URGENT,
        data=IncidentEvent(
            incident=incident, changes=(Change(kind=kind, at=incident.received_at),)
        ),
    )
    key, headers, value = encode(message)
    return Outgoing(message.topic, key, value, headers)


class Heard:
    """Everything said on sla's urgent lane since the test began."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.events: list[Event] = []

    async def of(self, incident: UUID) -> list[SlaEvent]:
        """Return what was said of *incident* so far."""
        for records in (await self._consumer.getmany(timeout_ms=20)).values():
            for record in records:
                event = decode(_record(record))
                self.events.append(event)
        return [e.data for e in self.events if e.aggregate == incident]


def _record(record: Any) -> Record:
    place = Partition(record.topic, record.partition)
    return Record(place, record.offset, record.key, record.value, tuple(record.headers))


@pytest.fixture
async def heard(kafka: SessionKafka) -> AsyncIterator[Heard]:
    """Listen to sla's urgent lane from now on."""
    await kafka.topics(*read_topics())
    consumer = AIOKafkaConsumer(OUT, bootstrap_servers=kafka.address, auto_offset_reset="latest")
    await consumer.start()
    for partition in consumer.assignment():
        await consumer.position(partition)
    yield Heard(consumer)
    await consumer.stop()


async def test_an_incident_starts_clocks_that_breach_and_are_met(
    kafka: SessionKafka, database: FreshDatabase, heard: Heard
) -> None:
    """R01, rows 5, 6, 18: order out, no answer within three minutes, then the unit answers."""
    set_clock(database.admin, speed=600)
    await seed_offsets(kafka.address, {"sla": database.dsn("sla")})
    sink = KafkaSink(kafka.address, name="test-router")
    incident = incident_sent(await platform_now(database))

    async with sla_database(database) as db, running(*await _sla(kafka, db)):
        await sink.publish([incident_event(incident, ChangeKind.DISPATCHED)])
        await until(lambda: _said(heard, incident, ClockChangeKind.BREACHED))
        late = a_stamp(StampKind.ACKED, incident.received_at + minutes(9))
        duty = stamped(incident.assignments[0], late)
        acked = replace(incident, version=2, assignments=(duty,))
        await sink.publish([incident_event(acked, ChangeKind.ACKED)])
        await until(lambda: _said(heard, incident, ClockChangeKind.MET, ClockKind.ACK))
    await sink.stop()
    said = await heard.of(incident.incident_id)
    kinds = [(c.kind, c.share) for e in said for c in e.changes if c.clock is ClockKind.ACK]

    assert list(range(1, len(said) + 1)) == [e.version for e in said]
    assert kinds[0] == (ClockChangeKind.STARTED, None)
    assert [ClockChangeKind.BREACHED, ClockChangeKind.MET] == [k for k, _ in kinds[-2:]]
    ack = next(c for c in said[-1].clocks if c.kind is ClockKind.ACK)
    assert (ClockState.BREACHED, 360.0) == (ack.state, ack.overdue_s)


async def _sla(kafka: SessionKafka, db: Any) -> list[Any]:
    relay = Relay(db, KafkaSink(kafka.address, name="test-sla"))
    store, clock = Store(db, relay.written), await started_clock(db)
    clocks = PostgresClocks(db, relay.wake)
    timer = Timer(clocks, clock)
    handler = partial(on_incidents, sets=clocks, rules=RULES, clock=clock, alarm=timer, tally=tally)
    source = KafkaSource(
        kafka.address, group=kafka.unique("sla.urgent"), topics=[IN], instance="test"
    )
    return [relay, timer, Consumer("sla.urgent", source, store, handler, lane=Lane.URGENT)]


async def _said(
    heard: Heard, incident: Incident, kind: ClockChangeKind, clock: ClockKind = ClockKind.ACK
) -> bool:
    said = await heard.of(incident.incident_id)
    return any(c.kind is kind and c.clock is clock for e in said for c in e.changes)


async def test_heartbeats_are_numbered_on_over_restarts(database: FreshDatabase) -> None:
    """§4.12: the watchdog drops what is not above its mark, so a restart must not begin again."""
    for start in (1, 2):
        async with sla_database(database) as db:
            pulse = Pulse(Store(db), await started_clock(db), instance="1", every_s=60)
            async with running(pulse):
                await until(partial(_beats, database, 2 * start))
    found = await rows(database.admin, "select headers, value, lane from sla.outbox order by seq")

    assert 4 == len(found)
    assert [1, 1, 2, 2] == sorted(_beat(row).beat for row in found)


async def _beats(database: FreshDatabase, count: int) -> bool:
    return len(await rows(database.admin, "select 1 from sla.outbox")) >= count


def _beat(row: Any) -> Heartbeat:
    return msgspec.json.decode(row["value"], type=Heartbeat)
