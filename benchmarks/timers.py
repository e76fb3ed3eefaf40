"""Lateness of durable timers: from a clock's due instant to its committed and its published breach."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import psutil
import typer
from aiokafka import AIOKafkaConsumer
from msgspec.structs import replace

from benchmarks.report import write
from deploy.local.infrastructure import Infrastructure, choose
from deploy.local.kafka import Heap
from deploy.local.stack import Stack
from services.sla.adapters.kept import decoded, encoded
from services.sla.domain.clock_set import ClockSet
from services.sla.domain.deriving import derive
from services.sla.domain.firing import next_step, steps
from services.sla.domain.rules import Rules
from shared.contracts import ids
from shared.contracts.envelope import Message, encode
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Change,
    ChangeKind,
    Incident,
    IncidentEvent,
    IncidentState,
    Origin,
    Relation,
    Role,
    Stamp,
    StampKind,
)
from shared.contracts.sla import ClockKind, ClockState
from shared.contracts.values import Lane, Line
from shared.runtime.bus import Outgoing
from shared.runtime.kafka import KafkaSink
from shared.runtime.packs import load_pack

FIRES_PER_S = 1000
LEAD_IN_S = 5
"""Fired like the rest and not counted: caches and statement plans are cold."""
MARGIN_S = 5
"""At least this long between loading the clocks to fire and the first one's due time."""
NEW_INCIDENTS_PER_S = 250
"""Each starts four clocks, so that as many are started as fire and the open ones stay as many."""
DRAIN_S = 30
FAR = timedelta(days=2)
RULES = Rules(load_pack(Path(__file__).resolve().parents[1] / "deploy/regions/xianju"))


@dataclass
class Heard:
    """What came out of Kafka: by clock, the ids of the events that said its breach, and when first."""

    events: dict[UUID, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    at: dict[UUID, float] = field(default_factory=dict)


def an_incident(sent: datetime) -> Incident:
    """Return an incident nobody has seen, its one duty sent at *sent* (UTC)."""
    incident_id = uuid4()
    duty = Assignment(
        assignment_id=ids.assignment_id(incident_id, "xj-rescue", 1),
        unit="xj-rescue",
        department="fire",
        unit_kind="county",
        role=Role.LEAD,
        origin=Origin.DISPATCHED,
        state=AssignmentState.SENT,
        relation=Relation.COUNTY_TOWN,
        stamps=(Stamp(kind=StampKind.SENT, occurred_at=sent, recorded_at=sent),),
    )
    return Incident(
        incident_id=incident_id,
        number=f"XJ-{incident_id.hex[:12]}",
        version=1,
        region="xianju",
        lane=Lane.URGENT,
        line=Line.FIRE,
        state=IncidentState.DISPATCHED,
        affair="emergency",
        category="fire",
        severity=3,
        received_at=sent,
        accepted_at=sent,
        dispatched_at=sent,
        assignments=(duty,),
        pack_version="bench",
    )


def standing(now: datetime) -> ClockSet:
    """Return an incident's set whose four open clocks come due in the days to come."""
    return derive(None, an_incident(now + FAR), RULES, now).clocks


def to_fire(due: datetime) -> ClockSet:
    """Return a set of usual size with one thing left to say: its arrival is breached at *due*."""
    kept = derive(None, an_incident(due - timedelta(minutes=20)), RULES, due).clocks
    clocks = tuple(
        replace(c, warned=c.warn_at, due=due)
        if c.kind is ClockKind.ARRIVAL
        else replace(c, state=ClockState.MET, stopped=c.started)
        for c in kept.clocks
    )
    return replace(kept, clocks=clocks)


async def load(admin: str, sets: list[ClockSet]) -> None:
    """COPY *sets* into sla's schema."""
    connection = await asyncpg.connect(admin)
    try:
        await connection.copy_records_to_table(
            "clock_set",
            records=[_row_of(kept) for kept in sets],
            columns=["incident_id", "version", "next_at", "open_clocks", "doc"],
            schema_name="sla",
        )
    finally:
        await connection.close()


def _row_of(kept: ClockSet) -> tuple[Any, ...]:
    moments = [step for step, _ in steps(kept)]
    return kept.incident_id, kept.version, min(moments), len(moments), encoded(kept)


async def load_standing(admin: str, clocks: int) -> int:
    """Load at least *clocks* open clocks that will not fire during the run; return how many."""
    now, loaded = datetime.now(UTC), 0
    per_set = len(steps(standing(now)))
    while loaded < clocks:
        count = min(5000, -(-(clocks - loaded) // per_set))
        await load(admin, [standing(now) for _ in range(count)])
        loaded += count * per_set
    connection = await asyncpg.connect(admin, timeout=60)
    await connection.execute("vacuum (analyze) sla.clock_set")
    await connection.execute("checkpoint")
    await connection.close()
    return loaded


def moments(seconds: float) -> Iterator[float]:
    """Give due moments as they come in life, at random gaps, seconds from the first."""
    chance, at = random.Random(20261122), 0.0
    while at < seconds:
        yield at
        at += chance.expovariate(FIRES_PER_S)


async def listen(kafka: str, heard: Heard, listening: asyncio.Event) -> None:
    """Note every breach said on sla's urgent lane, with the wall time at which it was read."""
    consumer = AIOKafkaConsumer(
        "sla.urgent.v1",
        bootstrap_servers=kafka,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=5,
    )
    await consumer.start()
    listening.set()
    try:
        while True:
            for records in (await consumer.getmany(timeout_ms=50, max_records=5000)).values():
                at = time.time()
                for record in records:
                    headers = dict(record.headers)
                    if headers["ce_type"] == b"cn.liandong.sla.breached.v1":
                        _note(heard, headers["ce_id"], record.value or b"", at)
    finally:
        await consumer.stop()


class _Change(msgspec.Struct):
    kind: str
    clock_id: UUID


class _Said(msgspec.Struct):
    changes: list[_Change]


_SAID = msgspec.json.Decoder(_Said)


def _note(heard: Heard, event: bytes, value: bytes, at: float) -> None:
    for change in _SAID.decode(value).changes:
        if change.kind == "breached":
            heard.events[change.clock_id].add(event)
            heard.at.setdefault(change.clock_id, at)


async def keep_starting(kafka: str, until: float) -> int:
    """Say new incidents as router would, until the wall time *until*; return how many."""
    sink, count = KafkaSink(kafka, name="bench-router"), 0
    started = time.time()
    while (now := time.time()) < until:
        wanted = int((now - started) * NEW_INCIDENTS_PER_S)
        if wanted > count:
            await sink.publish([_opened() for _ in range(wanted - count)])
            count = wanted
        await asyncio.sleep(0.02)
    await sink.stop()
    return count


def _opened() -> Outgoing:
    incident = an_incident(datetime.now(UTC))
    message = Message(
        topic="incident.urgent.v1",
        key=str(incident.incident_id),
        producer="router",
        family="incident",
        change="dispatched",
        aggregate=incident.incident_id,
        version=1,
        time=incident.received_at,
        lane=Lane.URGENT,
        data=IncidentEvent(
            incident=incident,
            changes=(Change(kind=ChangeKind.DISPATCHED, at=incident.received_at),),
        ),
    )
    key, headers, value = encode(message)
    return Outgoing(message.topic, key, value, headers)


async def measure(stack: Stack, clocks: int, seconds: float) -> tuple[dict[str, Any], ...]:
    """Load, fire and count one run; return its row, and how late the events were published."""
    firing_s = seconds + LEAD_IN_S
    gaps = list(moments(firing_s))
    loading = time.time()
    loaded = await load_standing(stack.admin, clocks - len(gaps))
    sets_per_s = loaded / 4 / (time.time() - loading)
    heard, listening = Heard(), asyncio.Event()
    listener = asyncio.create_task(listen(stack.kafka, heard, listening))
    await listening.wait()
    loading = time.time()
    first = datetime.now(UTC) + timedelta(seconds=MARGIN_S + 3 * len(gaps) / sets_per_s)
    sets = [to_fire(first + timedelta(seconds=gap)) for gap in gaps]
    await load(stack.admin, sets)
    if time.time() > first.timestamp():
        raise RuntimeError(f"loading took {time.time() - loading:.0f} s: the run began late")
    open_at_start = await _open(stack.admin)
    await asyncio.sleep(first.timestamp() - time.time())
    sla, idle = psutil.Process(stack.pid("sla-1")), psutil.cpu_times()
    sla.cpu_percent()
    started = await keep_starting(stack.kafka, first.timestamp() + firing_s)
    cpu = sla.cpu_percent()
    due = {c.clock_id: c.due.timestamp() for s in sets for c in s.clocks if next_step(c)}
    await _drained(heard, due)
    listener.cancel()
    committed = await _committed(stack.admin, sets)
    from_s = first.timestamp() + LEAD_IN_S
    row = _row(open_at_start, firing_s, sets, due, committed, heard, from_s)
    beside = _beside(due, heard, from_s) | {
        "sla_cpu_percent": cpu,
        "machine_cpu_percent": _busy(idle),
        "clocks_started_per_s": round(4 * started / firing_s),
        "load_average": os.getloadavg()[0],
    }
    return row, {"open": row["open"]} | beside


async def _open(admin: str) -> int:
    connection = await asyncpg.connect(admin)
    count = await connection.fetchval("select sum(open_clocks) from sla.clock_set")
    await connection.close()
    return int(count)


async def _drained(heard: Heard, due: dict[UUID, float]) -> None:
    deadline = time.time() + DRAIN_S
    while time.time() < deadline and not due.keys() <= heard.events.keys():  # noqa: ASYNC110 - told by Kafka
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # a second saying would come about now


async def _committed(admin: str, sets: list[ClockSet]) -> dict[UUID, tuple[int, float, float]]:
    """Return version, commit time by the database's clock, and when the breach was found, by incident."""
    connection = await asyncpg.connect(admin, timeout=60)
    rows = await connection.fetch(
        "select incident_id, version, pg_xact_commit_timestamp(xmin) as at, doc from sla.clock_set"
        " where incident_id = any($1::uuid[])",
        [s.incident_id for s in sets],
    )
    await connection.close()
    result = {}
    for row in rows:
        kept = decoded(row["doc"])
        found = next((c.breached_at for c in kept.clocks if c.breached_at), None)
        moment = found.timestamp() if found else float("inf")
        result[row["incident_id"]] = row["version"], row["at"].timestamp(), moment
    return result


def _row(
    open_at_start: int,
    firing_s: float,
    sets: list[ClockSet],
    due: dict[UUID, float],
    committed: dict[UUID, tuple[int, float, float]],
    heard: Heard,
    from_s: float,
) -> dict[str, Any]:
    late, lost, doubled, early = [], 0, 0, 0
    for kept in sets:
        clock = next(c for c in kept.clocks if next_step(c))
        version, at, found = committed[kept.incident_id]
        moment, events = due[clock.clock_id], heard.events.get(clock.clock_id, set())
        lost += version == 1 or not events
        doubled += version > 2 or len(events) > 1
        early += version > 1 and min(at, found) < moment
        if version > 1 and moment >= from_s:
            late.append(1000 * (at - moment))
    late.sort()
    return {
        "open": open_at_start,
        "fires_per_s": round(len(sets) / firing_s),
        "seconds": round(firing_s - LEAD_IN_S),
        "p50_ms": _share(late, 0.5),
        "p99_ms": _share(late, 0.99),
        "p999_ms": _share(late, 0.999),
        "lost": lost,
        "doubled": doubled,
        "early": early,
    }


def _beside(due: dict[UUID, float], heard: Heard, from_s: float) -> dict[str, Any]:
    late = sorted(
        1000 * (heard.at[clock] - moment)
        for clock, moment in due.items()
        if moment >= from_s and clock in heard.at
    )
    return {
        "published_p50_ms": _share(late, 0.5),
        "published_p99_ms": _share(late, 0.99),
        "published_p999_ms": _share(late, 0.999),
    }


def _share(late: list[float], share: float) -> float:
    """Return the value below which *share* of the sorted values lie."""
    return round(late[min(len(late) - 1, int(share * len(late)))], 2) if late else float("nan")


def _busy(before: Any) -> float:
    after = psutil.cpu_times()
    total = sum(after) - sum(before)
    return float(round(100 * (1 - (after.idle - before.idle) / total), 1))


async def _tracking_commits(infrastructure: Infrastructure) -> None:
    """Let the server keep the time of every commit, so that lateness is measured by its own clock."""
    connection = await asyncpg.connect(infrastructure.postgres.dsn)
    await connection.execute("alter system set track_commit_timestamp = on")
    await connection.close()
    await infrastructure.postgres.restart()


async def bench(sizes: list[int], seconds: float) -> dict[str, Any]:
    """Return one run per size, each on a broker and a database of its own."""
    runs, beside = [], []
    for size in sizes:
        folder = Path(tempfile.mkdtemp(prefix="liandong-timers-"))
        infrastructure = choose(folder, heap=Heap.MEASURING)
        await infrastructure.start()
        try:
            await _tracking_commits(infrastructure)
            async with Stack(
                services=["sla"], run_dir=folder / "run", infrastructure=infrastructure
            ) as stack:
                row, more = await measure(stack, size, seconds)
                runs.append(row)
                beside.append(more)
        finally:
            infrastructure.stop()
            infrastructure.remove()
    return {
        "runs": runs,
        "beside": beside,
        "lateness": "due instant to commit, both by the database's clock (track_commit_timestamp)",
        "published": "due instant to read from Kafka by a consumer on the same machine",
        "settings": "fsync, synchronous_commit and full_page_writes on; one sla process",
    }


def main(
    seconds: Annotated[float, typer.Option(help="measured seconds of each run")] = 60,
    sizes: Annotated[str, typer.Option(help="open clocks, comma separated")] = "100000,1000000",
) -> None:
    """Measure how late clocks fire with many open ones."""
    result = asyncio.run(bench([int(size) for size in sizes.split(",")], seconds))
    write("timers", result)


if __name__ == "__main__":
    typer.run(main)
