"""The parts a supervisor watches: broker, database and service processes, told apart by nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from deploy.local.errors import PartFailed
from deploy.local.infrastructure import Broker, Server
from deploy.local.kafka import EmbeddedKafka
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.processes import Child, Command
from deploy.local.run_folder import ROOT

_POLL_S = 0.03
_STOP_TIMEOUT_S = 10.0
READY_TIMEOUT_S = 120.0  # a machine whose cores are taken by others starts six services slowly


class Part(Protocol):
    """One thing that runs and can be hurt. `ended` is also true of what was never started."""

    name: str

    @property
    def child(self) -> Child | None:
        """Its process, None where it is not ours (a container, a given address)."""

    @property
    def address(self) -> str:
        """Where it listens, empty while that is not known."""

    async def start(self) -> None:
        """Start it and wait until it answers."""

    async def restart(self) -> None:
        """Start it again at the same address with the same data, and wait until it answers."""

    async def stop(self) -> None:
        """Ask it to end, kill it if it does not."""

    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class InfrastructurePart:
    """The broker or the database as a part."""

    def __init__(self, name: str, inner: Broker | Server) -> None:
        self.name = name
        self._inner = inner
        self.start = inner.start
        self.restart = inner.restart
        self.kill = inner.kill
        self.pause = inner.pause
        self.resume = inner.resume

    @property
    def child(self) -> Child | None:
        inner = self._inner
        return inner.child if isinstance(inner, (EmbeddedKafka, EmbeddedPostgres)) else None

    @property
    def address(self) -> str:
        return self._inner.address

    async def stop(self) -> None:
        await asyncio.to_thread(self._inner.stop)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service to run: how many processes of it, from which module, with what besides the contract.

    `environment` holds variables without their `LIANDONG_<SERVICE>_` prefix; `{router}` in a value
    becomes the address of the first router. `of` names the service whose settings, secrets and
    database role a further process of it shares, `arguments` what makes it another one.
    """

    name: str
    instances: int = 1
    module: str = ""
    of: str = ""
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.of or self.name

    @property
    def prefix(self) -> str:
        return f"LIANDONG_{self.owner.upper()}_"

    def command(self) -> list[str]:
        """Return how to start one process of it."""
        return [sys.executable, "-m", self.module or f"services.{self.owner}", *self.arguments]


class ServiceInstance:
    """One process of a service; it keeps its port over restarts, so that its clients need not look."""

    def __init__(
        self, service: Service, number: int, settings: Mapping[str, str], run: Path
    ) -> None:
        self.service = service
        self.name = f"{service.name}-{number}"
        self._settings = settings
        self._endpoint = run / f"{self.name}.endpoint.json"
        self._log = run / "logs" / f"{self.name}.log"
        self._child: Child | None = None
        self._http = ""

    @property
    def child(self) -> Child | None:
        return self._child

    @property
    def address(self) -> str:
        return self._http

    def resolve(self, addresses: Mapping[str, str]) -> bool:
        """Fill `{service}` in the settings; False while an address is still missing."""
        filled = {}
        for key, value in self._settings.items():
            try:
                filled[key] = value.format_map(addresses) if "{" in value else value
            except KeyError:
                return False
        self._settings = filled
        return True

    async def start(self) -> None:
        """Spawn it and wait until it has said where it listens."""
        self.spawn()
        await self.bound()

    async def restart(self) -> None:
        """Spawn it again, wait until it is ready."""
        if self._child is not None and self._child.running:
            await self.stop()
        self.spawn()
        await self.ready()

    def spawn(self) -> None:
        """Start the process on a free port, or on the one it had."""
        self._endpoint.unlink(missing_ok=True)
        port = _port(self._http) if self._http and _bindable(_port(self._http)) else 0
        prefix = self.service.prefix
        own = {
            **self._settings,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "INSTANCE": self.name,
            "ENDPOINT_FILE": str(self._endpoint),
        }
        environment = dict(os.environ) | {f"{prefix}{key}": value for key, value in own.items()}
        environment["PYTHONUNBUFFERED"] = "1"
        command = Command(
            argv=self.service.command(), log=self._log, environment=environment, folder=ROOT
        )
        self._child = Child(self.name, command)
        self._child.start()

    async def bound(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until it has said where it listens; raises PartFailed."""
        deadline = time.monotonic() + timeout_s
        while not self._read_endpoint():
            self._require_running(deadline, "did not say where it listens")
            await asyncio.sleep(_POLL_S)

    async def ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until `/ready` answers 200; raises PartFailed with what it still waits for."""
        deadline = time.monotonic() + timeout_s
        await self.bound(timeout_s)
        said = "nothing"
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while True:
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"{self._http}/ready")
                    if answer.status_code == httpx.codes.OK:
                        return
                    said = answer.text[:300]
                self._require_running(deadline, f"is not ready, /ready said {said}")
                await asyncio.sleep(_POLL_S)

    async def stop(self) -> None:
        if self._child is not None:
            await asyncio.to_thread(self._child.stop, timeout_s=_STOP_TIMEOUT_S)

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def pause(self) -> None:
        if self._child is not None:
            self._child.send(signal.SIGSTOP, tree=True)

    def resume(self) -> None:
        if self._child is not None:
            self._child.send(signal.SIGCONT, tree=True)

    def _read_endpoint(self) -> bool:
        with suppress(FileNotFoundError, json.JSONDecodeError, KeyError):
            self._http = json.loads(self._endpoint.read_text("utf-8"))["http"]
            return True
        return False

    def _require_running(self, deadline: float, complaint: str) -> None:
        if self._child is None or not self._child.running:
            code = self._child.exit_code if self._child else None
            raise self._failed(f"ended with {code}")
        if time.monotonic() > deadline:
            raise self._failed(complaint)

    def _failed(self, why: str) -> PartFailed:
        return self._child.failed(why) if self._child else PartFailed(f"{self.name} {why}")


def _port(http: str) -> int:
    return int(http.rpartition(":")[2])


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
