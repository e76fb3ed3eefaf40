"""What a request brings besides its body is believed only in its own form."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import cast

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from services.router.adapters.doors import CommandDoors
from services.router.adapters.reads import ReadDoors
from services.router.domain.requests import Answer, Request
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.keys import Keyring, Principal
from shared.runtime.tracing import trace_id
from tests.builders import an_incident_id

DESK = Principal(name="desk", sha256=hashlib.sha256(b"desk").hexdigest(), scopes=("desk",))
KEYRING = Keyring((DESK,))
SOUND = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class NotingGroup:
    """Notes what is asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def submit(self, item: Request) -> Answer:
        """Answer anything."""
        self.asked.append(item)
        return b"{}"


async def ask(routes: list[BaseRoute], method: str, path: str, **headers: str) -> httpx.Response:
    """Knock as the desk."""
    transport = httpx.ASGITransport(Starlette(routes=routes))
    headers = {"authorization": "Bearer desk", "idempotency-key": "K", **headers}
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as http:
        return await http.request(method, path, json={"reason": "误报"}, headers=headers)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (SOUND, True),
        (SOUND.upper(), False),
        (f"{SOUND}-extra", False),
        (SOUND.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), False),
        ("1380000" + "1234", False),
    ],
)
async def test_a_malformed_trace_is_dropped(sent: str, kept: bool) -> None:
    """W3C Trace Context: it goes on into events, where nothing of a person may stand (§7)."""
    group = NotingGroup()
    path = f"/v1/incidents/{an_incident_id()}/cancel"
    await ask(CommandDoors(group, KEYRING).routes(), "POST", path, traceparent=sent)

    (trace,) = [asked.trace for asked in group.asked]
    assert trace_id(trace) is not None
    assert kept is (trace_id(trace) == trace_id(sent))
    assert sent != trace  # a span of our own


@pytest.mark.parametrize(
    "time", ["2026-11-22T10:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"]
)
@pytest.mark.parametrize("path", ["incidents", "desk", "parked"])
async def test_a_forged_cursor_is_refused(path: str, time: str) -> None:
    """A naive time, or one outside of UTC's years, never gets to the database (there is none)."""
    cursor = base64.urlsafe_b64encode(msgspec.json.encode((time, an_incident_id()))).decode()
    nothing = cast("Database", None)
    doors = ReadDoors(nothing, KEYRING, cast("Clock", None), timedelta(0))
    answer = await ask(doors.routes(), "GET", f"/v1/{path}?cursor={cursor}")

    assert (400, "urn:liandong:problem:invalid_fields") == (
        answer.status_code,
        answer.json()["type"],
    )
