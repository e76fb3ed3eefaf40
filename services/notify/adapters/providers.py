"""Gateways over HTTP: one pooled client each, one request for many orders, answers bounded."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

import aiohttp
import certifi
import msgspec

from services.notify.domain.delivery import Failure, Trouble
from shared.contracts.order import ORDERS_PATH, Receipt, ReceiptBatch

MAX_CONNECTIONS = 8
KEEP_ALIVE_S = 30.0
"""Shorter than the gateways' own (75 s here), so that a reused connection is still open."""
MAX_ANSWER_BYTES = 256 * 1024
_DECODER = msgspec.json.Decoder(ReceiptBatch)
_REFUSES_BODY = frozenset({400, 413, 422})
_REFUSES_KEY = frozenset({401, 403})
_BUSY = frozenset({429, 503})


class HttpProvider:
    """The port `Provider`; `timeout_s` limits one request from its start to the end of the answer.

    `url` is the base address, `key` the bearer key. Redirects are not followed, cookies not kept and
    proxies of the environment not used: orders go where the settings say and nowhere else. Made
    inside a running loop. aiohttp, because a request costs a sixth to an eighth of what it does with httpx
    (ADR 0008).
    """

    def __init__(self, url: str, key: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._url = url + ORDERS_PATH
        secure = url.startswith("https:")
        self._client = aiohttp.ClientSession(
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
            connector=aiohttp.TCPConnector(
                limit=MAX_CONNECTIONS,
                keepalive_timeout=KEEP_ALIVE_S,
                ssl=ssl.create_default_context(cafile=certifi.where()) if secure else True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            # one limit of our own, below, instead of four timers a request
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            trust_env=False,
        )

    async def send(self, bodies: Sequence[bytes]) -> dict[UUID, Receipt] | Failure:
        """Post one batch; a receipt that comes twice counts once, one nobody asked for is ignored."""
        content = b'{"orders":[' + b",".join(bodies) + b"]}"
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.post(self._url, data=content, allow_redirects=False) as answer,
            ):
                return _read(answer, await _bounded(answer))
        except TimeoutError:
            return Failure(Trouble.TIMED_OUT)
        except (aiohttp.ClientError, OSError):
            return Failure(Trouble.NO_ANSWER)

    async def close(self) -> None:
        """Close the pool."""
        await self._client.close()


async def _bounded(answer: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, None as soon as it is known to be too large."""
    chunks, size = [], 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            answer.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _read(answer: aiohttp.ClientResponse, body: bytes | None) -> dict[UUID, Receipt] | Failure:
    status = answer.status
    if status in _REFUSES_BODY:
        return Failure(Trouble.BATCH_REFUSED)
    if status in _REFUSES_KEY:
        return Failure(Trouble.KEY_REFUSED)
    if status in _BUSY:
        return Failure(Trouble.BUSY, _seconds(answer.headers.get("Retry-After", "")))
    if status != HTTPStatus.OK:
        return Failure(Trouble.PROVIDER_ERROR)
    try:
        receipts = _DECODER.decode(body or b"").receipts
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Failure(Trouble.MALFORMED_ANSWER)
    found: dict[UUID, Receipt] = {}
    for receipt in receipts:
        found.setdefault(receipt.notice_id, receipt)
    return found


def _seconds(text: str) -> float:
    """Return a Retry-After in seconds, 0 for a date or anything else."""
    return float(text) if text.isascii() and text.isdigit() else 0.0
