"""A whole platform on one machine, as one `async with`: demo, tests and benchmarks reuse it."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from deploy import database
from deploy.local.cache import is_downloaded
from deploy.local.endpoints import listed
from deploy.local.errors import PartFailed, StackError
from deploy.local.infrastructure import POSTGRES, Infrastructure, choose
from deploy.local.kafka import EmbeddedKafka, Heap
from deploy.local.parts import InfrastructurePart, Part, Service, ServiceInstance
from deploy.local.preparation import prepare
from deploy.local.run_folder import ROOT, RUN, RunFolder, write_private
from deploy.local.secrets import StackSecrets
from deploy.local.supervisor import State, Status, Supervisor, Tell
from deploy.local.wiring import SERVICES, wired
from shared.contracts.pack import Pack
from shared.runtime.packs import load_pack

T = TypeVar("T")
REGIONS = ROOT / "deploy" / "regions"
OPERATOR = "operator.env"
ClockSetting = tuple[datetime | None, float]


class Stack:
    """Broker, database and services of one region, started on entry and stopped on exit.

    `clock` is (origin, speed); None is wall time. `fresh` forgets what an earlier run of the same
    folder stored, `disposable` deletes broker's and database's data at the end. With `infrastructure` given, that is used and left running. `environment` adds
    settings per service (without prefix; `{router}` becomes an address).
    """

    def __init__(  # noqa: PLR0913 - each by keyword, each with the value most callers want
        self,
        *,
        region: str = "xianju",
        services: Sequence[str | Service] = SERVICES,
        instances: Mapping[str, int] | None = None,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        clock: ClockSetting | None = None,
        run_dir: Path | None = None,
        infrastructure: Infrastructure | None = None,
        heap: Heap = Heap.SMALL,
        fresh: bool = False,
        disposable: bool = False,
        tell: Tell = lambda _: None,
    ) -> None:
        self.region = region
        self.region_dir = REGIONS / region
        self.folder = RunFolder(run_dir or RUN / region)
        self.services = [
            wired(each, (instances or {}).get(_name(each)), (environment or {}).get(_name(each)))
            for each in services
        ]
        self._clock = clock
        self._given = infrastructure
        self._heap = heap
        self._fresh, self._disposable = fresh, disposable
        self._tell = tell
        self._supervisor = Supervisor(tell, self._write_endpoints)
        self._infrastructure: Infrastructure | None = infrastructure
        self._database: database.Provisioned | None = None
        self._secrets: StackSecrets | None = None
        self._ready = False

    # -- what a test, a demo or a benchmark asks for ------------------------------------------

    @property
    def kafka(self) -> str:
        """`host:port` of the broker."""
        return self.infrastructure.kafka.address

    @property
    def admin(self) -> str:
        """Superuser's DSN of the platform's database."""
        return self._started(self._database).admin

    def dsn(self, service: str) -> str:
        """DSN of role `<service>_app`."""
        return self._started(self._database).apps[service]

    @property
    def secrets(self) -> StackSecrets:
        """Clear keys by scope in `.keys`."""
        return self._started(self._secrets)

    @property
    def infrastructure(self) -> Infrastructure:
        """Broker and database."""
        return self._started(self._infrastructure)

    @property
    def parts(self) -> dict[str, Part]:
        """Everything that runs, by name: `kafka`, `postgres`, `router-1`…"""
        return self._supervisor.parts

    @property
    def restarts(self) -> dict[str, int]:
        """How often each part was started again after it died by itself."""
        return self._supervisor.restarts

    def http(self, service: str, number: int = 1) -> str:
        """Return the address of one process of *service*, `http://127.0.0.1:…`."""
        return self.parts[f"{service}-{number}"].address

    def addresses(self, service: str) -> list[str]:
        """Return the addresses of all processes of *service*."""
        return [
            part.address
            for part in self.parts.values()
            if isinstance(part, ServiceInstance) and part.service.name == service
        ]

    def pid(self, part: str) -> int:
        """Return the process id of *part*."""
        child = self.parts[part].child
        return self._started(child).pid

    async def set_clock(self, origin: datetime | None, speed: float) -> None:
        """Say what time it is on the platform from now on; services look every few seconds."""
        await asyncio.to_thread(database.set_clock, self.admin, origin=origin, speed=speed)

    # -- faults -------------------------------------------------------------------------------

    def kill(self, part: str, *, hold: bool = False) -> None:
        """SIGKILL *part*; it is started again by itself unless *hold* (then call `restart`)."""
        if hold:
            self._supervisor.hold(part)
        self.parts[part].kill()

    def pause(self, part: str) -> None:
        """SIGSTOP *part*."""
        self.parts[part].pause()

    def resume(self, part: str) -> None:
        """SIGCONT *part*."""
        self.parts[part].resume()

    async def restart(self, part: str) -> None:
        """Start *part* again (stopping it first if it runs) and wait until it answers."""
        await self._supervisor.restart(part)

    async def ready(self, part: str | None = None, *, timeout_s: float = 60) -> None:
        """Wait until *part* (or every service) is ready, over deaths and restarts; raises TimeoutError."""
        wanted = [self.parts[part]] if part else list(self.parts.values())
        async with asyncio.timeout(timeout_s):
            for each in wanted:
                if isinstance(each, ServiceInstance):
                    await _eventually_ready(each, timeout_s)

    def kill_all(self) -> None:
        """End everything at once, without asking."""
        self._supervisor.kill_all()

    # -- start and stop -----------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.folder.claim()
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _start(self) -> None:
        if self._fresh:
            self._forget()
        pack = await asyncio.to_thread(load_pack, self.region_dir)
        self._secrets = StackSecrets(self.folder.secrets)
        names = list(dict.fromkeys(service.owner for service in self.services))
        sources, units = [s.id for s in pack.sources], [u.id for u in pack.units]
        self._secrets.make(names, sources, units)
        await self._start_infrastructure()
        await self._prepare(pack, names)
        await self._start_services()
        self._ready = True
        self._write_endpoints()
        self._supervisor.watch()

    def _forget(self) -> None:
        """Start with nothing stored; what somebody else's server holds is theirs to drop."""
        self.folder.clear()
        given = os.environ.get(POSTGRES)
        if self._given is None and given and database.exists(given):
            raise StackError(
                f"this start needs an empty database, but {database.DATABASE} already exists on "
                f"the server given in {POSTGRES}: drop it (and the topics), or unset {POSTGRES}"
            )

    async def _start_infrastructure(self) -> None:
        began = time.monotonic()
        if self._given is None:
            self._infrastructure = choose(self.folder.path, logs=self.folder.logs, heap=self._heap)
            for name, inner in (
                ("kafka", self._infrastructure.kafka),
                ("postgres", self._infrastructure.postgres),
            ):
                self._tell(Status(name, State.STARTING, _first_time(inner)))
                self._supervisor.add(InfrastructurePart(name, inner))
            await self._infrastructure.start()
            self._write_endpoints()
        for part in list(self.parts.values()):
            self._supervisor.release(part.name)
            self._say_ready(part, began)

    async def _prepare(self, pack: Pack, names: Sequence[str]) -> None:
        began = time.monotonic()
        self._database, done = await prepare(
            self.infrastructure, pack, {name: self.secrets.passwords(name) for name in names}
        )
        origin, speed = self._clock or (None, 1.0)
        await self.set_clock(origin, speed)
        self._write_operator_file()
        self._tell(Status("setup", State.READY, f"{done}, {time.monotonic() - began:.1f} s"))

    async def _start_services(self) -> None:
        began = time.monotonic()
        instances = [
            ServiceInstance(service, number, self._settings(service), self.folder.path)
            for service in self.services
            for number in range(1, service.instances + 1)
        ]
        for instance in instances:
            self._supervisor.add(instance)
        waiting = instances
        while waiting:
            known = self._first_addresses()
            able = [each for each in waiting if each.resolve(known)]
            if not able:
                raise PartFailed(
                    f"{', '.join(each.name for each in waiting)} wait for the address of a "
                    f"service that is not in this stack; known: {', '.join(known)}"
                )
            for each in able:
                self._tell(Status(each.name, State.STARTING))
                each.spawn()
            self._write_endpoints()
            await asyncio.gather(*(each.bound() for each in able))
            waiting = [each for each in waiting if each not in able]
        await asyncio.gather(*(self._until_ready(each, began) for each in instances))

    async def _until_ready(self, instance: ServiceInstance, began: float) -> None:
        await instance.ready()
        self._supervisor.release(instance.name)
        self._say_ready(instance, began)

    def _settings(self, service: Service) -> dict[str, str]:
        return {**service.environment, **self._given_to(service)}

    def _given_to(self, service: Service) -> dict[str, str]:
        return {
            "KAFKA": self.kafka,
            "DATABASE": self.dsn(service.owner),
            "REGION_DIR": str(self.region_dir),
            "SECRETS": str(self.secrets.file(service.owner)),
            **({"MONTHS": str(self.folder.path / "months")} if service.owner == "reports" else {}),
        }

    async def _stop(self) -> None:
        self._ready = False
        stopping = asyncio.create_task(self._supervisor.stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:  # asked twice: no more patience
            self.kill_all()
            await asyncio.wait([stopping])
            raise
        finally:
            if self._disposable and self._given is None and self._infrastructure is not None:
                self._infrastructure.remove()
            self.folder.release()

    # -- what it tells ------------------------------------------------------------------------

    def _first_addresses(self) -> dict[str, str]:
        return {
            name.removesuffix("-1"): part.address
            for name, part in self.parts.items()
            if name.endswith("-1") and part.address
        }

    def _say_ready(self, part: Part, began: float) -> None:
        detail = f"{part.address}  {time.monotonic() - began:.1f} s"
        self._tell(Status(part.name, State.READY, detail))

    def _write_operator_file(self) -> None:
        """Keep what the operator's commands need in a shell: broker, database roles, pack, secrets."""
        lines = [
            f"export {service.prefix}{key}={shlex.quote(value)}\n"
            for service in self.services
            if not service.of
            for key, value in self._given_to(service).items()
        ]
        write_private(self.folder.secrets / OPERATOR, "".join(lines))

    def _write_endpoints(self) -> None:
        content = {"region": self.region, "ready": self._ready}
        self.folder.write_endpoints(content | listed(self.infrastructure, self.parts))

    @staticmethod
    def _started(value: T | None) -> T:
        if value is None:
            raise PartFailed("the stack has not been started")
        return value


def _name(service: str | Service) -> str:
    return service if isinstance(service, str) else service.name


def _first_time(inner: object) -> str:
    """Say why this start takes longer than the next one."""
    if isinstance(inner, EmbeddedKafka) and not is_downloaded():
        return "downloading Kafka once (44 MB)"
    return ""


async def _eventually_ready(instance: ServiceInstance, timeout_s: float) -> None:
    while True:
        try:
            return await instance.ready(timeout_s)
        except PartFailed:  # dead just now: the supervisor starts it again
            await asyncio.sleep(0.1)
