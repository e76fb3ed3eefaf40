"""What leaves leaves at once; what is logged while it is out tells whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from services.notify.adapters.sending import Sender
from services.notify.domain.delivery import Failure
from services.notify.domain.line import Held
from shared.contracts.order import Receipt
from tests.parts import Lines
from tests.unit.notify.cases import PACK
from tests.unit.notify.test_line import held

TRACE = "0af7651916cd43dd8448eb211c80319c"


class LoggingProvider:
    """A provider whose client logs while it sends."""

    async def send(self, bodies: Sequence[bytes]) -> dict[UUID, Receipt] | Failure:
        """Answer nothing."""
        structlog.get_logger().warning("provider is slow")
        return {}


class CountingProvider:
    """A provider that remembers how many orders each request held."""

    def __init__(self) -> None:
        self.requests: list[int] = []

    async def send(self, bodies: Sequence[bytes]) -> dict[UUID, Receipt] | Failure:
        """Never answer."""
        self.requests.append(len(bodies))
        await asyncio.Event().wait()
        raise AssertionError("nobody waits for the end of it")


async def test_what_a_commit_hands_over_is_posted_in_the_next_turn_in_one_request() -> None:
    """ADR 0008: the last hop of an order waits for no other task of the process."""

    async def ours() -> None: ...

    provider, policy = CountingProvider(), PACK.notices.channels[0]
    sender = Sender(policy.channel, provider, policy, lambda *_: None, ours)
    task = asyncio.create_task(sender.run())
    await asyncio.sleep(0)
    sender.add(held(), held("xj-hospital"))
    await asyncio.sleep(0)
    posted = list(provider.requests)
    task.cancel()

    assert [2] == posted


async def test_lines_about_notices_that_are_out_carry_their_traces(lines: Lines) -> None:
    """Issue 3: trace and incident id, of each notice of the request."""
    settled: list[Held] = []

    async def ours() -> None: ...

    def settle(each: Held, _: Any) -> None:
        settled.append(each)

    policy = PACK.notices.channels[0]
    sender = Sender(policy.channel, LoggingProvider(), policy, settle, ours)
    first, second = held(), held("xj-hospital")
    for each in (first, second):
        each.trace = f"00-{TRACE}-b7ad6b7169203331-01"
        sender.add(each)
    task = asyncio.create_task(sender.run())
    async with asyncio.timeout(10):
        while not settled:
            await asyncio.sleep(0)
    task.cancel()

    slow, sent = lines()
    assert ["provider is slow", "notices sent"] == [slow["event"], sent["event"]]
    for line in (slow, sent):
        assert (TRACE, str(first.order.incident_id)) == (line["trace"], line["incident"])
        assert {str(first.notice_id), str(second.notice_id)} == set(line["notices"])
