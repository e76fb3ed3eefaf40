"""Broker and database in containers, where a Docker *engine* answers (a client alone is not enough)."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deploy.local.cache import KAFKA_VERSION
from deploy.local.errors import StackError
from deploy.local.kafka import answers_metadata
from deploy.local.ports import free_ports
from deploy.local.postgres import answers_query

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
_PING = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
_PROBE_S = 0.5
_START_TIMEOUT_S = 180.0  # the first start pulls the image
_POLL_S = 0.1


def docker_engine_answers(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether a Docker engine answers a ping, within half a second, and testcontainers is there."""
    host = environment.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    try:
        with _connected(host) as connection:
            connection.sendall(_PING)
            answered = b" 200 " in connection.recv(64)
    except OSError:
        return False
    if answered:
        import importlib.util  # noqa: PLC0415 - needed on this path only

        return importlib.util.find_spec("testcontainers") is not None
    return False


def _connected(host: str) -> socket.socket:
    where = urlsplit(host)
    if where.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_PROBE_S)
        if not Path(where.path).exists():
            connection.close()
            raise FileNotFoundError(where.path)
        connection.connect(where.path)
        return connection
    return socket.create_connection((where.hostname or "", where.port or 2375), _PROBE_S)


class _Contained:
    """A container on one fixed loopback port, so that a restart keeps its address."""

    def __init__(self) -> None:
        self._port = 0
        self._container: DockerContainer | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start the container and wait until it answers."""
        self._port = free_ports(1)[0]
        self._container = self._make()
        await asyncio.to_thread(self._container.start)
        await self._ready()

    def stop(self) -> None:
        """Remove the container."""
        if self._container is not None:
            self._container.stop()
            self._container = None

    def kill(self) -> None:
        """SIGKILL what runs in it."""
        self._wrapped().kill("SIGKILL")

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._wrapped().pause()

    def resume(self) -> None:
        """Thaw it after `pause`."""
        self._wrapped().unpause()

    async def restart(self) -> None:
        """Start it again with the same data."""
        await asyncio.to_thread(self._wrapped().restart)
        await self._ready()

    async def _ready(self) -> None:
        async with asyncio.timeout(_START_TIMEOUT_S):
            while not await self._answers():  # noqa: ASYNC110 - another machine's state
                await asyncio.sleep(_POLL_S)

    def _wrapped(self) -> Any:
        if self._container is None:
            raise StackError("the container was never started")
        return self._container.get_wrapped_container()

    def _make(self) -> DockerContainer:
        raise NotImplementedError

    async def _answers(self) -> bool:
        raise NotImplementedError


class ContainerKafka(_Contained):
    """The broker's own image with the addresses of this machine."""

    def _make(self) -> DockerContainer:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - slow, optional

        settings = {
            "NODE_ID": "1",
            "PROCESS_ROLES": "broker,controller",
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "LISTENERS": f"PLAINTEXT://:{self._port},CONTROLLER://:9093",
            "ADVERTISED_LISTENERS": f"PLAINTEXT://{self.address}",
            "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
            "AUTO_CREATE_TOPICS_ENABLE": "false",
            "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        }
        container = DockerContainer(KAFKA_IMAGE).with_bind_ports(self._port, self._port)
        for name, value in settings.items():
            container = container.with_env(f"KAFKA_{name}", value)
        return container

    async def _answers(self) -> bool:
        return await answers_metadata(self.address)


class ContainerPostgres(_Contained):
    """The database's own image; commits reach the disk here too."""

    def __init__(self) -> None:
        super().__init__()
        self._password = secrets.token_urlsafe(24)

    @property
    def dsn(self) -> str:
        """The superuser's address; contains the password."""
        return f"postgresql://postgres:{self._password}@{self.address}/postgres"

    def _make(self) -> DockerContainer:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - slow, optional

        return (
            DockerContainer(POSTGRES_IMAGE)
            .with_bind_ports(5432, self._port)
            .with_env("POSTGRES_PASSWORD", self._password)
            .with_command("postgres -c max_connections=150 -c shared_buffers=256MB -c jit=off")
        )

    async def _answers(self) -> bool:
        return await asyncio.to_thread(answers_query, self.dsn)
