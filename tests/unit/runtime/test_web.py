"""Doors: problem documents, health that says what it waits for, bounded bodies, keys."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.contracts.problems import MEANINGS, Problem
from shared.runtime.keys import Keyring, Principal
from shared.runtime.web import TooMuch, bounded_body, health_routes, problem


@dataclass
class Waiting:
    """A part that waits for something."""

    name: str = "router.urgent"
    waiting: str | None = "partitions"

    async def run(self) -> None:
        """Never started here."""


def client(app: Starlette) -> httpx.AsyncClient:
    """Return a client that calls *app* in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


async def test_ready_names_what_each_part_waits_for() -> None:
    """`/ready` says what it waits for; `/live` does not depend on it."""
    part = Waiting()
    async with client(Starlette(routes=health_routes([part]))) as http:
        waiting, live = await http.get("/ready"), await http.get("/live")
        part.waiting = None
        ready = await http.get("/ready")

    assert (503, {"router.urgent": "partitions"}) == (
        waiting.status_code,
        waiting.json()["waiting"],
    )
    assert (200, 200) == (live.status_code, ready.status_code)


def test_every_problem_has_a_status_and_words_in_both_languages() -> None:
    """One StrEnum, one catalogue."""
    assert set(Problem) == set(MEANINGS)
    for code, meaning in MEANINGS.items():
        body = json.loads(bytes(problem(code, "here").body))
        assert (f"urn:liandong:problem:{code}", meaning.status) == (body["type"], body["status"])
        assert meaning.zh
        assert meaning.en


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_over_the_limit_is_refused_while_it_comes(chunked: bool) -> None:
    """Bounded bodies: declared or streamed."""

    async def door(request: Request) -> Response:
        try:
            return Response(await bounded_body(request, 10))
        except TooMuch:
            return problem(Problem.TOO_LARGE, "at most 10 bytes")

    async def pieces():  # type: ignore[no-untyped-def]  # noqa: ANN202
        for _ in range(4):
            yield b"12345"

    async with client(Starlette(routes=[Route("/", door, methods=["POST"])])) as http:
        large = await http.post("/", content=pieces() if chunked else b"1" * 20)
        small = await http.post("/", content=b"1" * 10)

    assert (413, 200) == (large.status_code, small.status_code)


def test_a_key_is_known_by_its_digest_and_grants_its_scopes_only() -> None:
    """Hashed keys with scopes; `unit:*` grants every unit and nothing else."""
    digest = hashlib.sha256(b"clear").hexdigest()
    ring = Keyring((Principal(name="all units", sha256=digest, scopes=("unit:*",)),))
    known = ring.of("Bearer clear")

    assert known is not None
    assert known.may("unit:xj-rescue")
    assert not known.may("desk")
    assert not known.may("source:119")
    assert ring.of("Bearer other") is None
    assert ring.of(None) is None
