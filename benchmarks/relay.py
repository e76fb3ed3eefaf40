"""Relay throughput: shared/runtime with all its promises beside bare loops and frameworks without them."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import typer

from benchmarks.relay_worker import Task
from benchmarks.report import write
from deploy.database import Passwords, copy_database, provision, with_database
from deploy.local.infrastructure import choose
from deploy.local.kafka import Heap
from deploy.topics import Topic, create_topics
from shared.contracts.call import Call, CallChange, CallEvent, Kind, Place
from shared.contracts.envelope import Message, encode
from shared.contracts.ids import call_id
from shared.contracts.values import Lane, Line
from shared.runtime.bus import Bounds, Outgoing, Partition
from shared.runtime.database import Database
from shared.runtime.kafka import KafkaSink
from shared.runtime.operations import seed

PARTITIONS = 12
KINDS = ("raw_aiokafka", "ours", "raw_aiokafka_batch", "faust", "faststream")
T0 = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
WORKER_LIMIT_S = 180


def call_event(source_id: str) -> CallEvent:
    """Return a call of ordinary size; ids never repeat in a run."""
    call = Call(
        call_id=call_id("119", source_id), source="119", source_id=source_id, root=source_id, revision=1,
        line=Line.FIRE, lane=Lane.URGENT, region="331024", received_at=T0, recorded_at=T0,
        kind=Kind(category="fire.building", raw=("0101",)), severity=2, text="居民楼冒烟,无人员被困",
        place=Place(area="331024003", at_seat=True, text="福应街道某路口东侧", longitude=120.73, latitude=28.85),
        contact=str(uuid4()), caller="0f" * 12, exercise=True,
    )  # fmt: skip
    return CallEvent(call=call, change=CallChange.RECEIVED)


async def load(sink: KafkaSink, topic: str, count: int) -> None:
    """Fill *topic* with *count* events never seen before."""
    run = uuid4().hex[:8]
    for start in range(0, count, 5000):
        records = []
        for n in range(start, min(start + 5000, count)):
            event = call_event(f"{run}-{n}")
            message = Message(
                topic=topic, key=f"119/{event.call.root}", producer="intake", family="call", change="received",
                aggregate=event.call.call_id, version=1, time=T0, lane=Lane.URGENT, data=event,
            )  # fmt: skip
            key, headers, value = encode(message)
            records.append(Outgoing(topic, key, value, headers))
        outcomes = await sink.publish(records)
        assert not any(outcomes), outcomes


async def block(
    kind: str, count: int, kafka: str, template: str, apps: Mapping[str, str], admin: str
) -> float:
    """Run one contender once on fresh topics and a fresh database; return events per second."""
    name = f"{kind.replace('_', '-')}-{uuid4().hex[:8]}"
    source, target = f"{name}.in", f"{name}.out"
    await create_topics(kafka, [Topic(t, PARTITIONS, {}, dead=False) for t in (source, target)])
    sink = KafkaSink(kafka, name="load")
    await load(sink, source, count)
    await sink.stop()
    database = f"bench_{uuid4().hex[:8]}"
    copy_database(admin, template, database)
    await _tables(with_database(admin, database), with_database(apps["router"], database), source)
    task = Task(
        kafka=kafka, dsn=with_database(apps["router"], database), source=source, target=target, count=count, group=name
    )  # fmt: skip
    seconds = await asyncio.to_thread(_worker, kind, task)
    return count / seconds


async def _tables(admin: str, app: str, source: str) -> None:
    connection = await asyncpg.connect(admin)
    await connection.execute(
        "create table router.tally (id uuid primary key, version bigint not null, doc bytea not null);"
        "grant select, insert, update, delete on router.tally to router_app"
    )
    await connection.close()
    database = Database(app, schema="router", instance="seed", size=1)
    bounds = {Partition(source, n): Bounds(0, 0) for n in range(PARTITIONS)}
    await seed(database, "router.bench", bounds, at="earliest")
    await database.close()


def _worker(kind: str, task: Task) -> float:
    # Faust's worker does not end by itself: it is stopped after its line
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.relay_worker", kind],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(msgspec.json.encode(task))
    child.stdin.close()
    limit = threading.Timer(WORKER_LIMIT_S, child.kill)
    limit.start()
    try:
        for line in child.stdout:
            if (
                at := line.find(b'{"seconds"')
            ) >= 0:  # Faust's spinner leaves its cursor code before it
                return float(json.loads(line[at:])["seconds"])
        assert child.stderr is not None
        raise RuntimeError(f"{kind}: {child.stderr.read()[-2000:].decode()}")
    finally:
        limit.cancel()
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()


async def measure(events: int, blocks: int) -> dict[str, object]:
    """Interleave the contenders *blocks* times and return medians, minima and maxima."""
    counts = dict.fromkeys(KINDS, events) | {"faust": events // 8, "faststream": events // 8}
    rates: dict[str, list[float]] = {k: [] for k in KINDS}
    with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
        parts = choose(Path(folder), heap=Heap.MEASURING)
        await parts.start()
        try:
            passwords = {"router": Passwords.random()}
            made = provision(parts.postgres.dsn, passwords, database="bench_template")
            for number in range(blocks):
                for kind in KINDS:
                    rate = await block(
                        kind,
                        counts[kind],
                        parts.kafka.address,
                        "bench_template",
                        made.apps,
                        parts.postgres.dsn,
                    )
                    rates[kind].append(rate)
                    print(
                        f"block {number + 1}/{blocks}  {kind:20} {rate:10,.0f} events/s", flush=True
                    )
        finally:
            parts.stop()
            parts.remove()
    middle = {k: statistics.median(v) for k, v in rates.items()}
    return {
        **{f"{k}_per_s": round(middle[k]) for k in KINDS},
        "ratio_raw": round(middle["ours"] / middle["raw_aiokafka"], 3),
        "ratio_raw_batch": round(middle["ours"] / middle["raw_aiokafka_batch"], 3),
        "ratio_faust": round(middle["ours"] / middle["faust"], 2),
        "spread": {k: {"min": round(min(v)), "max": round(max(v))} for k, v in rates.items()},
        "events": counts,
        "blocks": blocks,
    }


def main(events: int = 40_000, blocks: int = 5) -> None:
    """Print a table and write build/bench/relay.json."""
    write("relay", asyncio.run(measure(events, blocks)))


if __name__ == "__main__":
    typer.run(main)
