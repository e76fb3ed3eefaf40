"""Runs a command until it ends or a person stops it: first Ctrl-C cleanly, second at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress

_PARENT_CHECK_S = 1.0
_INTERRUPTED = 130


def run(main: Coroutine[None, None, int]) -> int:
    """Run *main* and return its exit code, 130 when it was stopped.

    SIGINT, SIGTERM and SIGHUP cancel it, and so does the death of the process that started us:
    a stack without its terminal or its test run must not stay behind.
    """
    return asyncio.run(_run(main))


async def _run(main: Coroutine[None, None, int]) -> int:
    task = asyncio.create_task(main)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    orphaned = asyncio.create_task(_cancel_when_orphaned(task))
    try:
        return await task
    except asyncio.CancelledError:
        print("stopped", file=sys.stderr)
        return _INTERRUPTED
    finally:
        orphaned.cancel()
        with suppress(asyncio.CancelledError):
            await orphaned


async def _cancel_when_orphaned(task: asyncio.Task[int]) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel sends no event for this
        await asyncio.sleep(_PARENT_CHECK_S)
    task.cancel()
