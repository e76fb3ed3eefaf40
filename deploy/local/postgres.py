"""A real PostgreSQL server as a child process: loopback TCP, scram password, every commit on disk."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from deploy.local.errors import PartFailed, StackError
from deploy.local.ownership import Owner, owner_for
from deploy.local.ports import free_ports
from deploy.local.postgres_binaries import Binaries, find_binaries
from deploy.local.processes import Child, Command

SUPERUSER = "postgres"
_START_TIMEOUT_S = 180.0
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.03
_PORT_TRIES = 3
_RESTART_TRIES = 100
_STILL_THERE = re.compile(r"shared memory block|lock file .* already exists")

# For 2 cores shared with the broker and the services. fsync and synchronous_commit are the
# platform's promise and are said although they are the defaults.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 150
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 1GB
wal_buffers = 16MB
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
max_parallel_workers_per_gather = 1
jit = off
# queue tables bloat within seconds; look at them often
autovacuum_naptime = 5s
autovacuum_vacuum_cost_delay = 1ms
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
# a statement may carry a call's text
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
"""


class EmbeddedPostgres:
    """A server whose data, password and port stay the same over `kill` and `restart`.

    The password lies in *folder*, readable by this user alone. As root another user runs the
    server, and its data lies where that user can reach it.
    """

    def __init__(self, folder: Path, *, log: Path | None = None) -> None:
        self._folder = folder
        self._log = log or folder / "postgres.log"
        self._port = 0
        self._child: Child | None = None
        self._binaries: Binaries | None = None
        self._owner: Owner | None = None

    @property
    def address(self) -> str:
        """`host:port` of the server."""
        return f"127.0.0.1:{self._port}"

    @property
    def dsn(self) -> str:
        """Address of the `postgres` database for the superuser; contains the password."""
        return f"postgresql://{SUPERUSER}:{self._password()}@{self.address}/postgres"

    @property
    def child(self) -> Child:
        """Return the process; raises PartFailed before the first start."""
        if self._child is None:
            raise PartFailed("postgres was never started")
        return self._child

    @property
    def version(self) -> str:
        """What the server's binary says of itself."""
        return self._binaries.version_text if self._binaries else "unknown"

    @property
    def data(self) -> Path:
        """Where the data lies; known after the first start."""
        if self._owner is None:
            raise PartFailed("postgres was never started")
        return self._owner.folder / "data"

    async def start(self) -> None:
        """Create the data folder if it is new, start, and wait until a query is answered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._owner = await asyncio.to_thread(owner_for, self._folder)
        self._binaries = await asyncio.to_thread(find_binaries, self._owner)
        if not (self.data / "PG_VERSION").exists():
            await asyncio.to_thread(self._create)
        for attempt in range(_PORT_TRIES):
            self._port = free_ports(1)[0]
            self._spawn(self._binaries, self._owner)
            try:
                return await self._ready()
            except PartFailed as error:
                taken = "could not bind" in str(error)
                if not taken or attempt == _PORT_TRIES - 1:
                    raise
        return None

    def _spawn(self, binaries: Binaries, owner: Owner) -> None:
        command = Command(
            argv=[str(binaries.postgres), "-D", str(self.data), "-p", str(self._port)],
            log=self._log,
            environment=_environment(),
            folder=owner.folder,
            user=owner.ids,
            death=signal.SIGQUIT,  # the postmaster then ends its own children at once
        )
        self._child = Child("postgres", command)
        self._child.start()

    def stop(self) -> None:
        """Stop cleanly: clients are cut off, the log is flushed."""
        if self._child is not None:
            self._child.stop(signal.SIGINT, timeout_s=_STOP_TIMEOUT_S)

    def remove(self) -> None:
        """Delete its folders; it must have stopped."""
        for folder in {self._folder, self._owner.folder if self._owner else self._folder}:
            shutil.rmtree(folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL the server and each of its backends, as when the power fails."""
        self.child.kill()

    def pause(self) -> None:
        """SIGSTOP the server and each of its backends: connections stay open, nothing answers."""
        self.child.send(signal.SIGSTOP, tree=True)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self.child.send(signal.SIGCONT, tree=True)

    async def restart(self) -> None:
        """Start again on the same port and data; a server that still runs is stopped first."""
        self.child.stop(signal.SIGINT, timeout_s=_STOP_TIMEOUT_S)
        for _ in range(_RESTART_TRIES):  # the kernel may still be removing killed backends
            self.child.start()
            try:
                return await self._ready()
            except PartFailed as error:
                if not _STILL_THERE.search(str(error)):
                    raise
                await asyncio.sleep(0.1)
        raise self.child.failed("could not start again")

    def _create(self) -> None:
        """Run initdb; a half-made folder is removed."""
        if self._binaries is None or self._owner is None:
            raise PartFailed("postgres binaries were not looked for")
        partial = self._owner.fresh("data.partial")
        password = self._owner.private_file("password", self._password())
        try:
            made = subprocess.run(
                [
                    self._binaries.initdb,
                    *("-D", partial, "-U", SUPERUSER, "--pwfile", password),
                    *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
                ],
                capture_output=True,
                text=True,
                check=False,
                env=_environment(),
                cwd=self._owner.folder,
                user=self._owner.ids[0] if self._owner.ids else None,
                group=self._owner.ids[1] if self._owner.ids else None,
                extra_groups=[] if self._owner.ids else None,
            )
        finally:
            password.unlink()
        if made.returncode != 0:
            raise PartFailed(f"initdb failed in {partial}:\n{made.stdout}{made.stderr}")
        with (partial / "postgresql.conf").open("a", encoding="ascii") as settings:
            settings.write(_SETTINGS)
        partial.rename(self.data)

    def _password(self) -> str:
        path = self._folder / "postgres-password"
        with suppress(FileNotFoundError):
            return path.read_text("ascii")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(24))
        return path.read_text("ascii")

    async def _ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not await asyncio.to_thread(answers_query, self.dsn):
            if not self.child.running:
                raise self.child.failed(f"ended with {self.child.exit_code}")
            if time.monotonic() > deadline:
                self.child.kill()
                raise self.child.failed(f"did not answer within {_START_TIMEOUT_S:.0f} s")
            await asyncio.sleep(_POLL_S)


def answers_query(dsn: str) -> bool:
    """Say whether the server at *dsn* answers; a wrong password is an error, not a `no`."""
    try:
        with psycopg.connect(dsn, connect_timeout=2) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise StackError(
                "PostgreSQL refused the password of its own run folder: another server "
                "listens there, or the folder is a copy; remove it with `make clean`"
            ) from None
        return False
    return True


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
