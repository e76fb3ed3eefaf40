"""One contender of the relay benchmark in a process of its own: consumes, transforms, publishes.

`python -m benchmarks.relay_worker KIND` with its task as JSON on standard input; prints one JSON
line with the seconds from the first record fetched to the last one acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from shared.contracts.call import CallEvent
from shared.contracts.envelope import Message, decode, encode
from shared.contracts.values import Lane


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What to relay: *count* records of *source* to *target*."""

    kafka: str
    dsn: str
    source: str
    target: str
    count: int
    group: str


def transformed(event: CallEvent, aggregate: Any, version: int, time_: Any, target: str) -> Message:
    """Say the call again on *target*: the work every contender does."""
    return Message(
        topic=target, key=f"{event.call.source}/{event.call.root}", producer="router", family="call",
        change="revised", aggregate=aggregate, version=version + 1, time=time_, lane=Lane.URGENT, data=event,
    )  # fmt: skip


async def raw(task: Task, *, batches: bool) -> float:
    """Hand-written loop: getmany, decode, encode, `send` or `send_batch`, await, commit."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # noqa: PLC0415

    from shared.runtime.bus import partition_of  # noqa: PLC0415

    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.kafka, group_id=task.group, enable_auto_commit=False, auto_offset_reset="earliest"
    )  # fmt: skip
    producer = AIOKafkaProducer(
        bootstrap_servers=task.kafka, enable_idempotence=True, acks="all", linger_ms=0,
        max_batch_size=512 * 1024, max_request_size=1024 * 1024,
    )  # fmt: skip
    consumer.subscribe([task.source])
    await consumer.start()
    await producer.start()
    partitions = len(await producer.partitions_for(task.target))
    done, started = 0, 0.0
    while done < task.count:
        got = await consumer.getmany(timeout_ms=500, max_records=1000)
        if got and not started:
            started = time.perf_counter()
        pending = []
        grouped: dict[int, list[Any]] = {}
        for record in (r for records in got.values() for r in records):
            found = decode(record.headers, record.value)
            key, headers, value = encode(
                transformed(found.data, found.aggregate, found.version, found.time, task.target)  # type: ignore[arg-type]
            )
            done += 1
            if batches:
                grouped.setdefault(partition_of(key, partitions), []).append((key, headers, value))
            else:
                pending.append(await producer.send(task.target, value, key=key, headers=headers))
        for partition, group in grouped.items():
            batch = producer.create_batch()
            for key, headers, value in group:
                if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    pending.append(
                        await producer.send_batch(batch, task.target, partition=partition)
                    )
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=None, headers=headers)
            pending.append(await producer.send_batch(batch, task.target, partition=partition))
        await asyncio.gather(*pending)
        if got:
            await consumer.commit(
                {TopicPartition(tp.topic, tp.partition): m[-1].offset + 1 for tp, m in got.items()}
            )
    seconds = time.perf_counter() - started
    await consumer.stop()
    await producer.stop()
    return seconds


async def ours(task: Task) -> float:
    """Through shared/runtime: state, offset, high-water mark and outbox in PostgreSQL, then publish."""
    from shared.runtime.bus import Outgoing  # noqa: PLC0415
    from shared.runtime.consumer import Consumer  # noqa: PLC0415
    from shared.runtime.database import Database  # noqa: PLC0415
    from shared.runtime.events import Event  # noqa: PLC0415
    from shared.runtime.kafka import KafkaSink, KafkaSource  # noqa: PLC0415
    from shared.runtime.relay import Relay  # noqa: PLC0415
    from shared.runtime.store import Store, Work, guarded  # noqa: PLC0415

    state = guarded("tally", "id", {"doc": "bytea"})
    encoder = msgspec.json.Encoder()
    started, published, finished = 0.0, 0, asyncio.Event()

    class Counting(KafkaSink):
        async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
            nonlocal published
            outcomes = await super().publish(records)
            published += sum(o is None for o in outcomes)
            if published >= task.count:
                finished.set()
            return outcomes

    database = Database(task.dsn, schema="router", instance="bench")

    async def handler(events: Sequence[Event], work: Work) -> None:
        nonlocal started
        if not started:
            started = time.perf_counter()
        rows = await database.fetch(
            "select id, version, doc from tally where id = any($1::uuid[])",
            [e.aggregate for e in events],
        )
        base = {r["id"]: r["version"] for r in rows}
        for event in events:
            before = base.get(event.aggregate, 0)
            work.put(state, event.aggregate, before, event.version, encoder.encode(event.data))
            work.publish(
                transformed(event.data, event.aggregate, event.version, event.time, task.target)
            )

    relay = Relay(database, Counting(task.kafka, name="bench"))
    consumer = Consumer(
        "router.bench",
        KafkaSource(task.kafka, group=task.group, topics=[task.source], instance="1"),
        Store(database, relay.written),
        handler,
        batch=500,
    )
    parts = [asyncio.create_task(relay.run()), asyncio.create_task(consumer.run())]
    finishing = asyncio.create_task(finished.wait())
    done, _ = await asyncio.wait([*parts, finishing], return_when=asyncio.FIRST_COMPLETED)
    for part in done - {finishing}:
        part.result()
    while (await database.fetch("select count(*) as n from outbox"))[0]["n"]:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    seconds = time.perf_counter() - started
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
    await database.close()
    return seconds


def faust(task: Task) -> None:
    """Run Faust with a folder of its own: untold it leaves one for each group where it was started."""
    with tempfile.TemporaryDirectory(prefix="liandong-faust-") as folder:
        faust_worker(task, folder)


def faust_worker(task: Task, folder: str) -> None:
    """Faust's agent, stateless, concurrency 1; its worker is stopped after it printed its seconds."""
    import faust as library  # noqa: PLC0415

    app = library.App(
        task.group, broker=f"kafka://{task.kafka}", store="memory://", datadir=folder,
        topic_disable_leader=True,
        web_enabled=False, topic_replication_factor=1, consumer_auto_offset_reset="earliest",
        producer_linger=0, producer_acks=-1, stream_wait_empty=False,
    )  # fmt: skip
    source = app.topic(task.source, value_serializer="raw", key_serializer="raw")
    target = app.topic(task.target, value_serializer="raw", key_serializer="raw")
    started, done = 0.0, 0

    @app.agent(source, concurrency=1)
    async def relay(stream: Any) -> None:
        nonlocal started, done
        async for event in stream.events():
            started = started or time.perf_counter()
            message = event.message
            found = decode(message.headers, message.value)
            key, headers, value = encode(
                transformed(found.data, found.aggregate, found.version, found.time, task.target)  # type: ignore[arg-type]
            )
            await target.send(key=key, value=value, headers=dict(headers))
            done += 1
            if done >= task.count:
                took = time.perf_counter() - started
                print(json.dumps({"seconds": took}), flush=True)

    worker = library.Worker(app, loglevel="ERROR", quiet=True, redirect_stdouts=False)
    worker.execute_from_commandline()


def main() -> None:
    """Run the contender named on the command line."""
    kind = sys.argv[1]
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    if kind == "faust":
        faust(task)
        return
    import uvloop  # noqa: PLC0415

    from benchmarks.relay_faststream import faststream  # noqa: PLC0415

    runs = {
        "ours": lambda: ours(task),
        "raw_aiokafka": lambda: raw(task, batches=False),
        "raw_aiokafka_batch": lambda: raw(task, batches=True),
        "faststream": lambda: faststream(task),
    }
    print(json.dumps({"seconds": uvloop.run(runs[kind]())}), flush=True)


if __name__ == "__main__":
    main()
