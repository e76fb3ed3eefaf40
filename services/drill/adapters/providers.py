"""The played SMS gateway and webhook gateway (`/sms/orders`, `/webhook/orders`), and the journal's door."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.drill.domain.journal import Journal
from services.drill.domain.provider_faults import Fault, fault_of
from shared.contracts.order import ORDERS_PATH, Order, OrderBatch, Receipt, ReceiptBatch
from shared.contracts.problems import Problem
from shared.runtime.keys import Keyring
from shared.runtime.service import Part
from shared.runtime.web import TooMuch, bounded_body, health_routes, problem

SLOW_S = 0.4
_BODY_LIMIT = 4 * 1024 * 1024
_DECODER = msgspec.json.Decoder(OrderBatch)
_ENCODER = msgspec.json.Encoder()


@dataclass(kw_only=True)
class Provider:
    """Both gateways. `ordered` hears each order once, when it is first accepted.

    `seed` None plays gateways that never err; `away` says whether a channel refuses everybody now.
    """

    journal: Journal
    ordered: Callable[[Order], None]
    seed: int | None
    away: Callable[[str], bool]

    async def receive(self, batch: OrderBatch) -> ReceiptBatch:
        """Answer each order; one whose answer is lost gets no receipt."""
        at = time.time()
        receipts = [await self._answer(order, at) for order in batch.orders]
        return ReceiptBatch(receipts=tuple(each for each in receipts if each is not None))

    async def _answer(self, order: Order, at: float) -> Receipt | None:
        entry = self.journal.received(order, at)
        first = entry.times == 1
        fault = (
            fault_of(self.seed, order.notice_id) if first and self.seed is not None else Fault.NONE
        )
        if fault is Fault.REFUSED_FOR_NOW:
            return Receipt(notice_id=order.notice_id, accepted=False, retry=True, reason="busy")
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        if not entry.accepted:
            entry.accepted = True
            self.ordered(order)
        if fault is Fault.ANSWER_LOST:
            return None
        return Receipt(
            notice_id=order.notice_id, accepted=True, ref=f"drill-{order.notice_id.hex[:12]}"
        )


def app(
    provider: Provider,
    *,
    keys: Mapping[str, str],
    keyring: Keyring,
    parts: list[Part],
    progress: Callable[[], dict[str, Any]],
) -> Starlette:
    """Return the drill's doors: two gateways, `/v1/progress`, `/v1/journal` (auditor), health."""

    def gateway(channel: str) -> Callable[[Request], Any]:
        async def orders(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {keys[channel]}":
                return problem(Problem.UNAUTHENTICATED, f"the {channel} gateway has its own key")
            if provider.away(channel):
                return problem(Problem.NOT_DURABLE, "the gateway is away for a while")
            try:
                batch = _DECODER.decode(await bounded_body(request, _BODY_LIMIT))
            except TooMuch:
                return problem(Problem.TOO_LARGE, f"at most {_BODY_LIMIT} bytes a request")
            except msgspec.DecodeError as error:
                return problem(Problem.INVALID_BODY, str(error).split("'", 1)[0])
            return _json(await provider.receive(batch))

        return orders

    async def journal(request: Request) -> Response:
        who = keyring.of(request.headers.get("authorization"))
        if who is None or not who.may("auditor"):
            return problem(Problem.FORBIDDEN, "the journal is for the auditor's key")
        return _json(provider.journal)

    async def show_progress(_: Request) -> Response:
        return _json(progress())

    return Starlette(
        routes=[
            Route(f"/sms{ORDERS_PATH}", gateway("sms"), methods=["POST"]),
            Route(f"/webhook{ORDERS_PATH}", gateway("webhook"), methods=["POST"]),
            Route("/v1/progress", show_progress),
            Route("/v1/journal", journal),
            *health_routes(parts),
        ]
    )


def _json(content: Any) -> Response:
    return Response(_ENCODER.encode(content), media_type="application/json")
