"""Runs the parts of a service together: one stops, all stop; SIGTERM stops cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from shared.runtime import logs, metrics
from shared.runtime.errors import Unavailable
from shared.runtime.settings import SettingsError

START_RETRY_S = 0.3
GC_THRESHOLDS = (50_000, 20, 50)
"""Batches of small immutable structs live for one statement: looking for cycles among them is CPU for nothing."""


class Part(Protocol):
    """Something that runs for the life of the process; `waiting` says what for, None when ready."""

    name: str
    waiting: str | None

    async def run(self) -> None:
        """Run until cancelled; an exception ends the process."""


class PartEnded(Exception):
    """A part returned: what it did for the service is not done any more."""


async def run(parts: Sequence[Part]) -> None:
    """Run *parts* until SIGTERM or SIGINT, or until one of them fails (which is raised)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(part.run(), name=part.name) for part in parts]
    watching = asyncio.create_task(_show_readiness(parts))
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()
            raise PartEnded(f"part {task.get_name()} ended by itself")
    finally:
        for task in (*tasks, watching, stopping):
            task.cancel()
        await asyncio.gather(*tasks, watching, stopping, return_exceptions=True)


async def _show_readiness(parts: Sequence[Part]) -> None:
    while True:
        for part in parts:
            metrics.READY.labels(part.name).set(part.waiting is None)
        await asyncio.sleep(1)


async def until_available(action: Callable[[], Awaitable[None]]) -> None:
    """Repeat *action* at start until what it needs is there."""
    while True:
        try:
            await action()
        except Unavailable:
            await asyncio.sleep(START_RETRY_S)
        else:
            return


def yield_to_others(niceness: int) -> None:
    """Lower this process's priority; on Linux also its session's, without which niceness means little."""
    os.nice(niceness)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


def main(service: Callable[[], Awaitable[None]]) -> None:
    """Run a service's own coroutine on uvloop; exit code 1 when it failed, 2 for its settings."""
    logs.configure("starting", "-", "info")  # the library's default would print local variables
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        runner = asyncio.run
    else:
        runner = uvloop.run
    try:
        runner(service())  # type: ignore[arg-type]
    except KeyboardInterrupt:
        sys.exit(130)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - told to whoever starts it by hand
        sys.exit(2)
    except Exception:  # noqa: BLE001 - the last frame: named in the log, then exit 1
        structlog.get_logger().exception("service failed")
        sys.exit(1)
