"""The played gateways: accept once, answer again, err as the seed says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx
import msgspec

from services.drill.adapters import providers
from services.drill.adapters.providers import Provider
from services.drill.domain.journal import Journal
from services.drill.domain.provider_faults import Fault, fault_of, outage
from shared.contracts.ids import NAMESPACE
from shared.contracts.order import Order, OrderBatch, ReceiptBatch
from shared.runtime.keys import Keyring, Principal
from tests.unit.drill.stage import T0, an_order

AUDITOR = Principal(
    name="auditor", sha256=hashlib.sha256(b"audit").hexdigest(), scopes=("auditor",)
)
SEED = 5


def notice_with(fault: Fault) -> UUID:
    """Return a notice id that the seed gives *fault*."""
    found = (uuid5(NAMESPACE, str(n)) for n in range(10_000))
    return next(notice for notice in found if fault_of(SEED, notice) is fault)


def gateways(
    ordered: Callable[[Order], None] = lambda _: None,
    *,
    seed: int | None = None,
    away: Callable[[str], bool] = lambda _: False,
) -> tuple[Journal, httpx.AsyncClient]:
    """Return the journal and a client of the doors."""
    journal = Journal()
    app = providers.app(
        Provider(journal=journal, ordered=ordered, seed=seed, away=away),
        keys={"sms": "s-key", "webhook": "w-key"},
        keyring=Keyring((AUDITOR,)),
        parts=[],
        progress=journal.progress,
    )
    transport = httpx.ASGITransport(app=app)
    return journal, httpx.AsyncClient(transport=transport, base_url="http://drill")


async def post(client: httpx.AsyncClient, *orders: Order, key: str = "w-key") -> httpx.Response:
    """Post *orders* to the webhook gateway."""
    body = msgspec.json.encode(OrderBatch(orders=orders))
    headers = {"authorization": f"Bearer {key}"}
    return await client.post("/webhook/orders", content=body, headers=headers)


def receipts(answer: httpx.Response) -> Any:
    """Return the receipts of an answer."""
    return msgspec.json.decode(answer.content, type=ReceiptBatch).receipts


async def test_an_order_that_comes_again_is_answered_again_and_done_once() -> None:
    """The notice id is the provider's idempotency key (ARCHITECTURE §4.11)."""
    done: list[Order] = []
    journal, client = gateways(done.append)
    first, again = await post(client, an_order()), await post(client, an_order())

    assert [True, True] == [receipts(first)[0].accepted, receipts(again)[0].accepted]
    assert 1 == len(done)
    assert 2 == journal.notices[an_order().notice_id].times


async def test_a_refusal_for_now_asks_to_try_again() -> None:
    """Refused once with `retry`, accepted the second time."""
    done: list[Order] = []
    _, client = gateways(done.append, seed=SEED)
    order = an_order(notice_id=notice_with(Fault.REFUSED_FOR_NOW))
    refused = receipts(await post(client, order))[0]

    assert (False, True) == (refused.accepted, refused.retry)
    assert [] == done
    assert receipts(await post(client, order))[0].accepted


async def test_an_accepted_order_whose_answer_is_lost_is_done_all_the_same() -> None:
    """No receipt counts as no answer; the next attempt must not do it twice."""
    done: list[Order] = []
    _, client = gateways(done.append, seed=SEED)
    order = an_order(notice_id=notice_with(Fault.ANSWER_LOST))
    lost, again = await post(client, order), await post(client, order)

    assert () == receipts(lost)
    assert receipts(again)[0].accepted
    assert 1 == len(done)


async def test_a_slow_answer_is_an_answer() -> None:
    """Slow is not wrong."""
    _, client = gateways(seed=SEED)

    assert receipts(await post(client, an_order(notice_id=notice_with(Fault.SLOW))))[0].accepted


async def test_each_gateway_has_its_own_key() -> None:
    """A key of the other gateway opens nothing."""
    journal, client = gateways()

    assert 401 == (await post(client, an_order(), key="s-key")).status_code
    assert {} == journal.notices


async def test_a_gateway_that_is_away_refuses_everything() -> None:
    """503: the platform keeps the rows and tries later."""
    _, client = gateways(away=lambda channel: channel == "webhook")

    assert 503 == (await post(client, an_order())).status_code


async def test_the_journal_is_for_the_auditor() -> None:
    """It holds ids only, but not for everybody."""
    _, client = gateways()
    await post(client, an_order())
    refused = await client.get("/v1/journal")
    shown = await client.get("/v1/journal", headers={"authorization": "Bearer audit"})

    assert 403 == refused.status_code
    assert [str(an_order().notice_id)] == list(shown.json()["notices"])
    assert "text" not in shown.text


async def test_only_the_newest_receipts_are_kept_where_a_limit_is_set() -> None:
    """`make up` runs for weeks: the providers must not fill the memory."""
    journal = Journal(kept=2)
    for number in range(5):
        journal.received(an_order(notice_id=UUID(int=number)), at=float(number))

    assert [UUID(int=3), UUID(int=4)] == list(journal.notices)


def test_the_sms_gateway_is_away_once_in_the_middle_of_the_day() -> None:
    """The seed says when; never at the edges, so that it can recover in the play."""
    end = T0 + timedelta(hours=24)
    for seed in range(20):
        window = outage(seed, T0, end)
        assert T0 + timedelta(hours=6) <= window.start
        assert window.end <= end - timedelta(hours=5)
