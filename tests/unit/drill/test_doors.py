"""Knocking: again until there is an answer, always under the same id, and every answer named."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import httpx
import msgspec
import pytest

from services.drill.adapters import doors
from services.drill.adapters.doors import Doors
from services.drill.domain.plan import ONCE, Answered, Send
from services.drill.domain.unit_play import Step, act_of
from services.drill.ports import Awaiting
from tests.unit.drill.stage import T0

KEYS = {"source:110": "k-110", "unit:u": "k-u", "desk": "k-desk"}
SEND = Send(name="N", at=T0, source="110", number="N", body=b"{}", allowed=ONCE)
ACT = act_of(Step.ACK, UUID(int=3), "u", T0)


def knocking(*replies: httpx.Response | Exception) -> tuple[Doors, list[httpx.Request]]:
    """Return doors that answer with *replies* in turn, the last for ever, and what they were asked."""
    asked: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        found = replies[min(len(asked), len(replies) - 1)]
        asked.append(request)
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, content=found.content)

    client = httpx.AsyncClient(transport=httpx.MockTransport(reply))
    return Doors(client, intake="http://intake", router="http://router", keys=KEYS), asked


def said(status: int, **body: object) -> httpx.Response:
    """Return an answer."""
    return httpx.Response(status, content=msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        (202, Answered.ACCEPTED),
        (200, Answered.REPEATED),
        (400, Answered.REJECTED),
        (401, Answered.REJECTED),
        (413, Answered.REJECTED),
        (500, Answered.FAILED),
    ],
)
async def test_intakes_answers_have_names(status: int, answered: Answered) -> None:
    """FEEDS §5."""
    door, _ = knocking(said(status))

    assert answered is (await door.send(SEND)).answered


async def test_a_door_that_asks_for_patience_is_asked_again() -> None:
    """503 and 429 are no answers: the same record is sent again until there is one."""
    door, asked = knocking(said(503), said(429), said(202, call_id="x"))
    answer = await door.send(SEND)

    assert (Answered.ACCEPTED, 3) == (answer.answered, answer.attempts)
    assert 1 == len({request.content for request in asked})


async def test_a_repeat_our_own_second_attempt_made_is_an_acceptance() -> None:
    """The first answer was lost on the way: the record was accepted all the same."""
    door, _ = knocking(httpx.ReadTimeout("lost"), said(200, call_id="x"))

    assert Answered.ACCEPTED is (await door.send(SEND)).answered


async def test_an_item_nobody_answers_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never dropped in silence: it ends as failed, with the attempts it took."""
    monkeypatch.setattr(doors, "PATIENCE_S", 0.2)
    door, _ = knocking(httpx.ConnectError("away"))
    answer = await door.send(SEND)

    assert (Answered.FAILED, 0) == (answer.answered, answer.status)
    assert answer.attempts > 1


async def test_a_wrong_key_is_nobodys() -> None:
    """The fault `wrong_key` must not use the source's own."""
    door, asked = knocking(said(401))
    await door.send(replace(SEND, own_key=False))

    assert "k-110" not in asked[0].headers["authorization"]


async def test_a_command_carries_its_id_and_its_own_moment() -> None:
    """ARCHITECTURE §4.10; `occurred_at` bears an offset."""
    door, asked = knocking(said(503), said(200))
    answer = await door.command(ACT)
    body = msgspec.json.decode(asked[0].content)

    assert Answered.ACCEPTED is answer.answered
    assert {f"{UUID(int=3)}-ack"} == {request.headers["idempotency-key"] for request in asked}
    assert f"http://router/v1/assignments/{UUID(int=3)}/ack" == str(asked[0].url)
    assert T0.isoformat() == body["occurred_at"]


async def test_a_refusal_keeps_its_named_reason() -> None:
    """The same word in the event, the answer and our journal."""
    door, _ = knocking(said(409, reason="end_before_arrival", type="urn:liandong:problem:x"))

    assert "end_before_arrival" == (await door.command(ACT)).reason


async def test_the_desk_reads_its_list_and_decides() -> None:
    """A check is passed, a return granted; what is only to be looked at stays with people."""
    items = [
        {"kind": "attention", "incident_id": str(UUID(int=4)), "reason": "called_again"},
        {"kind": "check", "incident_id": str(UUID(int=5))},
        {
            "kind": "return",
            "incident_id": str(UUID(int=5)),
            "assignment_id": str(UUID(int=6)),
        },
    ]
    door, asked = knocking(said(200, items=items))
    matters = await door.awaiting()
    for matter in matters:
        await door.decide(matter)

    assert [
        Awaiting(kind="check", incident=UUID(int=5)),
        Awaiting(kind="return", incident=UUID(int=5), assignment=UUID(int=6)),
    ] == list(matters)
    assert [
        f"/v1/incidents/{UUID(int=5)}/check",
        f"/v1/assignments/{UUID(int=6)}/decide-return",
    ] == [request.url.path for request in asked[1:]]
