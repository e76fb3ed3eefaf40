"""Gateways over HTTP: one pooled client each, one request for many orders, answers bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import httpx
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

    `url` is the base address, `key` the bearer key. Redirects are not followed and proxies of the
    environment not used: orders go where the settings say and nowhere else.
    """

    def __init__(self, url: str, key: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            headers={
                "authorization": f"Bearer {key}",
                "content-type": "application/json",
                "accept-encoding": "identity",
            },
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
            timeout=httpx.Timeout(timeout_s),
            trust_env=False,
        )
        self._url = httpx.URL(url + ORDERS_PATH)

    async def send(self, bodies: Sequence[bytes]) -> dict[UUID, Receipt] | Failure:
        """Post one batch; a receipt that comes twice counts once, one nobody asked for is ignored."""
        content = b'{"orders":[' + b",".join(bodies) + b"]}"
        request = self._client.build_request("POST", self._url, content=content)
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.send(request, stream=True)
                try:
                    body = await _bounded(answer)
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx.TimeoutException):
            return Failure(Trouble.TIMED_OUT)
        except (httpx.HTTPError, httpx.StreamError):
            return Failure(Trouble.NO_ANSWER)
        return _read(answer, body)

    async def close(self) -> None:
        """Close the pool."""
        await self._client.aclose()


async def _bounded(answer: httpx.Response) -> bytes | None:
    """Return the body, None as soon as it is known to be too large."""
    chunks, size = [], 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _read(answer: httpx.Response, body: bytes | None) -> dict[UUID, Receipt] | Failure:
    status = answer.status_code
    if status in _REFUSES_BODY:
        return Failure(Trouble.BATCH_REFUSED)
    if status in _REFUSES_KEY:
        return Failure(Trouble.KEY_REFUSED)
    if status in _BUSY:
        return Failure(Trouble.BUSY, _seconds(answer.headers.get("retry-after", "")))
    if status != httpx.codes.OK:
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
