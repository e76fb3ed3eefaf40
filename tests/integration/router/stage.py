"""Router as it runs, on topics and in a database of the test's own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
from starlette.applications import Starlette

from deploy.topics import Topic
from services.router.adapters.answers import StoredAnswers
from services.router.adapters.doors import CommandDoors
from services.router.adapters.incidents import StoredIncidents
from services.router.adapters.numbers import BlockNumbers
from services.router.adapters.reads import ReadDoors
from services.router.adapters.region import PacedRegion
from services.router.domain.casebook import Casebook
from services.router.domain.commands import Command
from services.router.domain.requests import Answer, Done, NotDone, Request
from services.router.handlers import Commands, Desk, Handlers
from shared.contracts.call import Call, CallChange, CallEvent, UnitFeedback
from shared.contracts.envelope import Message, encode
from shared.contracts.incident import Incident, IncidentEvent
from shared.contracts.pack import Pack
from shared.contracts.topics import lane_topic
from shared.contracts.values import Lane
from shared.runtime.bus import Outgoing, Partition, Record
from shared.runtime.clock import DatabaseClock
from shared.runtime.consumer import Consumer, Handler
from shared.runtime.database import Database
from shared.runtime.events import Event, decode
from shared.runtime.group import GroupCommit
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.keys import Keyring, Principal
from shared.runtime.store import Store, Work
from tests.builders import T0, minutes
from tests.engine import rows, running, seeded, until
from tests.parts import FreshDatabase, SessionKafka

PARTITIONS = 12
_EVENT = msgspec.json.Decoder(IncidentEvent)
_INCIDENT = msgspec.json.Decoder(Incident)
_DONE = msgspec.json.Decoder(Done)


class GatedIncidents(StoredIncidents):
    """Stops after a load until the gate opens, so that a test can let another writer go first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.gate = asyncio.Event()
        self.gate.set()
        self.loaded = asyncio.Event()

    async def load(self, book: Casebook, **wanted: Iterable[UUID]) -> Casebook:
        """Load, say so, wait for the gate."""
        await super().load(book, **wanted)
        self.loaded.set()
        await self.gate.wait()
        return book


@dataclass
class Instance:
    """One process of router: its own connections and consumers."""

    database: Database
    store: Store
    incidents: GatedIncidents
    handlers: Handlers
    group: GroupCommit[Request, Answer]
    clock: DatabaseClock

    def doors(self, *principals: Principal) -> httpx.AsyncClient:
        """Return a client of this process's doors; the principals' keys are their names."""
        keyring = Keyring(principals)
        routes = [
            *CommandDoors(self.group, keyring).routes(),
            *ReadDoors(self.database, keyring, self.clock, minutes(10)).routes(),
        ]
        transport = httpx.ASGITransport(Starlette(routes=routes))
        return httpx.AsyncClient(transport=transport, base_url="http://router")

    async def hears(self, *calls: Call, change: CallChange = CallChange.RECEIVED) -> None:
        """Decide on *calls* and store, as the consumer does, without going through Kafka."""
        events = [_event(_of_call(call, change, "direct")) for call in calls]
        await self._stored(self.handlers.on_calls, events)

    async def is_told(self, feedback: UnitFeedback) -> None:
        """Decide on a unit's record and store."""
        await self._stored(self.handlers.on_feedback, [_event(_of_feedback(feedback, "direct"))])

    async def _stored(self, handler: Handler, events: list[Event]) -> None:
        work = Work()
        await handler(events, work)
        await self.store.commit(work)

    async def ask(
        self, command: Command, *, of: Incident, key: str | None = None, caller: str = "desk"
    ) -> Done | NotDone:
        """Submit *command* as the desk and return its durable answer."""
        answer = await self.group.submit(
            Request(
                caller=caller,
                command_id=key or str(uuid4()),
                digest=hashlib.sha256(repr(command).encode()).digest(),
                command=command,
                incident_id=of.incident_id,
            )
        )
        return _DONE.decode(answer) if isinstance(answer, bytes) else answer


@dataclass
class Stage:
    """What a test needs: say things, run instances, look at what was stored and said."""

    kafka: SessionKafka
    database: FreshDatabase
    pack: Pack
    topics: dict[str, str]

    @asynccontextmanager
    async def instance(self, name: str = "1", *, consuming: bool = True) -> AsyncIterator[Instance]:
        """Run one router process until the block ends; one that does not consume stays out of the group."""
        database = Database(self.database.dsn(), schema="router", instance=name)
        store, clock = Store(database), DatabaseClock(database)
        await clock.sync()
        incidents = GatedIncidents(database)
        desk = Desk(clock, PacedRegion(self.pack, clock), BlockNumbers(database), incidents)
        handlers = Handlers(desk)
        hears = {
            "router.urgent": handlers.on_calls,
            "router.ordinary": handlers.on_calls,
            "router.feedback": handlers.on_feedback,
        }
        consumers = [
            Consumer(
                consumer,
                KafkaSource(
                    self.kafka.address,
                    group=f"{consumer}.{self.database.name}",
                    topics=[self.topics[consumer]],
                    instance=name,
                ),
                store,
                handler,
                lane=Lane.URGENT,
            )
            for consumer, handler in (hears.items() if consuming else ())
        ]
        group = GroupCommit("commands", Commands(desk, StoredAnswers(store)).decide, store)
        try:
            async with running(*consumers, group):
                yield Instance(database, store, incidents, handlers, group, clock)
        finally:
            await database.close()

    async def seed(self) -> None:
        """Write down where each consumer starts."""
        database = Database(self.database.dsn(), schema="router", instance="seed")
        for consumer, topic in self.topics.items():
            await seeded(database, consumer, topic, PARTITIONS)
        await database.close()

    async def call(self, call: Call, change: CallChange = CallChange.RECEIVED) -> None:
        """Say *call* as intake does, on its lane's topic."""
        message = _of_call(call, change, self.topics[f"router.{call.lane}"])
        await self._say(message)

    async def feedback(self, feedback: UnitFeedback) -> None:
        """Say a unit's record as intake does."""
        await self._say(_of_feedback(feedback, self.topics["router.feedback"]))

    @staticmethod
    def out_topics() -> list[Topic]:
        """Return the topics router says incidents on."""
        return [Topic(lane_topic("incident", lane), PARTITIONS, {}, dead=False) for lane in Lane]

    async def _say(self, message: Message) -> None:
        key, headers, value = encode(message)
        sink = KafkaSink(self.kafka.address, name="test")
        await sink.start()
        try:
            outcome = await sink.publish([Outgoing(message.topic, key, value, headers)])
            assert [None] == outcome
        finally:
            await sink.stop()

    async def events(self) -> list[IncidentEvent]:
        """Return everything said, in order."""
        found = await rows(self.database.admin, "select value from router.outbox order by seq")
        return [_EVENT.decode(row["value"]) for row in found]

    async def said(self) -> list[list[str]]:
        """Return the kinds of changes of every event."""
        return [[str(c.kind) for c in event.changes] for event in await self.events()]

    async def incident(self, call: Call) -> Incident | None:
        """Return the stored incident of *call*."""
        found = await rows(
            self.database.admin,
            "select i.doc from router.call_link l join router.incident i using (incident_id)"
            " where l.call_id = $1",
            call.call_id,
        )
        return _INCIDENT.decode(found[0]["doc"]) if found else None

    async def opened(self, call: Call) -> Incident:
        """Wait until *call* has its incident."""
        await until(lambda: self._there(call))
        found = await self.incident(call)
        assert found is not None
        return found

    async def _there(self, call: Call) -> bool:
        return await self.incident(call) is not None

    async def count(self, sql: str, *args: Any) -> int:
        """Return one number."""
        return int((await rows(self.database.admin, sql, *args))[0][0])


def _of_call(call: Call, change: CallChange, topic: str) -> Message:
    return Message(
        topic=topic,
        key=f"{call.source}/{call.root}",
        producer="intake",
        family="call",
        change=str(change),
        aggregate=call.call_id,
        version=call.revision,
        time=call.recorded_at,
        lane=call.lane,
        data=CallEvent(call=call, change=change),
    )


def _of_feedback(feedback: UnitFeedback, topic: str) -> Message:
    return Message(
        topic=topic,
        key=f"{feedback.source}/{feedback.root}",
        producer="intake",
        family="feedback",
        change="received",
        aggregate=feedback.feedback_id,
        version=1,
        time=T0,
        lane=Lane.URGENT,
        data=feedback,
    )


def _event(message: Message) -> Event:
    key, headers, value = encode(message)
    return decode(Record(Partition(message.topic, 0), 0, key, value, tuple(headers)))
