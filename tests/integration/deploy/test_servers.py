"""The embedded broker and database: real faults, the same address and data afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local import postgres_binaries
from deploy.local.cache import kafka_jars
from deploy.local.kafka import EmbeddedKafka
from deploy.local.postgres import EmbeddedPostgres, answers_query
from deploy.topics import Topic, create_topics

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.faults

OFFLINE = """
import asyncio, fcntl, socket, struct, sys
from pathlib import Path
from deploy.local.infrastructure import choose

with socket.socket() as loopback:  # a new network namespace has even this one down
    request = struct.pack("16sh", b"lo", 1 | 64)  # IFF_UP | IFF_RUNNING
    fcntl.ioctl(loopback, 0x8914, request)  # SIOCSIFFLAGS


async def main() -> None:
    parts = choose(Path(sys.argv[1]), environment={})
    await parts.start()
    print("started without a network")
    parts.stop()
    parts.remove()


asyncio.run(main())
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Start a database of the test's own."""
    server = EmbeddedPostgres(tmp_path)
    await server.start()
    yield server
    server.stop()
    server.remove()


async def test_a_killed_database_keeps_every_commit_and_its_address(
    server: EmbeddedPostgres,
) -> None:
    """Commits are synced to the disk; SIGKILL takes all backends, restart finds the same."""
    before = server.address
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute("create table kept as select 1 as n")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            admin.execute("select 1")
    await server.restart()

    assert before == server.address
    with psycopg.connect(server.dsn) as admin:
        assert (1,) == admin.execute("select n from kept").fetchone()
        shown = [admin.execute(f"show {s}").fetchone() for s in ("fsync", "synchronous_commit")]
        assert [("on",), ("on",)] == shown


async def test_a_stopped_database_does_not_answer_and_wakes(server: EmbeddedPostgres) -> None:
    """SIGSTOP reaches the server and its backends."""
    server.pause()
    asleep = answers_query(server.dsn)
    server.resume()

    assert (False, True) == (asleep, answers_query(server.dsn))


async def test_only_loopback_with_a_password(server: EmbeddedPostgres) -> None:
    """Secrets: made at random, no default opens the door."""
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres:postgres@{server.address}/postgres")
    host, _, port = server.address.partition(":")

    assert "127.0.0.1" == host
    with socket.socket() as outside, pytest.raises(OSError, match=r"refused|unreachable"):
        outside.connect((_outside_address(), int(port)))


async def test_the_wheels_database_runs_where_the_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL needs not be installed."""
    monkeypatch.setattr(postgres_binaries, "system_folders", lambda: iter(()))
    server = EmbeddedPostgres(tmp_path)
    await server.start()
    try:
        with psycopg.connect(server.dsn) as admin:
            assert admin.info.server_version >= 180000
    finally:
        server.stop()
        server.remove()


async def test_a_killed_broker_keeps_every_acknowledged_record_and_its_address(
    tmp_path: Path,
) -> None:
    """One node, `acks=all`: what was acknowledged is there after SIGKILL and restart."""
    broker = EmbeddedKafka(tmp_path)
    await broker.start()
    try:
        before = broker.address
        await create_topics(before, [Topic("kept.v1", 1)])
        async with AIOKafkaProducer(bootstrap_servers=before, acks="all") as producer:
            await producer.send_and_wait("kept.v1", b"one")
        broker.kill()
        await broker.restart()

        assert before == broker.address
        async with AIOKafkaConsumer(
            "kept.v1", bootstrap_servers=before, auto_offset_reset="earliest"
        ) as consumer:
            assert b"one" == (await consumer.getone()).value
    finally:
        broker.stop()


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0,
    reason="an empty network namespace needs Linux and root",
)
def test_a_second_start_needs_no_network(tmp_path: Path) -> None:
    """Downloads happen once: broker and database start in an empty network namespace."""
    kafka_jars()
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", OFFLINE, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=90,
        check=False,
    )
    if "Operation not permitted" in done.stderr and "unshare" in done.stderr:
        pytest.skip("this machine does not allow network namespaces")

    assert "started without a network" in done.stdout, done.stderr


def _outside_address() -> str:
    """Return an address of this machine that is not loopback's first: nothing may listen there."""
    return "127.0.0.2"
