"""The open-loop caller of the path benchmark: posts calls at a fixed rate, whatever the answers do.

Reads its task as JSON on standard input; prints one JSON line: for every call its number, the
intended send time (wall seconds) and the status answered.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

import msgspec

CONNECTIONS = 64
ZONE = ZoneInfo("Asia/Shanghai")
AREAS = [
    f"331024{n}" for n in ("001", "002", "003", "101", "102", "103", "104", "105", "106", "107")
]
CODES = {
    "110": ("010101", "010401", "0102", "0104"),
    "119": ("030101", "0302", "0401", "0402"),
    "122": ("020101", "020102", "0202", "0203"),
}


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls a second, for how long, to which door, with which keys by source."""

    host: str
    port: int
    keys: dict[str, str]
    rate: float
    seconds: float
    run: str


def body(source: str, number: str, index: int) -> bytes:
    """Return a 接警单 with an id that never repeats."""
    code = CODES[source][index % len(CODES[source])]
    kinds = {"bjlb": code[:2], "bjlx": code[:4], "bjxl": code}
    record = {
        "jjdbh": number, "jjdwdm": "331024000000", "bjsj": datetime.now(ZONE).strftime("%Y-%m-%d %H:%M:%S"),
        "bjdh": f"1990000{index % 10000:04d}", "afxzqh": AREAS[index % len(AREAS)], "afdd": "测试路口东侧约五十米",
        "bjnr": "路口有情况,请派人到场", **kinds,
    }  # fmt: skip
    return json.dumps(record, ensure_ascii=False).encode()


class Caller(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._buffer = b""
        self.call = -1
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for the next call."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._pool.free(self)

    def data_received(self, data: bytes) -> None:
        """Collect one whole answer."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        if len(rest) >= length:
            self._pool.answered(self.call, int(head[9:12]))
            self._buffer, self.call = b"", -1
            self._pool.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """A call cut off has no answer."""
        if self.call >= 0:
            self._pool.answered(self.call, 0)


class Pool:
    """Free connections and calls that wait for one: waiting counts, as it would for a caller."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._idle: deque[Caller] = deque()
        self._waiting: deque[tuple[int, bytes]] = deque()
        self.statuses: dict[int, int] = {}

    def free(self, caller: Caller) -> None:
        """Take the next waiting call, or rest."""
        if self._waiting:
            self._write(caller, *self._waiting.popleft())
        else:
            self._idle.append(caller)

    def answered(self, call: int, status: int) -> None:
        """Note the answer."""
        self.statuses[call] = status

    def send(self, call: int, request: bytes) -> None:
        """Send now, or as soon as a connection is free."""
        if self._idle:
            self._write(self._idle.popleft(), call, request)
        else:
            self._waiting.append((call, request))

    @staticmethod
    def _write(caller: Caller, call: int, request: bytes) -> None:
        assert caller.transport is not None
        caller.call = call
        caller.transport.write(request)


async def run(load: Load) -> list[tuple[str, str, float, int]]:
    """Return (source, number, intended time, status) of every call."""
    pool = Pool(load)
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Caller(pool), load.host, load.port)
    count = int(load.rate * load.seconds)
    sources, sent = list(CODES), []
    start, wall = loop.time() + 0.2, time.time() + 0.2
    for index in range(count):
        due = start + index / load.rate
        if (ahead := due - loop.time()) > 0:
            await asyncio.sleep(ahead)
        source = sources[index % len(sources)]
        number = f"{load.run}{index:08d}"
        content = body(source, number, index)
        request = (
            f"POST /v1/feeds/{source}/calls HTTP/1.1\r\nHost: {load.host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {load.keys[source]}\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode() + content
        sent.append((source, number, wall + index / load.rate))
        pool.send(index, request)
    async with asyncio.timeout(60):
        while len(pool.statuses) < count:  # noqa: ASYNC110 - the last answers
            await asyncio.sleep(0.02)
    return [(*s, pool.statuses[i]) for i, s in enumerate(sent)]


def main() -> None:
    """Run the load given on standard input."""
    import uvloop  # noqa: PLC0415 - measured with the loop the services use

    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(load))) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
