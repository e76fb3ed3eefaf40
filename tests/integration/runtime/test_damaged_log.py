"""A strange record and a damaged log on the real broker: one set aside, the other waits for a person."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBase, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from deploy.local.infrastructure import Infrastructure
from deploy.local.kafka import EmbeddedKafka
from shared.runtime import metrics, operations
from shared.runtime.bus import Outgoing, Partition
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.store import Store
from tests.engine import (
    Tally,
    beat,
    fresh,
    outgoing,
    prepare,
    router_database,
    rows,
    running,
    seeded,
    tallies,
    until,
)
from tests.parts import FreshDatabase, SessionKafka

pytestmark = pytest.mark.infrastructure
NAME = "router.test"


@dataclass
class Bench:
    """A consumer's surroundings: real broker, real database, one topic with one partition."""

    admin: str
    database: Database
    kafka: str
    topic: str
    sink: KafkaSink

    def consumer(self) -> Consumer:
        """Return the consumer as a process would make it at its start."""
        source = KafkaSource(self.kafka, group=self.topic, topics=[self.topic], instance="1")
        return Consumer(NAME, source, Store(self.database), Tally(self.database))

    async def handled(self, count: int) -> bool:
        """Say whether that many versions are tallied in all."""
        return sum(len(v) for v in (await tallies(self.admin)).values()) >= count


@pytest.fixture
async def bench(database: FreshDatabase, kafka: SessionKafka) -> AsyncIterator[Bench]:
    """A seeded consumer on an empty topic."""
    await prepare(database.admin)
    db = router_database(database.dsn())
    topic = await kafka.topic()
    await seeded(db, NAME, topic, 1)
    sink = KafkaSink(kafka.address, name="test")
    await sink.start()
    yield Bench(database.admin, db, kafka.address, topic, sink)
    await sink.stop()
    await db.close()


async def produce_raw(bench: Bench, *records: Outgoing) -> None:
    """Write *records* in one batch, the header named STRANGE made bytes that are no UTF-8."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, record in enumerate(records):
        builder.append(number, None, record.key, record.value, list(record.headers))
    packed = bytearray(bytes(builder.build()).replace(b"STRANGE", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9"))
    crc = calc_crc32c(packed[DefaultRecordBase.ATTRIBUTES_OFFSET :])
    struct.pack_into(">I", packed, DefaultRecordBase.CRC_OFFSET, crc)
    client = AIOKafkaClient(bootstrap_servers=bench.kafka)
    await client.bootstrap()
    try:
        await client.set_topics([bench.topic])
        leader = client.cluster.leader_for_partition(TopicPartition(bench.topic, 0))
        request = ProduceRequest(None, -1, 10_000, [(bench.topic, [(0, bytes(packed))])])
        answer = await client.send(leader, request)
        ((_, ((_, code, *_),)),) = answer.topics
        assert 0 == code, for_code(code)
    finally:
        await client.close()


async def _ready(consumer: Consumer) -> bool:
    return consumer.waiting is None


async def _says(consumer: Consumer, words: str) -> bool:
    return words in (consumer.waiting or "")


async def test_a_header_name_that_is_no_text_is_one_dead_letter(bench: Bench) -> None:
    """§4.6: reason, stage and origin; what stands around it in the same batch is handled."""
    one = fresh()
    good = [outgoing(beat(one, version, topic=bench.topic)) for version in (1, 2, 3)]
    strange = good[1]._replace(headers=[*good[1].headers, ("STRANGE", b"x")])
    await produce_raw(bench, good[0], strange, good[2])

    async with running(bench.consumer()):
        await until(lambda: bench.handled(2))

    assert {one: [1, 3]} == await tallies(bench.admin)
    (letter,) = await rows(bench.admin, "select * from router.dead_letter")
    assert ("unreadable_header", "decode", bench.topic, 0, 1, "open") == (
        letter["reason"], letter["stage"], letter["topic"], letter["partition"],
        letter["record"], letter["state"],
    )  # fmt: skip


async def test_a_consumer_starts_again_behind_a_strange_record(bench: Bench) -> None:
    """§4.2: the record before the stored offset is compared, whatever its headers are."""
    one = fresh()
    (first, last) = (outgoing(beat(one, version, topic=bench.topic)) for version in (1, 2))
    strange = first._replace(headers=[*first.headers, ("STRANGE", b"x")])
    await produce_raw(bench, strange)
    async with running(bench.consumer()):
        await until(lambda: _letters(bench, 1))

    await bench.sink.publish([last])
    async with running(bench.consumer()):
        await until(lambda: bench.handled(1))

    assert {one: [2]} == await tallies(bench.admin)


async def _letters(bench: Bench, count: int) -> bool:
    return len(await operations.dead_letters(bench.database)) == count


async def test_a_damaged_batch_halts_with_the_command_that_goes_past_it(
    bench: Bench, infrastructure: Infrastructure
) -> None:
    """§4.2: steadily not ready, naming topic, partition, offset and command; nothing is skipped."""
    if not isinstance(infrastructure.kafka, EmbeddedKafka):
        pytest.skip("a segment can only be damaged on the embedded broker: its files are ours")
    one = fresh()
    for version in (1, 2, 3):
        await bench.sink.publish([outgoing(beat(one, version, topic=bench.topic))])
    _damage(infrastructure.kafka.segment(bench.topic), b'"beat":2', b'"beat":7')
    consumer = bench.consumer()

    async with running(consumer):
        await until(lambda: _says(consumer, f"{bench.topic}/0@1: its checksum (CRC)"))
        assert {one: [1]} == await tallies(bench.admin)
        assert "--partition 0 --next 2`" in (consumer.waiting or "")
        assert 1 == metrics.HALTED.labels(NAME)._value.get()  # noqa: SLF001 - no public reader

        await operations.set_offset(bench.database, NAME, Partition(bench.topic, 0), 2)
        await until(lambda: bench.handled(2))
        await until(lambda: _ready(consumer))

    assert {one: [1, 3]} == await tallies(bench.admin)
    assert 0 == metrics.HALTED.labels(NAME)._value.get()  # noqa: SLF001 - no public reader


async def test_a_broker_that_cannot_read_its_own_log_is_noticed(
    bench: Bench, infrastructure: Infrastructure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§4.2: the client library keeps the broker's refusal to itself; silence with more to come is asked."""
    if not isinstance(infrastructure.kafka, EmbeddedKafka):
        pytest.skip("a segment can only be damaged on the embedded broker: its files are ours")
    monkeypatch.setattr("shared.runtime.kafka.STALLED_S", 0.2)
    one = fresh()
    for version in (1, 2):
        await bench.sink.publish([outgoing(beat(one, version, topic=bench.topic))])
    segment = infrastructure.kafka.segment(bench.topic)
    _, length = struct.unpack_from(">qi", segment.read_bytes())
    with segment.open("r+b") as file:
        file.seek(12 + length + 8)  # the length of the second batch
        file.write(struct.pack(">i", 3))
    consumer = bench.consumer()

    async with running(consumer):
        await until(lambda: _says(consumer, f"{bench.topic}/0@1: the broker itself cannot read it"))

        assert "--partition 0 --next N`" in (consumer.waiting or "")
    assert {one: [1]} == await tallies(bench.admin)


def _damage(segment: Path, old: bytes, new: bytes) -> None:
    """Change bytes of a stored record, as a bad disk does."""
    place = segment.read_bytes().index(old)
    with segment.open("r+b") as file:
        file.seek(place)
        file.write(new)
