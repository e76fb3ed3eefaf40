"""The hot door as an ASGI application: who is let in, what is read, and FEEDS 5 in bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from services.intake.adapters.app import Doors
from services.intake.adapters.body import known_charset
from services.intake.adapters.feed_door import Feed, FeedDoor
from services.intake.adapters.gate import Gate
from services.intake.config import Settings
from services.intake.domain.reading import hotlines
from services.intake.domain.records import read_record
from services.intake.domain.revisions import Outcome
from services.intake.handlers import Answer, Handed, HandedRefusal
from shared.runtime.errors import Unavailable
from shared.runtime.group import Busy
from shared.runtime.keys import Keyring, Principal
from shared.runtime.settings import Secret
from tests.unit.intake.records import HORIZON, a_record, pack

CALL = UUID("0193b7a0-0000-7000-8000-000000000001")
KEY = {"authorization": "Bearer k110"}


class Submitted:
    """Stands for the group commit: answers as it is told and keeps what it was given."""

    def __init__(self) -> None:
        self.records: list[Handed] = []
        self.refusals: list[HandedRefusal] = []
        self.fails: Exception | None = None

    async def call(self, _: Any, handed: Handed) -> Answer:
        """Take in a record."""
        if self.fails is not None:
            raise self.fails
        self.records.append(handed)
        return Answer(Outcome.RECEIVED, CALL, 1)

    async def refuse(self, refusal: HandedRefusal) -> None:
        """Take in a refusal."""
        self.refusals.append(refusal)


def client(submitted: Submitted) -> httpx.AsyncClient:
    """Return a client of a door before *submitted*, and of an application that reads nothing."""
    keys = {"k110": ("source:110",), "k119": ("source:119",), "drill": ("source:110", "exercise")}
    ring = Keyring(
        tuple(
            Principal(name=name, sha256=hashlib.sha256(name.encode()).hexdigest(), scopes=scopes)
            for name, scopes in keys.items()
        )
    )
    settings = Settings(
        kafka="", database=Secret(""), region_dir=Path(), secrets=Path(), body_limit=2000
    )
    door = FeedDoor(
        gate=Gate(ring, hotlines(pack(), readable=known_charset), drill_mode=lambda: False),
        feeds=(Feed("calls", "call_id", read_record, submitted.call),),
        settings=settings,
        refuse=submitted.refuse,
        digest=lambda body: hashlib.sha256(body).digest()[:16],
        horizon=lambda: HORIZON,
    )
    transport = httpx.ASGITransport(Doors(door, _reads))
    return httpx.AsyncClient(transport=transport, base_url="http://intake")


async def _reads(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body"})


async def test_a_202_names_the_call_in_json() -> None:
    """FEEDS 5: our ids; the length is that of the body."""
    submitted = Submitted()
    async with client(submitted) as door:
        answer = await door.post("/v1/feeds/110/calls", json=a_record(), headers=KEY)

    assert 202 == answer.status_code
    assert {"call_id": str(CALL), "revision": 1, "outcome": "received"} == answer.json()
    assert "application/json; charset=utf-8" == answer.headers["content-type"]
    assert str(len(answer.content)) == answer.headers["content-length"]
    assert 1 == len(submitted.records)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/feeds/110/calls", 405),
        ("PUT", "/v1/feeds/110/calls", 405),
        ("POST", "/v1/feeds/110/other", 404),
        ("POST", "/v1/feeds/110/x/calls", 404),
        ("POST", "/v1/feeds/110/calls/", 404),
        ("POST", "/v1/feeds//calls", 404),
        ("POST", "/v1/feeds/110", 404),
        ("POST", "/v1/feeds/911/calls", 403),
        ("POST", "/v1/feeds/119/calls", 403),
        ("GET", "/v1/calls/x", 418),
        ("GET", "/v1/feeds", 418),
    ],
)
async def test_where_a_request_goes(method: str, path: str, status: int) -> None:
    """The hot paths are exact; everything beside them is read elsewhere."""
    submitted = Submitted()
    async with client(submitted) as door:
        answer = await door.request(method, path, json=a_record(), headers=KEY)

    assert status == answer.status_code
    assert (status == 405) == (answer.headers.get("allow") == "POST")
    assert [] == submitted.records


@pytest.mark.parametrize("key", [{}, {"authorization": "Bearer nobody"}, {"authorization": "k1"}])
async def test_nobody_is_let_in_without_a_key(key: dict[str, str]) -> None:
    """401 before a byte of the body is read."""
    submitted = Submitted()
    async with client(submitted) as door:
        answer = await door.post("/v1/feeds/110/calls", content=b"no json", headers=key)

    assert (401, []) == (answer.status_code, submitted.refusals)
    assert "urn:liandong:problem:unauthenticated" == answer.json()["type"]
    assert "application/problem+json; charset=utf-8" == answer.headers["content-type"]


async def test_the_first_of_two_keys_counts() -> None:
    """A header added behind the sender's own changes nothing."""
    twice = [("authorization", "Bearer k110"), ("authorization", "Bearer nobody")]
    async with client(Submitted()) as door:
        answer = await door.post("/v1/feeds/110/calls", json=a_record(), headers=twice)

    assert 202 == answer.status_code


@pytest.mark.parametrize(("key", "status"), [("drill", 202), ("k110", 403)])
async def test_an_exercise_needs_its_scope(key: str, status: int) -> None:
    """演练 is claimed by a header and granted by the key."""
    submitted = Submitted()
    sent = {"authorization": f"Bearer {key}", "x-exercise": "TRUE"}
    async with client(submitted) as door:
        answer = await door.post("/v1/feeds/110/calls", json=a_record(), headers=sent)

    assert status == answer.status_code
    assert [True] * (status == 202) == [handed.exercise for handed in submitted.records]


async def _in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 100):
        yield b" " * 100


@pytest.mark.parametrize("declared", [True, False])
async def test_a_large_body_is_413_whether_its_length_was_declared(declared: bool) -> None:
    """The limit holds for what comes, not for what is said; the desk learns of it."""
    submitted = Submitted()
    content = b" " * 3000 if declared else _in_pieces(3000)
    async with client(submitted) as door:
        answer = await door.post("/v1/feeds/110/calls", content=content, headers=KEY)

    assert 413 == answer.status_code
    assert [("too_large",)] == [refusal.reasons for refusal in submitted.refusals]


async def test_a_body_may_come_in_pieces() -> None:
    """Chunks are one record."""
    raw = json.dumps(a_record()).encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield raw[:20]
        yield raw[20:]

    async with client(Submitted()) as door:
        answer = await door.post("/v1/feeds/110/calls", content=pieces(), headers=KEY)

    assert 202 == answer.status_code


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Busy(), 429, "busy"),
        (Unavailable("away"), 503, "not_durable"),
        (RuntimeError("secret"), 500, "internal"),
    ],
)
async def test_what_is_not_durable_is_not_accepted(
    error: Exception, status: int, kind: str
) -> None:
    """Each failure has its answer; what an error says is not shown."""
    submitted = Submitted()
    submitted.fails = error
    async with client(submitted) as door:
        answer = await door.post("/v1/feeds/110/calls", json=a_record(), headers=KEY)

    assert (status, f"urn:liandong:problem:{kind}") == (answer.status_code, answer.json()["type"])
    assert (status in (429, 503)) == ("retry-after" in answer.headers)
    assert "secret" not in answer.text


async def test_a_batch_answers_line_by_line() -> None:
    """NDJSON: one answer a line, 207 where they differ."""
    lines = [json.dumps(a_record()), json.dumps(a_record(bjsj=None))]
    sent = KEY | {"content-type": "application/x-ndjson"}
    async with client(Submitted()) as door:
        answer = await door.post("/v1/feeds/110/calls", content="\n".join(lines), headers=sent)
    told = [json.loads(line) for line in answer.text.splitlines()]

    assert (207, "application/x-ndjson") == (answer.status_code, answer.headers["content-type"])
    assert [(1, 202), (2, 400)] == [(line["line"], line["status"]) for line in told]
