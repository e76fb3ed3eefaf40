"""The live picture on a real broker: events in, figures out; what happens to it happens to nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.infrastructure import Infrastructure
from deploy.local.stack import Stack
from deploy.local.wiring import LIVE
from services.reports.adapters.live import GROUP
from services.reports.live_handlers import TOPIC
from shared.contracts import ids
from shared.contracts.call import CallChange, CallEvent
from shared.contracts.envelope import Message, decode, encode
from shared.contracts.incident import Change, ChangeKind, IncidentEvent
from shared.contracts.stats import Figure, LiveFigure
from shared.contracts.values import Lane, Line
from shared.runtime.bus import Outgoing
from shared.runtime.kafka import KafkaSink
from tests.builders import a_call, an_incident
from tests.engine import rows, until
from tests.parts import MakeStack

pytestmark = pytest.mark.infrastructure
CALLS, INCIDENTS = "call.urgent.v1", "incident.urgent.v1"


def said(topic: str, family: str, aggregate: Any, version: int, data: Any) -> Outgoing:
    """Return an event as its producer's relay hands it to the broker."""
    message = Message(
        topic=topic, key=str(aggregate), producer="test", family=family, change="said",
        aggregate=aggregate, version=version, time=datetime.now(UTC), lane=Lane.URGENT, data=data,
    )  # fmt: skip
    key, headers, value = encode(message)
    return Outgoing(topic, key, value, headers)


def a_call_now(at: datetime, line: Line = Line.FIRE) -> Outgoing:
    """Return a new call received at *at*."""
    call = a_call(uuid4().hex, received_at=at, line=line)
    return said(CALLS, "call", call.call_id, 1, CallEvent(call=call, change=CallChange.RECEIVED))


def an_incident_now() -> Outgoing:
    """Return a new dispatched incident."""
    incident = an_incident(incident_id=ids.incident_id(uuid4()))
    change = Change(kind=ChangeKind.DISPATCHED, at=incident.received_at)
    data = IncidentEvent(incident=incident, changes=(change,))
    return said(INCIDENTS, "incident", incident.incident_id, 1, data)


POISON = Outgoing(CALLS, b"poison", b"no event", [("ce_type", b"nonsense")])


@asynccontextmanager
async def speaking(kafka: str) -> AsyncIterator[KafkaSink]:
    """Give a sink that writes to the broker."""
    sink = KafkaSink(kafka, name="test")
    yield sink
    await sink.stop()


async def say(sink: KafkaSink, *events: Outgoing) -> None:
    """Write *events* and wait until the broker has them."""
    assert [None] * len(events) == await sink.publish(events)


async def view(stack: Stack) -> dict[str, Any]:
    """Return the live door's answer."""
    key = {"Authorization": f"Bearer {stack.secrets.keys['desk']}"}
    async with httpx.AsyncClient(timeout=5, headers=key, trust_env=False) as http:
        answer = await http.get(f"{stack.http('live')}/v1/live")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
    return found


async def dispatched(stack: Stack) -> int:
    """Return how many incidents the picture shows as dispatched."""
    standing = (await view(stack))["standing"]
    return sum(f["value"] for f in standing if f.get("of") == "dispatched")


async def facts(stack: Stack, table: str) -> int:
    """Return how many rows of facts there are."""
    return int((await rows(stack.admin, f"select count(*) from reports.{table}"))[0][0])


async def figures(kafka: str) -> list[LiveFigure]:
    """Return everything that was said on the topic."""
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[LiveFigure] = []
        while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            for messages in (await consumer.getmany(timeout_ms=500)).values():
                for m in messages:
                    data = decode(m.headers, m.value).data
                    assert isinstance(data, LiveFigure)
                    found.append(data)
        return found
    finally:
        await consumer.stop()


async def test_events_become_figures_and_a_death_of_the_picture_harms_nothing(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """Events in, figures out; poison takes nothing with it; killed, the facts go on without it.

    One test of ten seconds: both processes are started once for all of it.
    """
    async with (
        stacks(services=["reports", LIVE], infrastructure=infrastructure) as stack,
        speaking(stack.kafka) as sink,
    ):
        minute_ago = datetime.now(UTC) - timedelta(minutes=2)
        begun = minute_ago.replace(second=0, microsecond=0)
        # the group begins at the end of the log: the first event is said until it was heard
        await until_heard(stack, sink)
        before = await dispatched(stack)
        dead = await buried(stack)

        await say(sink, POISON, a_call_now(begun), a_call_now(begun), an_incident_now())

        async def shown() -> bool:
            found = await figures(stack.kafka)
            mine = [
                f.value for f in found if (f.figure, f.of, f.start) == (Figure.CALLS, "119", begun)
            ]
            return bool(mine) and mine[-1] == 2 and await dispatched(stack) == before + 1

        await until(shown)
        assert dead + 1 == await buried(stack)

        incidents = await facts(stack, "incident_fact")
        stack.kill("live-1", hold=True)
        await say(sink, an_incident_now(), an_incident_now())

        async def recorded() -> bool:
            return await facts(stack, "incident_fact") == incidents + 2

        await until(recorded)
        await stack.restart("live-1")

        async def known_again() -> bool:
            return await dispatched(stack) == incidents + 2

        await until(known_again)
        assert 0 == stack.restarts["reports-1"]


async def until_heard(stack: Stack, sink: KafkaSink) -> None:
    """Say further events until the stream has heard one of them by itself."""
    async with asyncio.timeout(20), httpx.AsyncClient(timeout=5, trust_env=False) as http:
        while True:
            await say(sink, an_incident_now())
            shown = (await http.get(f"{stack.http('live')}/metrics")).text
            if 'liandong_live_snapshots_total{taken="counted"} 0.0' not in shown:
                return
            await asyncio.sleep(0.2)


async def buried(stack: Stack) -> int:
    """Return how many dead letters the picture has written."""
    found = await rows(
        stack.admin, "select count(*) from reports.dead_letter where consumer = $1", GROUP
    )
    return int(found[0][0])
