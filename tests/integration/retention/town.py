"""Five services' handlers on one real database; what one says is carried to who hears it, by hand."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from deploy.database import set_clock
from services.intake.adapters.body import canonical, known_charset
from services.intake.adapters.retained import CaseTable, RetainedCalls
from services.intake.adapters.retention import RetentionSweep as IntakeSweep
from services.intake.adapters.tables import CallTable, FeedbackTable, RejectionTable
from services.intake.adapters.vault import ContactVault
from services.intake.domain.handling import HandlingReading, read_handling
from services.intake.domain.reading import Reading, hotlines
from services.intake.domain.records import read_record
from services.intake.domain.revisions import Outcome
from services.intake.domain.times import Horizon
from services.intake.handlers import Handed, HandedCall, HandedFeedback
from services.intake.handlers import Handlers as IntakeHandlers
from services.intake.retention_handlers import Retention as IntakeRetention
from services.intake.retention_handlers import on_incidents as on_cases
from services.notify.adapters.ledger import PostgresLedger
from services.notify.handlers import Listener
from services.reports.adapters.fact_tables import FactTables
from services.reports.handlers import on_events as on_facts
from services.router.adapters.answers import StoredAnswers
from services.router.adapters.incidents import StoredIncidents
from services.router.adapters.numbers import BlockNumbers
from services.router.adapters.region import PacedRegion
from services.router.adapters.retention import RetainedRows
from services.router.adapters.retention import RetentionSweep as RouterSweep
from services.router.domain.commands import Command
from services.router.domain.requests import Answer, Request
from services.router.handlers import Commands, Desk
from services.router.handlers import Handlers as RouterHandlers
from services.router.retention_handlers import Retention as RouterRetention
from services.sla.adapters.clocks import PostgresClocks
from services.sla.domain.rules import Rules
from services.sla.handlers import on_incidents as on_clocks
from shared.contracts import ids
from shared.contracts.incident import Incident
from shared.contracts.pack import Pack
from shared.runtime.bus import Partition, Record
from shared.runtime.clock import DatabaseClock
from shared.runtime.consumer import Handler
from shared.runtime.database import Database
from shared.runtime.errors import GuardLost
from shared.runtime.events import Event, decode, unpack_headers
from shared.runtime.store import Store, Work
from tests.builders import T0
from tests.parts import FreshDatabase

SERVICES = ("intake", "router", "sla", "notify", "reports")
_TAKEN = "with t as (delete from {}.outbox returning *) select * from t order by lane, seq"
_TABLES = """
select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname = any($1) order by 1
"""


class NobodySends:
    """The office of a process whose senders are full: notices stay in the ledger."""

    has_room = False

    def __contains__(self, notice_id: UUID) -> bool:
        return False

    def accept(self, notices: Sequence[Any]) -> None:
        """Take nothing."""

    def overtake(self, reasons: Any) -> None:
        """Hold nothing."""

    def expect(self, at: datetime) -> None:
        """Nor fire anything: it stands in for sla's timer too."""


@dataclass
class Town:
    """What a test does to the platform, and where it looks."""

    admin: str
    connection: Any
    pack: Pack
    databases: dict[str, Database]
    clocks: list[DatabaseClock]
    now: datetime = T0
    heard_all: bool = True

    def __post_init__(self) -> None:
        stores = {name: Store(database) for name, database in self.databases.items()}
        clock = dict(zip(SERVICES, self.clocks, strict=True))
        self.stores = stores
        self.hotlines = hotlines(self.pack, readable=known_charset)
        master = base64.urlsafe_b64encode(b"k" * 32).decode()
        self.vault = ContactVault(master, "salt")
        intake, router = self.databases["intake"], self.databases["router"]
        self.intake = IntakeHandlers(
            calls=CallTable(intake),
            feedback=FeedbackTable(intake),
            rejections=RejectionTable(intake),
            vault=self.vault,
            now=clock["intake"].now,
            region=self.pack.region.code,
        )
        self.desk = Desk(
            clock["router"],
            PacedRegion(self.pack, clock["router"]),
            BlockNumbers(router),
            StoredIncidents(router),
        )
        told = RouterHandlers(self.desk)
        nobody = NobodySends()
        sla = partial(
            on_clocks,
            sets=PostgresClocks(self.databases["sla"], lambda: None),
            rules=Rules(self.pack),
            clock=clock["sla"],
            alarm=nobody,
            tally=lambda _: None,
        )
        ledger = PostgresLedger(self.databases["notify"], "test/1")
        notify = Listener(self.pack, ledger, nobody, clock["notify"]).on_events
        facts = partial(on_facts, facts=FactTables())
        cases = partial(on_cases, cases=CaseTable(intake))
        self.hears: dict[str, list[tuple[str, Handler]]] = {
            "call": [("router", told.on_calls), ("reports", facts)],
            "rejection": [("reports", facts)],
            "feedback": [("router", told.on_feedback)],
            "incident": [
                ("intake", cases),
                ("sla", sla),
                ("notify", notify),
                ("reports", facts),
            ],
            "sla": [("notify", notify), ("reports", facts)],
            "notice": [("reports", facts)],
        }

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """Return the rows of one statement as the superuser."""
        found: list[Any] = await self.connection.fetch(sql, *args)
        return found

    async def posts(self, body: dict[str, Any], source: str = "110") -> Outcome:
        """Post a call record; return what became of it."""
        reading = read_record(body, self.hotlines[source], Horizon(self.now))
        assert isinstance(reading, Reading), reading
        call_id = ids.call_id(source, reading.source_id)
        handed = HandedCall(call_id, reading, self._handed(body, source))
        return await self._decided(self.intake.on_calls, handed)

    async def reports(self, body: dict[str, Any], source: str = "110") -> Outcome:
        """Post a unit's record; return what became of it."""
        reading = read_handling(body, self.hotlines[source], Horizon(self.now))
        assert isinstance(reading, HandlingReading), reading
        handed = self._handed(body, source)
        key = ids.feedback_id(source, reading.record_id, handed.digest.hex())
        return await self._decided(self.intake.on_feedback, HandedFeedback(key, reading, handed))

    def _handed(self, body: dict[str, Any], source: str) -> Handed:
        digest = self.vault.digest(canonical(body))
        return Handed(self.hotlines[source].source, digest, body, 1, False, "")

    async def _decided(self, decide: Callable[..., Awaitable[Any]], handed: Any) -> Outcome:
        work = Work()
        answers = await decide([handed], work)
        await self.stores["intake"].commit(work)
        found: Outcome = answers[0].outcome
        return found

    async def asks(self, command: Command, incident: Incident) -> Answer:
        """Have the desk decide."""
        store, work = self.stores["router"], Work()
        request = Request(
            caller="desk",
            command_id=str(uuid4()),
            digest=hashlib.sha256(repr(command).encode()).digest(),
            command=command,
            incident_id=incident.incident_id,
        )
        answers = await Commands(self.desk, StoredAnswers(store)).decide([request], work)
        await store.commit(work)
        return answers[0]

    async def carried(self) -> list[Event]:
        """Carry events until nobody says anything more; return them in order."""
        carried: list[Event] = []
        while said := [event for name in SERVICES for event in await self.taken(name)]:
            await self.heard(said)
            carried += said
        return carried

    async def taken(self, name: str) -> list[Event]:
        """Take what service *name* has said and nobody has heard yet; feeds are left out."""
        found = await self.rows(_TAKEN.format(name))
        return [
            decode(
                Record(
                    Partition(r["topic"], 0),
                    0,
                    r["key"],
                    r["value"],
                    tuple(unpack_headers(r["headers"])),
                )
            )
            for r in found
            if r["value"] is not None and not r["topic"].startswith("feed.")
        ]

    async def heard(self, events: Sequence[Event]) -> None:
        """Hand *events* one by one to everybody who hears them, as if no mark remembered them."""
        for event in events:
            for name, handler in self.hears[event.family]:
                try:
                    await self._handled(name, handler, event)
                except GuardLost:  # decided again, as the consumer does
                    await self._handled(name, handler, event)

    async def _handled(self, name: str, handler: Handler, event: Event) -> None:
        work = Work()
        await handler([event], work)
        await self.stores[name].commit(work)

    async def later(self, after: timedelta) -> None:
        """Let platform time be so much later."""
        self.now += after
        set_clock(self.admin, origin=self.now)
        for clock in self.clocks:
            await clock.sync()

    def router_sweep(self) -> RouterSweep:
        """Return router's sweep."""
        retained = RetainedRows(self.databases["router"])
        return RouterSweep(self.stores["router"], RouterRetention(self.desk, retained), retained)

    def intake_sweep(self) -> IntakeSweep:
        """Return intake's sweep."""
        retained = RetainedCalls(self.databases["intake"])
        period = timedelta(days=self.pack.region.retention_days)
        retention = IntakeRetention(retained, period, heard_all=lambda: self.heard_all)
        return IntakeSweep(self.stores["intake"], retention, retained, period)

    async def swept(self) -> list[Event]:
        """Run both sweeps and carry what they say."""
        await self.router_sweep().once()
        said = await self.carried()
        await self.intake_sweep().once()
        return said + await self.carried()

    async def incidents(self) -> list[Incident]:
        """Return router's incidents, the first opened first."""
        found = await self.rows("select doc from router.incident order by opened_at, number")
        return [msgspec.json.decode(r["doc"], type=Incident) for r in found]

    async def where(self, *words: str) -> dict[str, list[str]]:
        """Return by table which of *words* stand anywhere in it, every schema, every column."""
        found: dict[str, list[str]] = {}
        for table in await self.rows(_TABLES, list(SERVICES)):
            seen = b"\n".join(
                value if isinstance(value, bytes) else str(value).encode()
                for row in await self.rows(f"select * from {table['name']}")
                for value in row.values()
            )
            here = [word for word in words if word.encode() in seen]
            if here:
                found[table["name"]] = here
        return found


@asynccontextmanager
async def town(database: FreshDatabase, pack: Pack) -> AsyncIterator[Town]:
    """Open everything at T0, and close it."""
    set_clock(database.admin, origin=T0)
    connection = await asyncpg.connect(database.admin)
    opened = {n: Database(database.dsn(n), schema=n, instance="test", size=1) for n in SERVICES}
    clocks = [DatabaseClock(each) for each in opened.values()]
    for clock in clocks:
        await clock.sync()
    try:
        yield Town(database.admin, connection, pack, opened, clocks)
    finally:
        await connection.close()
        for each in opened.values():
            await each.close()
