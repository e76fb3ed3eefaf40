"""A process to be killed and stopped: consumes one topic, tallies, says each event on another.

`python -m tests.faults.worker` with its task as JSON on standard input. It writes one word per line
to standard output: `holding <where>` when it stands at the place the task names, and goes on when
the file named in the task exists.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from shared.contracts.values import Lane
from shared.runtime import service
from shared.runtime.bus import Outgoing
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.events import Event
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.relay import Relay
from shared.runtime.store import Store
from tests.engine import SCHEMA, Tally


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Where to work and where to hold: `store`, `publish`, `delete`, `exit` or nowhere."""

    kafka: str
    dsn: str
    source: str
    target: str
    group: str
    consumer: str
    instance: str
    hold: str = ""
    release: str = ""
    poison: str = ""


def say(words: str) -> None:
    """Tell the test where we are."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


async def hold(task: Task, where: str) -> None:
    """Stand here until the test says go on, when this is the place."""
    if task.hold != where or Path(task.release).exists():
        return
    say(f"holding {where}")
    while not Path(task.release).exists():
        await asyncio.sleep(0.01)


class HoldingSink(KafkaSink):
    """Holds before or after it publishes, and says who publishes."""

    task: Task

    async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
        """Publish with the two places to hold."""
        say(f"publishing {len(records)}")
        await hold(self.task, "publish")
        # shielded: the worst zombie is one whose records leave although it was told to stop
        outcomes = await asyncio.shield(super().publish(records))
        await hold(self.task, "delete")
        return outcomes


async def run(task: Task) -> None:
    """Work until stopped."""
    database = Database(task.dsn, schema=SCHEMA, instance=task.instance)
    sink = HoldingSink(task.kafka, name=task.instance)
    sink.task = task
    relay = Relay(database, sink)
    tally = Tally(database, task.target)

    async def before_store(events: Sequence[Event]) -> None:
        say(f"handling {len(events)}")
        if any(str(e.aggregate) == task.poison for e in events):
            os._exit(9)  # dies as by a segmentation fault: nothing of ours runs any more
        await hold(task, "store")

    tally.before_store = before_store
    source = KafkaSource(task.kafka, group=task.group, topics=[task.source], instance=task.instance)
    consumer = Consumer(
        task.consumer, source, Store(database, relay.written), tally, lane=Lane.URGENT, batch=50
    )
    await service.run([relay, consumer])


if __name__ == "__main__":
    service.main(lambda: run(msgspec.json.decode(sys.stdin.buffer.read(), type=Task)))
