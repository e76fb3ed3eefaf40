"""One child process in its own group that never outlives its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import psutil
from psutil import Process

from deploy.local.errors import PartFailed
from deploy.local.rotation import Recorder

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02
LOG_TAIL_LINES = 25
_LAST_LINES_S = 1.0


def _die_with_parent(sign: signal.Signals) -> Callable[[], None] | None:
    """Return what the child runs before exec so that the kernel ends it with its parent (Linux only).

    Elsewhere the next start finds and ends what was left (`leftovers`).
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), signal.SIGKILL)

    return arm


@dataclass(frozen=True, kw_only=True)
class Command:
    """How to start a child: `death` is the signal it gets when this process dies without a word.

    `user` is the uid and gid to run as (only root may ask for one).
    """

    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    user: tuple[int, int] | None = None
    death: signal.Signals = signal.SIGKILL


class Child:
    """A started process. Start it from the main thread: the kernel ties it to the starting *thread*."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self.command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._recorder: Recorder | None = None

    def start(self) -> None:
        """Start it; its output is appended to the log."""
        command = self.command
        uid, gid = command.user or (None, None)
        self._recorded()
        self._recorder = Recorder(command.log)
        self._process = subprocess.Popen(
            list(command.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(command.environment) or None,
            cwd=command.folder,
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=[] if command.user else None,
            preexec_fn=_die_with_parent(command.death),  # noqa: PLW1509 - only prctl runs there
        )
        self._recorder.start(cast("IO[bytes]", self._process.stdout))

    def _recorded(self) -> None:
        """Wait until the log holds what an ended process printed, and no other writer is left."""
        if self._recorder is not None and not self.running:
            self._recorder.join(_LAST_LINES_S)

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Process id; raises PartFailed before the first start."""
        if self._process is None:
            raise PartFailed(f"{self.name} was never started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs (or was never started)."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, sign: signal.Signals, *, tree: bool = False) -> None:
        """Send *sign* to the group; `tree` also reaches children that made groups of their own."""
        if not self.running:
            return
        others = _descendants(self.pid) if tree else []
        with suppress(ProcessLookupError):
            os.killpg(self.pid, sign)
        for other in others:
            with suppress(psutil.NoSuchProcess):
                other.send_signal(sign)

    def kill(self) -> None:
        """SIGKILL it and everything it started, and reap it."""
        if self._process is None:
            return
        others = _descendants(self.pid) if self.running else []
        self.send(signal.SIGKILL, tree=True)
        self._process.wait()
        _gone(others)
        self._recorded()

    def wait(self, timeout_s: float) -> bool:
        """Say whether it has ended within *timeout_s* seconds."""
        deadline = time.monotonic() + timeout_s
        while self.running and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return not self.running

    def stop(
        self,
        sign: signal.Signals = signal.SIGTERM,
        *,
        timeout_s: float = 10,
    ) -> None:
        """Ask it to end, and kill it when it does not within *timeout_s* seconds."""
        self.send(signal.SIGCONT, tree=True)  # a stopped process cannot listen
        self.send(sign)
        if not self.wait(timeout_s):
            self.kill()
        self._recorded()

    def failed(self, why: str) -> PartFailed:
        """Return the error that quotes the end of this child's log."""
        return PartFailed(f"{self.name} {why}; the end of {self.command.log}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        self._recorded()
        try:
            lines = self.command.log.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])


def _descendants(pid: int) -> list[Process]:
    try:
        return Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def born(pid: int) -> float:
    """Return when process *pid* was created (seconds since the epoch), 0 if there is none.

    A pid alone may have been given to somebody else since; pid and birth name one process for good.
    """
    try:
        return Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def leftovers(parts: Mapping[int, float]) -> list[Process]:
    """Return those of *parts* (pid to birth) that still run."""
    found = []
    for pid, birth in parts.items():
        with suppress(psutil.NoSuchProcess):
            process = Process(pid)
            if abs(process.create_time() - birth) < 1:
                found.append(process)
    return found


def end(processes: Sequence[Process]) -> None:
    """Kill *processes* with everything below them and wait until they are gone."""
    everything = list(processes)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            everything += process.children(recursive=True)
    for process in everything:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _gone(everything)


def _gone(processes: Sequence[Process], timeout_s: float = 5) -> None:
    """Wait until each has ended; a zombie that its new parent has not reaped yet has ended."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and any(_alive(each) for each in processes):
        time.sleep(_POLL_S / 4)


def _alive(process: Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
