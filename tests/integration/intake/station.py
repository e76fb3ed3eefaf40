"""Runs intake as it is run for real, a process of its own, and looks at what it left behind."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

ROOT = Path(__file__).resolve().parents[3]
SCOPES: dict[str, tuple[str, ...]] = {
    "k110": ("source:110",),
    "k119": ("source:119",),
    "k122": ("source:122",),
    "k12345": ("source:12345",),
    "drill": ("source:110", "exercise"),
    "stranger": ("source:nowhere",),
    "desk": ("desk",),
}
START_S = 20.0
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Plain HTTP on loopback: a client of httpx would read all authorities at each start (50 ms)."""
NO_BROKER = "127.0.0.1:1"


def fresh_number() -> str:
    """Return a record number nobody used."""
    return f"T{uuid4().hex[:16]}"


def local_now() -> str:
    """Return the present as the hotlines write it."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M:%S")


def a_record(**fields: Any) -> dict[str, Any]:
    """Return a 接警单 with a number of its own; a field given as None is left out."""
    body: dict[str, Any] = {
        "jjdbh": fresh_number(),
        "bjsj": local_now(),
        "bjnr": "有人打架",
        "afdd": "横溪镇人民路12号",
        "afxzqh": "331024101",
        "bjlx": "0102",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


@dataclass
class Station:
    """A running intake."""

    address: str
    admin: str
    kafka: str
    log: Path
    process: subprocess.Popen[bytes]

    def client(self) -> httpx.AsyncClient:
        """Return a client with no limit of its own on how much it sends at once."""
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(base_url=self.address, timeout=30, limits=limits, verify=_NO_TLS)

    async def post(
        self, body: Any, *, key: str = "k110", to: str = "110/calls", **headers: str
    ) -> httpx.Response:
        """Post one record (or bytes as they are)."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client() as client:
            return await client.post(f"/v1/feeds/{to}", content=content, headers=sent)

    async def get(self, path: str, key: str = "desk", **query: str) -> httpx.Response:
        """Read something."""
        async with self.client() as client:
            return await client.get(path, params=query or None, headers=_bearer(key))

    async def delete(self, path: str, key: str = "desk", **query: str) -> httpx.Response:
        """Delete something."""
        async with self.client() as client:
            return await client.delete(path, params=query or None, headers=_bearer(key))

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """Return rows of intake's schema as the superuser sees them."""
        connection = await asyncpg.connect(self.admin, server_settings={"search_path": "intake"})
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def said(self, topic: str, aggregate: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the events of *aggregate* on *topic*, waiting until there are *count*."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, n) for n in range(12)])
            found: list[dict[str, Any]] = []
            async with asyncio.timeout(20):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=100)).values():
                        found += [_event(r) for r in records if _subject(r) == aggregate]
            for records in (await consumer.getmany(timeout_ms=300)).values():
                found += [_event(r) for r in records if _subject(r) == aggregate]
            return found
        finally:
            await consumer.stop()

    async def everything(self) -> bytes:
        """Return every value of every table of the schema, and the log, as bytes."""
        tables = await self.rows(
            "select table_name as name from information_schema.tables"
            " where table_schema = 'intake' and table_name not like '%yoyo%' order by 1"
        )
        seen = [self.log.read_bytes()]
        for table in tables:
            for row in await self.rows(f"select * from {table['name']}"):
                seen += [v if isinstance(v, bytes) else str(v).encode() for v in row.values()]
        return b"\n".join(seen)


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _subject(record: Any) -> str:
    return str(dict(record.headers)["ce_subject"].decode())


def _event(record: Any) -> dict[str, Any]:
    headers = {name: value.decode() for name, value in record.headers}
    return {"key": record.key.decode(), "headers": headers, "data": json.loads(record.value)}


def call_event_id(answer: httpx.Response) -> str:
    """Return the call's id as events bear it."""
    return str(UUID(answer.json()["call_id"]))


@contextmanager
def running(
    folder: Path, admin: str, app: str, kafka: str, region: Path, **settings: Any
) -> Iterator[Station]:
    """Run intake with *settings* beyond the usual until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    secrets, endpoint, log = folder / "secrets", folder / "endpoint", folder / "log"
    secrets.write_text(json.dumps(_secrets()))
    given: Mapping[str, Any] = {
        "kafka": kafka,
        "database": app,
        "region_dir": region,
        "secrets": secrets,
        "endpoint_file": endpoint,
        "instance": f"intake-{uuid4().hex[:6]}",
        **settings,
    }
    environment = {f"LIANDONG_INTAKE_{k.upper()}": str(v) for k, v in given.items()}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.intake"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=out,
        )
        try:
            address = _address(endpoint, process, log)
            yield Station(address, admin, kafka, log, process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(endpoint: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_S
    while not endpoint.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return str(json.loads(endpoint.read_text())["http"])


def _secrets() -> dict[str, Any]:
    keys = [
        {"name": key, "sha256": hashlib.sha256(key.encode()).hexdigest(), "scopes": scopes}
        for key, scopes in SCOPES.items()
    ]
    master = base64.urlsafe_b64encode(os.urandom(32)).decode()
    return {"api_keys": keys, "vault_key": master, "caller_salt": uuid4().hex}


def parsed(instant: str) -> datetime:
    """Return an instant of the wire, UTC."""
    return datetime.fromisoformat(instant).astimezone(UTC)
