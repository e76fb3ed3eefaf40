"""The folder of one running stack: who holds it, what it started, where its parts listen."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from psutil import Process

from deploy.local import processes
from deploy.local.errors import AlreadyRunning

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "run"
ENDPOINTS = "endpoints.json"


class RunFolder:
    """`run/<stack>`: held by one supervisor at a time; logs, secrets, data and `endpoints.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def endpoints(self) -> Path:
        return self.path / ENDPOINTS

    def claim(self) -> None:
        """Take the folder, and end what a supervisor that died without a word left behind.

        Raises AlreadyRunning while another supervisor lives.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise AlreadyRunning(
                f"a stack is running in {self.path} (process {self.supervisor()}): "
                "`make down` stops it, STACK=other runs a second one beside it"
            ) from None
        self._lock = lock
        processes.end(self.leftovers())
        self.endpoints.unlink(missing_ok=True)
        for folder in (self.logs, self.secrets):
            folder.mkdir(exist_ok=True, mode=0o700)

    def release(self) -> None:
        """Let the next supervisor in."""
        self.endpoints.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def clear(self) -> None:
        """Delete everything but the lock, so that the stack starts with nothing."""
        for entry in self.path.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        for folder in (self.logs, self.secrets):
            folder.mkdir(exist_ok=True, mode=0o700)

    def remove(self) -> None:
        """Delete the folder whole; it must have been claimed."""
        shutil.rmtree(self.path)
        self.release()

    def write_endpoints(self, content: Mapping[str, Any]) -> None:
        """Replace `endpoints.json` as one step: a reader never meets half of it."""
        partial = self.endpoints.with_suffix(".partial")
        partial.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
        partial.replace(self.endpoints)

    def read_endpoints(self) -> dict[str, Any]:
        """Return what the supervisor wrote last, nothing if it never did."""
        with suppress(FileNotFoundError, json.JSONDecodeError):
            found: dict[str, Any] = json.loads(self.endpoints.read_text("utf-8"))
            return found
        return {}

    def supervisor(self) -> int | None:
        """Return the process id of the supervisor that holds the folder, None if none lives."""
        told = self.read_endpoints().get("supervisor", {})
        alive = processes.leftovers({told["pid"]: told["born"]}) if told else []
        return alive[0].pid if alive else None

    def leftovers(self) -> list[Process]:
        """Return what an earlier supervisor started here and still runs."""
        parts = self.read_endpoints().get("parts", {})
        return processes.leftovers({part["pid"]: part["born"] for part in parts.values()})


def write_private(path: Path, text: str) -> None:
    """Write *text* so that only this user can ever have read it, in one step."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    partial.replace(path)
