"""A provider on a real socket, under the test's control: goes away, answers late, twice or not at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self
from uuid import UUID

import msgspec

from shared.contracts.order import ORDERS_PATH, Order, OrderBatch, Receipt, ReceiptBatch

Answer = tuple[int, bytes]
Script = Callable[[Sequence[Order]], Answer]

_DECODER = msgspec.json.Decoder(OrderBatch)


def receipts(*given: Receipt) -> Answer:
    """Answer 200 with *given*."""
    return 200, msgspec.json.encode(ReceiptBatch(receipts=given))


def accepting(orders: Sequence[Order]) -> Answer:
    """Accept every order."""
    return receipts(
        *(
            Receipt(notice_id=o.notice_id, accepted=True, ref=f"ref-{o.notice_id.hex[:8]}")
            for o in orders
        )
    )


class Gateway:
    """`POST /orders` on a free port of the loopback."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.script: Script = accepting
        self.batches: list[tuple[Order, ...]] = []
        self.paths: Counter[str] = Counter()
        self.open = asyncio.Event()
        self.open.set()
        self.in_flight = self.most_in_flight = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def orders(self) -> list[Order]:
        """Every order that came, as often as it came."""
        return [order for batch in self.batches for order in batch]

    def times(self, incident: UUID) -> Counter[UUID]:
        """How often each notice of *incident* came."""
        return Counter(o.notice_id for o in self.orders if o.incident_id == incident)

    def of(self, incident: UUID) -> list[Order]:
        """Orders of *incident* in the order they came."""
        return [o for o in self.orders if o.incident_id == incident]

    async def up(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse connections, and cut those that are open."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open.set()
        await self.down()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                status, body = await self._answer(head, reader)
                writer.write(
                    f"HTTP/1.1 {status} -\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
                )
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader) -> Answer:
        lines = head.split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
        content = await reader.readexactly(int(headers["content-length"]))
        path = lines[0].split(" ")[1]
        self.paths[path] += 1
        if headers.get("authorization") != f"Bearer {self.key}":
            return 401, b""
        if path != ORDERS_PATH:
            return 404, b""
        orders = _DECODER.decode(content).orders
        self.batches.append(orders)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.open.wait()
            return self.script(orders)
        finally:
            self.in_flight -= 1
