"""Catching up: a million events wait on the topics, reports starts and turns them into facts."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid5

import asyncpg
import psutil
import typer
from msgspec.structs import replace

from benchmarks.report import write
from benchmarks.timers import RULES, an_incident
from deploy.local.infrastructure import choose
from deploy.local.kafka import Heap
from deploy.local.stack import Stack
from services.sla.domain.deriving import derive
from shared.contracts.call import Call, CallChange, CallEvent, Kind, Place
from shared.contracts.envelope import Message, encode
from shared.contracts.incident import (
    AssignmentState,
    Change,
    ChangeKind,
    Incident,
    IncidentEvent,
    IncidentState,
    Stamp,
    StampKind,
)
from shared.contracts.notice import NoticeEvent, NoticeState, Purpose
from shared.contracts.sla import ClockState, SlaEvent
from shared.contracts.values import Lane, Line
from shared.runtime.bus import Outgoing
from shared.runtime.kafka import KafkaSink

T0 = datetime(2026, 11, 5, 8, tzinfo=UTC)
LANE = Lane.URGENT
NAMES = UUID(int=20261122)
STEPS = ("opened", "arrived", "closed")
BEHIND = {"opened": 0, "arrived": 200, "closed": 600}
"""How many younger incidents were opened before an incident took its next step."""
AT_ONCE = 4000
LOOK_S = 0.2
Said = tuple[str, bytes, bytes, list[tuple[str, bytes]]]


def told(step: str) -> list[tuple[str, Outgoing]]:
    """Return what is said of one incident at one step: by intake, router, sla and notify."""
    number = STEPS.index(step)
    opened = replace(an_incident(T0), incident_id=_id("incident"))
    duty = opened.assignments[0]
    duty = replace(duty, assignment_id=_id("duty"), stamps=_stamps(number))
    state = (IncidentState.DISPATCHED, IncidentState.ON_SCENE, IncidentState.CLOSED)[number]
    arrived = (AssignmentState.SENT, AssignmentState.ARRIVED, AssignmentState.FED_BACK)[number]
    incident = replace(
        opened,
        version=number + 1,
        state=state,
        assignments=(replace(duty, state=arrived),),
    )
    at = T0 + number * timedelta(minutes=20)
    kind = (ChangeKind.DISPATCHED, ChangeKind.ARRIVED, ChangeKind.CLOSED)[number]
    said: list[tuple[str, str, Any]] = [
        (
            "incident.urgent.v1",
            "router",
            IncidentEvent(incident=incident, changes=(Change(kind=kind, at=at),)),
        ),
        ("sla.urgent.v1", "sla", _clocks(incident, number)),
    ]
    if number == 0:
        said.append(("call.urgent.v1", "intake", _call()))
    if number < 2:
        said.append(("notice.events.v1", "notify", _notice(number + 1, at)))
    return [
        (topic, _outgoing(topic, producer, data, number + 1, at)) for topic, producer, data in said
    ]


def _id(name: str) -> UUID:
    return uuid5(NAMES, name)


def _stamps(number: int) -> tuple[Stamp, ...]:
    kinds = [StampKind.SENT, StampKind.ACKED, StampKind.TURNED_OUT, StampKind.ARRIVED]
    kinds += [StampKind.ENDED, StampKind.FED_BACK]
    return tuple(
        Stamp(kind=kind, occurred_at=T0 + n * timedelta(minutes=3), recorded_at=T0)
        for n, kind in enumerate(kinds[: (1, 4, 6)[number]])
    )


def _clocks(incident: Incident, number: int) -> SlaEvent:
    found = derive(None, an_incident(T0), RULES, T0).clocks.clocks
    clocks = tuple(
        replace(
            clock,
            clock_id=_id(f"clock {n}"),
            assignment_id=_id("duty"),
            **({"state": ClockState.MET, "stopped": clock.started} if n < number * 2 else {}),
        )
        for n, clock in enumerate(found)
    )
    return SlaEvent(
        incident_id=incident.incident_id,
        number=incident.number,
        version=number + 1,
        incident_version=number + 1,
        region="xianju",
        lane=LANE,
        clocks=clocks,
        changes=(),
    )


def _call() -> CallEvent:
    call = Call(
        call_id=_id("call"),
        source="119",
        source_id="1",
        root="1",
        revision=1,
        line=Line.FIRE,
        lane=LANE,
        region="xianju",
        received_at=T0,
        recorded_at=T0,
        kind=Kind(category="fire"),
        severity=3,
        place=Place(area="331024001", text="scrubbed"),
    )
    return CallEvent(call=call, change=CallChange.RECEIVED)


def _notice(version: int, at: datetime) -> NoticeEvent:
    return NoticeEvent(
        notice_id=_id("notice"),
        version=version,
        incident_id=_id("incident"),
        cause=_id("incident"),
        assignment_id=_id("duty"),
        recipient="xj-rescue",
        channel="sms",
        purpose=Purpose.DISPATCH,
        state=NoticeState.DELIVERED,
        attempts=version,
        queued_at=T0,
        at=at,
        region="xianju",
        lane=LANE,
    )


_FAMILIES = {"incident": "incident", "sla": "incident", "call": "call", "notice": "notice"}


def _outgoing(topic: str, producer: str, data: Any, version: int, at: datetime) -> Outgoing:
    family = topic.split(".", 1)[0]
    message = Message(
        topic=topic,
        key=str(_id("incident")),
        producer=producer,
        family=family,
        change="said",
        aggregate=_id(_FAMILIES[family]),
        version=version,
        time=at,
        lane=LANE,
        data=data,
    )
    key, headers, value = encode(message)
    return Outgoing(topic, key, value, headers)


_PLACEHOLDERS = [
    str(_id(name)).encode()
    for name in ("incident", "duty", "call", "notice", *(f"clock {n}" for n in range(8)))
]


def numbered(template: Outgoing, number: int) -> Outgoing:
    """Return *template* said of incident *number*: other ids, another day."""
    key, value = template.key, template.value or b""
    subject = dict(template.headers)["ce_subject"]
    for n, known in enumerate(_PLACEHOLDERS):
        own = b"%08x-%04x-5000-8000-%012x" % (number * 2654435761 % 2**32, n, number)
        value, key, subject = (each.replace(known, own) for each in (value, key, subject))
    value = value.replace(b"2026-11-05", b"2026-11-%02d" % (1 + number % 28))
    headers = [(name, subject if name == "ce_subject" else text) for name, text in template.headers]
    return Outgoing(template.topic, key, value, headers)


def events(count: int) -> Iterator[Outgoing]:
    """Yield *count* events as they come in life: many incidents at once, each in order."""
    templates = {step: told(step) for step in STEPS}
    sent = number = 0
    while True:
        for step, behind in BEHIND.items():
            if number >= behind:
                for _, template in templates[step]:
                    yield numbered(template, number - behind)
                    sent += 1
                    if sent == count:
                        return
        number += 1


async def publish(kafka: str, count: int) -> float:
    """Write *count* events to their topics; return how long it took, seconds."""
    sink, began, batch = KafkaSink(kafka, name="bench-ingest"), time.perf_counter(), []
    done = 0
    for event in events(count):
        batch.append(event)
        if len(batch) == AT_ONCE or done + len(batch) == count:
            failed = [error for error in await sink.publish(batch) if error]
            assert not failed, failed[:1]
            done += len(batch)
            batch = []
            if done % (AT_ONCE * 25) == 0:
                print(f"{done:,} of {count:,} events said", flush=True)
    await sink.stop()
    return time.perf_counter() - began


_NEXT = "select coalesce(sum(next), 0)::bigint from reports.consumer_offset"
_KEPT = """
select (select count(*) from reports.call_fact) as calls,
  (select count(*) from reports.incident_fact) as incidents,
  (select count(*) from reports.assignment_fact) as assignments,
  (select count(*) from reports.clock_fact) as clocks,
  (select count(*) from reports.notice_fact) as notices,
  (select count(*) from reports.dead_letter) as dead"""


async def catch_up(stack: Stack, count: int) -> dict[str, Any]:
    """Start reports and wait until every event is a fact; the clock runs from its first commit."""
    connection = await asyncpg.connect(stack.admin)
    before = await connection.fetchval(_NEXT)
    starting = time.perf_counter()
    await stack.restart("reports-1")
    at, cpu = before, {}
    first = (starting, before)
    steps = []
    while at < before + count:
        await asyncio.sleep(LOOK_S)
        found = await connection.fetchval(_NEXT)
        now = time.perf_counter()
        if at == before and found > at:
            first, cpu = (now, found), _cpu(stack)
        if found // 100_000 > at // 100_000:
            print(f"{found - before:,} of {count:,} events are facts", flush=True)
        at = found
        steps.append((now, at))
    took = time.perf_counter() - first[0]
    kept = next(dict(row) for row in await connection.fetch(_KEPT))
    await connection.close()
    used = {name: round(100 * (_cpu(stack)[name] - cpu[name]) / took) for name in cpu}
    return {
        "events": count,
        "events_per_s": round((before + count - first[1]) / took),
        "seconds": round(took, 1),
        "seconds_with_start": round(time.perf_counter() - starting, 1),
        "cpu_percent": used,
        "facts": kept,
    }


def _cpu(stack: Stack) -> dict[str, float]:
    found = {}
    for name in stack.parts:
        process = psutil.Process(stack.pid(name))
        mine = [process, *process.children(recursive=True)]
        found[name] = sum(sum(each.cpu_times()[:2]) for each in mine)
    return found


async def bench(count: int, batch: int | None) -> dict[str, Any]:
    """Say the events while reports is down, then let it catch up."""
    folder = Path(tempfile.mkdtemp(prefix="liandong-ingest-"))
    infrastructure = choose(folder, heap=Heap.MEASURING)
    await infrastructure.start()
    environment = {"reports": {"BATCH": str(batch)}} if batch else {}
    try:
        async with Stack(
            services=["reports"],
            run_dir=folder / "run",
            infrastructure=infrastructure,
            environment=environment,
        ) as stack:
            stack.kill("reports-1", hold=True)
            published = await publish(stack.kafka, count)
            found = await catch_up(stack, count)
    finally:
        infrastructure.stop()
        infrastructure.remove()
    return found | {
        "published_per_s": round(count / published),
        "batch": batch or "default",
        "settings": "fsync, synchronous_commit and full_page_writes on; one reports process",
    }


def main(
    events: Annotated[int, typer.Option("--events", help="events to catch up with")] = 1_000_000,
    batch: Annotated[int | None, typer.Option(help="events a statement stores at most")] = None,
) -> None:
    """Measure how fast reports catches up and write build/bench/ingest.json."""
    write("ingest", asyncio.run(bench(events, batch)))


if __name__ == "__main__":
    typer.run(main)
