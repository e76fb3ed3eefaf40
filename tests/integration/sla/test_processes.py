"""Real processes of sla, killed while clocks come due."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.seeds import seed_offsets
from deploy.topics import read_topics
from shared.contracts.envelope import decode
from shared.contracts.sla import ClockChangeKind, SlaEvent
from tests.engine import rows, until
from tests.integration.sla.clockwork import (
    due_in,
    keep,
    only_ack,
    open_clocks,
    platform_now,
    sla_database,
)
from tests.parts import FreshDatabase, SessionKafka

pytestmark = [pytest.mark.infrastructure, pytest.mark.faults]
ROOT = Path(__file__).parents[3]
CLOCKS, SPREAD_S = 1000, 5.0
WITHIN_S = 120
"""A busy machine starts processes slowly; nothing waits this long otherwise."""


class Process:
    """One `python -m services.sla`, told everything by its environment."""

    def __init__(self, folder: Path, kafka: str, dsn: str, number: int) -> None:
        self.endpoint = folder / f"sla-{number}.json"
        secrets = folder / "secrets.json"
        key = {"name": "desk", "sha256": sha256(b"desk-key").hexdigest(), "scopes": ["desk"]}
        unit = {"name": "u", "sha256": sha256(b"unit-key").hexdigest(), "scopes": ["unit:*"]}
        secrets.write_text(json.dumps({"api_keys": [key, unit]}))
        given = {
            "KAFKA": kafka,
            "DATABASE": dsn,
            "REGION_DIR": str(ROOT / "deploy" / "regions" / "xianju"),
            "SECRETS": str(secrets),
            "INSTANCE": f"sla-{number}",
            "ENDPOINT_FILE": str(self.endpoint),
        }
        self._environment = {f"LIANDONG_SLA_{key}": value for key, value in given.items()}
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        await self.spawn()
        await until(self._ready, within_s=WITHIN_S)

    async def spawn(self) -> None:
        """Start it and do not wait."""
        self.endpoint.unlink(missing_ok=True)
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.sla"),
            cwd=ROOT,
            env=os.environ | self._environment,
        )

    async def kill(self) -> None:
        """SIGKILL it."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()

    @property
    def address(self) -> str:
        """Where its door is."""
        return str(json.loads(self.endpoint.read_text())["http"])

    async def _ready(self) -> bool:
        if not self.endpoint.exists():
            return False
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"{self.address}/ready")).status_code == 200
            except httpx.TransportError:
                return False


@asynccontextmanager
async def processes(
    count: int, folder: Path, kafka: SessionKafka, database: FreshDatabase
) -> AsyncIterator[list[Process]]:
    """Run *count* instances on a prepared broker and database."""
    await kafka.topics(*read_topics())
    await seed_offsets(kafka.address, {"sla": database.dsn("sla")})
    started = [Process(folder, kafka.address, database.dsn("sla"), n + 1) for n in range(count)]
    try:
        await asyncio.gather(*(each.start() for each in started))
        yield started
    finally:
        for each in started:
            await each.kill()


async def breaches_heard(kafka: SessionKafka, since: float) -> dict[UUID, set[UUID]]:
    """Return by clock the events on Kafka that called it breached, said since the wall time *since*."""
    heard: dict[UUID, set[UUID]] = defaultdict(set)
    consumer = AIOKafkaConsumer(
        "sla.urgent.v1", bootstrap_servers=kafka.address, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        while records := await consumer.getmany(timeout_ms=500):
            for record in (r for batch in records.values() for r in batch):
                if record.timestamp >= 1000 * since:
                    event = decode(record.headers, record.value)
                    if isinstance(event.data, SlaEvent):
                        for change in event.data.changes:
                            if change.kind is ClockChangeKind.BREACHED:
                                heard[change.clock_id].add(event.event_id)
    finally:
        await consumer.stop()
    return heard


async def test_a_killed_instance_loses_and_doubles_nothing(
    tmp_path: Path, kafka: SessionKafka, database: FreshDatabase
) -> None:
    """§4.12: SIGKILL while clocks come due; the other fires on, each breach is one event."""
    async with (
        sla_database(database, "test") as db,
        processes(2, tmp_path, kafka, database) as (one, two),
    ):
        now = await platform_now(database)
        step = timedelta(seconds=SPREAD_S / CLOCKS)
        sets = [only_ack(due_in(now, timedelta(seconds=2) + n * step)) for n in range(CLOCKS)]
        await keep(db, *sets)
        mine = {each.clocks[0].clock_id for each in sets}
        for victim, share in ((one, 0.75), (two, 0.4)):
            await until(partial(_left, database, mine, int(share * CLOCKS)), within_s=WITHIN_S)
            open_when_killed = len(await _open(database, mine))
            await victim.kill()
            assert 0 < open_when_killed < CLOCKS
            await victim.spawn()
        await until(lambda: _left(database, mine, 0), within_s=WITHIN_S)
        await until(lambda: _published(database), within_s=WITHIN_S)
    heard = await breaches_heard(kafka, now.timestamp() - 1)

    wanted = {each.clocks[0].clock_id for each in sets}
    assert dict.fromkeys(wanted, 1) == {c: len(e) for c, e in heard.items() if c in wanted}


async def _open(database: FreshDatabase, mine: set[UUID]) -> list[UUID]:
    """Return which of *mine* are still open: the broker may hold incidents of other tests too."""
    return [r["clock_id"] for r in await open_clocks(database) if r["clock_id"] in mine]


async def _left(database: FreshDatabase, mine: set[UUID], count: int) -> bool:
    return len(await _open(database, mine)) <= count


async def _published(database: FreshDatabase) -> bool:
    return not await rows(database.admin, "select 1 from sla.outbox limit 1")


async def test_the_door_shows_an_incidents_clocks_and_those_coming_due(
    tmp_path: Path, kafka: SessionKafka, database: FreshDatabase
) -> None:
    """GET /v1/incidents/{id}/clocks and /v1/clocks: desk only, in pages, problems named."""
    async with (
        sla_database(database, "test") as db,
        processes(1, tmp_path, kafka, database) as (process,),
        httpx.AsyncClient(base_url=process.address) as client,
    ):
        now = await platform_now(database)
        sets = [only_ack(due_in(now, timedelta(minutes=n))) for n in (5, 6, 7)]
        await keep(db, *sets)
        desk = {"Authorization": "Bearer desk-key"}
        path = f"/v1/incidents/{sets[0].incident_id}/clocks"
        shown = (await client.get(path, headers=desk)).json()
        soon = {"due_before": (now + timedelta(minutes=6, seconds=30)).isoformat(), "limit": "1"}
        first = (await client.get("/v1/clocks", params=soon, headers=desk)).json()
        soon["cursor"] = first["cursor"]
        second = (await client.get("/v1/clocks", params=soon, headers=desk)).json()
        refused = [
            (await client.get(path)).status_code,
            (await client.get(path, headers={"Authorization": "Bearer unit-key"})).status_code,
            (await client.get(f"/v1/incidents/{UUID(int=1)}/clocks", headers=desk)).status_code,
            (await client.get("/v1/incidents/x/clocks", headers=desk)).status_code,
            (
                await client.get("/v1/clocks?due_before=2026-11-22T08:00:00", headers=desk)
            ).status_code,
            (await client.get("/v1/clocks", headers=desk)).status_code,
        ]

    assert ["ack"] == [clock["kind"] for clock in shown["clocks"]]
    assert [str(s.incident_id) for s in sets[:2]] == [
        page["clocks"][0]["incident_id"] for page in (first, second)
    ]
    assert "cursor" not in second
    assert [401, 403, 404, 400, 400, 400] == refused
