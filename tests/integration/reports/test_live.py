"""The live picture on a real broker: events in, figures out; what happens to it happens to nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
from shared.contracts.stats import LiveFigure
from shared.contracts.values import Lane, Line
from shared.runtime.bus import Outgoing
from shared.runtime.kafka import KafkaSink
from tests.builders import a_call, an_incident
from tests.engine import rows
from tests.parts import MakeStack

pytestmark = pytest.mark.infrastructure
CALLS, INCIDENTS = "call.urgent.v1", "incident.urgent.v1"
BURIED = f"dead_letter where consumer = '{GROUP}'"
LONG_S = 90.0


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


@dataclass
class Desk:
    """Who looks at the picture from outside: at its topic, its door, its gauges; and at the facts."""

    stack: Stack
    sink: KafkaSink
    http: httpx.AsyncClient
    topic: AIOKafkaConsumer
    figures: list[LiveFigure] = field(default_factory=list)

    async def say(self, *events: Outgoing) -> None:
        """Write *events* and wait until the broker has them."""
        assert [None] * len(events) == await self.sink.publish(events)

    async def calls(self, line: Line, minute: datetime) -> int:
        """Return what was last said on the topic of *line* in *minute*."""
        for messages in (await self.topic.getmany(timeout_ms=50)).values():
            for message in messages:
                data = decode(message.headers, message.value).data
                assert isinstance(data, LiveFigure)
                self.figures.append(data)
        said = [f.value for f in self.figures if (f.of, f.start) == (line, minute)]
        return said[-1] if said else 0

    async def dispatched(self) -> int:
        """Return how many incidents the picture shows as dispatched; -1 while its door is shut."""
        try:
            answer = await self.http.get(f"{self.stack.http('live')}/v1/live")
        except httpx.HTTPError:
            return -1
        answer.raise_for_status()
        standing = answer.json()["standing"]
        return sum(f["value"] for f in standing if f.get("of") == "dispatched")

    async def heard(self, family: str) -> int:
        """Return how many snapshots of *family* the stream itself has taken, not the facts."""
        shown = (await self.http.get(f"{self.stack.http('live')}/metrics")).text
        pattern = rf'^liandong_live_snapshots_total{{family="{family}".*}} (.*)$'
        return int(sum(map(float, re.findall(pattern, shown, re.MULTILINE))))

    async def count(self, what: str) -> int:
        """Return the number of rows of *what* in reports' schema."""
        return int((await rows(self.stack.admin, f"select count(*) from reports.{what}"))[0][0])


@asynccontextmanager
async def at_the_desk(stack: Stack) -> AsyncIterator[Desk]:
    """Open what the desk looks through."""
    topic = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=stack.kafka,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await topic.start()
    key = {"Authorization": f"Bearer {stack.secrets.keys['desk']}"}
    sink = KafkaSink(stack.kafka, name="test")
    try:
        async with httpx.AsyncClient(timeout=20, headers=key, trust_env=False) as http:
            yield Desk(stack, sink, http, topic)
    finally:
        await sink.stop()
        await topic.stop()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Look five times a second: both processes have to get on meanwhile."""
    async with asyncio.timeout(LONG_S):
        while not await condition():
            await asyncio.sleep(0.2)


async def test_events_become_figures_and_a_death_of_the_picture_harms_nothing(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """Events in, figures out; poison takes nothing with it; killed, the facts go on without it.

    One test, because both processes are started once for all of it (about a minute on a busy machine).
    """
    minute = (datetime.now(UTC) - timedelta(minutes=2)).replace(second=0, microsecond=0)
    async with (
        stacks(services=["reports", LIVE], infrastructure=infrastructure) as stack,
        at_the_desk(stack) as desk,
    ):

        async def listens() -> bool:  # the group begins at the end of the log
            await desk.say(an_incident_now())
            return await desk.heard("incident") > 0

        await until(listens)
        buried, first = await desk.count(BURIED), a_call_now(minute)
        await desk.say(POISON._replace(key=first.key), first, a_call_now(minute))

        async def went_on() -> bool:
            return await desk.heard("call") == 2 == await desk.calls(Line.FIRE, minute)

        async def as_the_facts() -> bool:
            return await desk.dispatched() == await desk.count("incident_fact")

        await until(went_on)
        await until(as_the_facts)
        assert buried + 1 == await desk.count(BURIED)

        stack.kill("live-1", hold=True)
        two = [an_incident_now(), an_incident_now()]
        await desk.say(*two)

        async def recorded() -> bool:
            known = ", ".join(f"'{each.key.decode()}'" for each in two)
            return await desk.count(f"incident_fact where incident_id in ({known})") == 2

        await until(recorded)
        await stack.restart("live-1")
        await until(as_the_facts)
        assert 0 == stack.restarts["reports-1"]
