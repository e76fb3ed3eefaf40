"""FastStream's contender, in a module of its own: it resolves annotations at run time."""

import time
from typing import Any

from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from benchmarks.relay_worker import Task, transformed
from shared.contracts.envelope import decode, encode


async def faststream(task: Task) -> float:
    """FastStream's subscriber and publisher, one record at a time, as its guide shows."""
    broker = KafkaBroker(task.kafka, enable_idempotence=True, acks="all", linger_ms=0, logger=None)
    publisher = broker.publisher(task.target)
    started, done = 0.0, 0
    app = FastStream(broker, logger=None)

    @broker.subscriber(task.source, group_id=task.group, auto_offset_reset="earliest")
    async def handle(_body: bytes, message: KafkaMessage) -> None:
        nonlocal started, done
        started = started or time.perf_counter()
        raw_message: Any = message.raw_message
        found = decode(raw_message.headers, raw_message.value)
        data: Any = found.data
        said = transformed(data, found.aggregate, found.version, found.time, task.target)
        key, headers, value = encode(said)
        await publisher.publish(value or b"", key=key, headers={k: v.decode() for k, v in headers})
        done += 1
        if done >= task.count:
            app.exit()

    await app.run()
    return time.perf_counter() - started
