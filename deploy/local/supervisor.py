"""Watches the parts of a stack: starts them in order, restarts what dies, stops all in reverse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from deploy.local.errors import StackError
from deploy.local.parts import Part

_WATCH_S = 0.1
_BACKOFF_S, _BACKOFF_MOST_S = 0.2, 10.0
_CALM_S = 30.0
"""A part that lived this long starts its back-off from the beginning."""


class State(StrEnum):
    """What a status line says of a part."""

    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Status:
    """One line about one part."""

    part: str
    state: State
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.part:<12} {self.state:<9} {self.detail}".rstrip()


Tell = Callable[[Status], None]


@dataclass
class _Watched:
    part: Part
    held: bool = True  # nobody restarts what is held: not started yet, or a fault in progress
    restarts: int = 0
    in_a_row: int = 0
    since: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        child = self.part.child
        return child is not None and not child.running


class Supervisor:
    """The watched parts by name; `changed` is called when an address or a process changed."""

    def __init__(self, tell: Tell, changed: Callable[[], None]) -> None:
        self._tell = tell
        self._changed = changed
        self._watched: dict[str, _Watched] = {}
        self._watching: list[asyncio.Task[None]] = []

    @property
    def parts(self) -> dict[str, Part]:
        """The parts by name, in the order they were added."""
        return {name: watched.part for name, watched in self._watched.items()}

    @property
    def restarts(self) -> dict[str, int]:
        """How often each part was started again after it died."""
        return {name: watched.restarts for name, watched in self._watched.items()}

    def add(self, part: Part) -> None:
        """Take *part* in; it is watched from `release` on."""
        self._watched[part.name] = _Watched(part)

    def watch(self) -> None:
        """Begin restarting what dies."""
        self._watching = [asyncio.create_task(self._watch(), name="supervisor")]

    def hold(self, name: str) -> None:
        """Leave *name* alone when it dies, until `release` or `restart`."""
        self._of(name).held = True

    def release(self, name: str) -> None:
        """Watch over *name* (again)."""
        watched = self._of(name)
        watched.held, watched.since = False, time.monotonic()

    async def restart(self, name: str) -> None:
        """Start *name* again now, on purpose, and wait until it answers."""
        watched = self._of(name)
        self.hold(name)
        if watched.task is not None:
            watched.task.cancel()
            await asyncio.gather(watched.task, return_exceptions=True)
        await watched.part.restart()
        self.release(name)
        self._changed()

    async def stop(self) -> None:
        """Stop every part, last added first; never raises for a part that does not stop."""
        watched = list(self._watched.values())
        tasks = [each.task for each in watched if each.task is not None]
        tasks += self._watching
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for group in _groups([each.part for each in reversed(watched)]):
            await asyncio.gather(*(part.stop() for part in group), return_exceptions=True)
            for part in group:
                self._tell(Status(part.name, State.STOPPED))

    def kill_all(self) -> None:
        """End everything at once: the last resort of an impatient person."""
        for watched in self._watched.values():
            watched.held = True
            if watched.part.child is not None:
                watched.part.child.kill()

    def _of(self, name: str) -> _Watched:
        try:
            return self._watched[name]
        except KeyError:
            raise StackError(
                f"no part is called {name}: there are {', '.join(self._watched)}"
            ) from None

    async def _watch(self) -> None:
        while True:
            for watched in self._watched.values():
                idle = watched.task is None or watched.task.done()
                if watched.ended and not watched.held and idle:
                    watched.task = asyncio.create_task(self._revive(watched))
            await asyncio.sleep(_WATCH_S)

    async def _revive(self, watched: _Watched) -> None:
        """Start a dead part again after its back-off; a failure here is the next death."""
        part, child = watched.part, watched.part.child
        if time.monotonic() - watched.since > _CALM_S:
            watched.in_a_row = 0
        delay = min(_BACKOFF_S * 2**watched.in_a_row, _BACKOFF_MOST_S)
        code = child.exit_code if child else None
        self._tell(Status(part.name, State.DIED, f"with {code}, again in {delay:.1f} s"))
        watched.restarts += 1
        watched.in_a_row += 1
        await asyncio.sleep(delay)
        watched.since = time.monotonic()
        self._tell(Status(part.name, State.STARTING, f"again ({watched.restarts})"))
        try:
            await part.restart()
        except (StackError, OSError) as error:
            self._tell(Status(part.name, State.FAILED, str(error)))
        else:
            self._tell(Status(part.name, State.READY, part.address))
        self._changed()


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    """Put neighbours of one service together: its processes stop side by side."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.name.rpartition("-")[0] or part.name, []).append(part)
    return list(groups.values())
