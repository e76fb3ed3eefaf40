"""Free text never reaches a log, however something fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SERVICE = """
import structlog
from shared.runtime import logs
from shared.runtime.errors import Halt

logs.configure("router", "router-1", "info")

def crash(secret):
    try:
        int(secret)
    except ValueError as error:
        raise {kind}({text}) from error

try:
    crash("张三 13800138000")
except Exception:
    structlog.get_logger().exception("handler crashed")
"""


def logged(kind: str, text: str) -> str:
    """Return what a service writes when its handler raises *kind* with *text*."""
    done = subprocess.run(
        [sys.executable, "-c", SERVICE.format(kind=kind, text=text)],
        cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8",
    )  # fmt: skip
    (line,) = done.stderr.splitlines()
    return str(json.loads(line)["exception"])


def test_a_driver_s_message_is_left_out() -> None:
    """Asyncpg quotes the argument it refuses: it may be what a caller said."""
    said = logged("TypeError", "f'invalid input for query argument $3: {secret!r}'")

    assert "138" not in said
    assert "张" not in said
    assert "builtins.TypeError\n" in said
    assert "builtins.ValueError" in said
    assert ":12 crash" in said


def test_our_own_errors_say_what_is_wrong() -> None:
    """They are written to be read: what, where, what to do."""
    said = logged("Halt", "'no offset stored for call.urgent.v1/3'")

    assert "shared.runtime.errors.Halt: no offset stored for call.urgent.v1/3" in said
    assert "138" not in said


LIBRARY = """
import asyncio, logging
from shared.runtime import logs

logs.configure("router", "router-1", "info")

async def door():
    raise TypeError("invalid input for query argument $3: '13800138000'")

async def main():
    try:
        await door()
    except TypeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    asyncio.create_task(door())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

asyncio.run(main())
"""


def test_what_a_library_logs_of_a_failure_quotes_nothing_either() -> None:
    """A door that fails is told by the HTTP server, a forgotten task by asyncio."""
    done = subprocess.run(
        [sys.executable, "-c", LIBRARY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert ["uvicorn.error", "asyncio"] == [line["logger"] for line in lines]
    assert "138" not in done.stderr
    assert all("builtins.TypeError" in line["exception"] for line in lines)
    assert {"router"} == {line["service"] for line in lines}
