"""Looks at a running stack: the counts people watch, and whether every queue is empty."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import httpx
import msgspec
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from psycopg.rows import dict_row

from deploy.local.demo_day import STANDSTILL
from deploy.local.records import Journal, LedgerRow, Records
from deploy.local.stack import Stack
from services.sla.adapters.kept import decoded
from shared.contracts.consumers import CONSUMERS
from shared.contracts.incident import Incident
from shared.contracts.sla import Clock

_SAYING = ("intake", "router", "sla", "notify", "reports")
_HEARING = ("intake", "router", "sla", "notify", "reports")
_ENDED = "('closed', 'invalid', 'duplicate', 'transferred', 'cancelled')"
_OUT = "('acked', 'turned_out', 'assembled', 'arrived')"

_COUNTS = f"""
select platform.now() as platform_time,
  (select count(*) from router.incident) as incidents,
  (select count(*) from router.incident where state not in {_ENDED}) as incidents_open,
  (select count(*) from router.parked_feedback) as parked,
  (select count(*) from reports.assignment_fact where state in {_OUT}) as units_out,
  (select coalesce(sum(open_clocks), 0) from sla.clock_set where next_at is not null) as clocks_running,
  (select count(*) from sla.clock_set where next_at <= (select platform.now())) as clocks_due,
  (select count(*) from reports.clock_fact where breached_at is not null) as breaches,
  (select count(*) from notify.notice where state in ('delivered', 'acknowledged')) as delivered,
  (select count(*) from notify.notice where state = 'queued') as queued,
  {", ".join(f"(select count(*) from {s}.outbox) as outbox_{s}" for s in _SAYING)},
  {" + ".join(f"(select count(*) from {s}.dead_letter)" for s in _HEARING)} as dead_letters
"""
_OFFSETS = " union all ".join(
    f"select consumer, topic, partition, next from {s}.consumer_offset" for s in _HEARING
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the stack; counts of rows, `lag` records by consumer, `drill` its own progress."""

    platform_time: datetime
    counts: dict[str, int]
    lag: dict[str, int]
    drill: dict[str, Any]

    @property
    def total_lag(self) -> int:
        return sum(self.lag.values())

    @property
    def played(self) -> bool:
        """Say whether the drill has nothing left to do."""
        return bool(self.drill["done"])

    def unfinished(self) -> dict[str, int]:
        """Return by name every queue that is not empty; running clocks are none."""
        queues = {f"outbox of {s}": self.counts[f"outbox_{s}"] for s in _SAYING}
        queues |= {f"lag of {consumer}": behind for consumer, behind in self.lag.items()}
        queues["notices queued"] = self.counts["queued"]
        queues["clocks due and not fired"] = self.counts["clocks_due"]
        queues["actions of the drill"] = 0 if self.played else max(1, self.drill["pending"])
        return {name: count for name, count in queues.items() if count}


@dataclass
class Observer:
    """Keeps one connection to each thing it looks at. Use it as `async with`."""

    stack: Stack
    _kafka: AIOKafkaConsumer | None = None
    _http: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(timeout=30, trust_env=False)
    )
    _database: psycopg.AsyncConnection[dict[str, Any]] | None = None

    async def __aenter__(self) -> Self:
        self._database = await psycopg.AsyncConnection.connect(
            self.stack.admin, autocommit=True, row_factory=dict_row
        )
        self._kafka = AIOKafkaConsumer(
            bootstrap_servers=self.stack.kafka, group_id=None, enable_auto_commit=False
        )
        await self._kafka.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._kafka is not None:
            await self._kafka.stop()
        if self._database is not None:
            await self._database.close()
        await self._http.aclose()

    async def look(self) -> Look:
        """Return how things stand now."""
        counts = dict((await self._rows(_COUNTS))[0])
        platform_time = counts.pop("platform_time")
        return Look(
            platform_time=platform_time,
            counts={name: int(count) for name, count in counts.items()},
            lag=await self._lag(),
            drill=(await self._get(f"{self.stack.http('drill')}/v1/progress")).json(),
        )

    async def stop_time(self) -> None:
        """Let platform time all but stand still from now on, so that no further clock becomes due."""
        await self._execute(
            "update platform.clock set origin = platform.now(), started = clock_timestamp(),"
            f" speed = {STANDSTILL}"
        )

    async def journal(self) -> Journal:
        """Return the drill's own account."""
        answer = await self._get(f"{self.stack.http('drill')}/v1/journal")
        return msgspec.json.decode(answer.content, type=Journal)

    async def records(self) -> Records:
        """Return what the services wrote down, causes before their effects."""
        calls = await self._rows("select call_id from intake.calls")
        feedback = await self._rows("select feedback_id from intake.feedback")
        parked = await self._rows("select feedback_id from router.parked_feedback")
        incidents = await self._rows("select doc from router.incident")
        ledger = await self._rows(
            "select notice_id, incident_id, cause, recipient, channel, purpose, state,"
            " assignment_id from notify.notice"
        )
        decoder = msgspec.json.Decoder(Incident)
        decoded = [decoder.decode(row["doc"]) for row in incidents]
        return Records(
            calls=frozenset(row["call_id"] for row in calls),
            feedback=frozenset(row["feedback_id"] for row in feedback),
            parked=frozenset(row["feedback_id"] for row in parked),
            incidents={each.incident_id: each for each in decoded},
            ledger=[LedgerRow(**row) for row in ledger],
        )

    async def clocks(self) -> list[Clock]:
        """Return every clock that was ever started."""
        rows = await self._rows("select doc from sla.clock_set")
        return [clock for row in rows for clock in decoded(row["doc"]).clocks]

    async def table(self, path: str, form: str) -> bytes:
        """Return a table of reports, population exercise; raises httpx.HTTPStatusError."""
        url = f"{self.stack.http('reports')}{path}?population=exercise&format={form}"
        return (await self._get(url)).content

    async def _get(self, url: str) -> httpx.Response:
        key = self.stack.secrets.keys["auditor"]
        answer = await self._http.get(url, headers={"authorization": f"Bearer {key}"})
        return answer.raise_for_status()

    async def _rows(self, query: str) -> list[dict[str, Any]]:
        return await (await self._execute(query)).fetchall()

    async def _execute(self, query: str) -> psycopg.AsyncCursor[dict[str, Any]]:
        if self._database is None:
            raise RuntimeError("use the observer as `async with`")
        return await self._database.execute(query)

    async def _lag(self) -> dict[str, int]:
        if self._kafka is None:
            raise RuntimeError("use the observer as `async with`")
        rows = [row for row in await self._rows(_OFFSETS) if row["consumer"] in CONSUMERS]
        partitions = {TopicPartition(row["topic"], row["partition"]) for row in rows}
        ends = await self._kafka.end_offsets(partitions)
        behind = dict.fromkeys(CONSUMERS, 0)
        for row in rows:
            end = ends[TopicPartition(row["topic"], row["partition"])]
            behind[row["consumer"]] += max(0, end - row["next"])
        return behind
