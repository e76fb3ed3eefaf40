"""The door: who may ask, in which form, for which period."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.adapters.http import application
from shared.contracts.sla import ClockKind
from shared.runtime.keys import Keyring, Principal
from tests.integration.reports import said
from tests.integration.reports.stage import Stage
from tests.unit.reports.cases import T0, xianju

pytestmark = pytest.mark.infrastructure

KEYS = {"desk": "desk", "auditor": "auditor", "feed": "source:110"}
DESK = {"Authorization": "Bearer desk"}
UNIT = "xj-traffic"


def keyring() -> Keyring:
    """Return a key of each scope; the key is the name."""
    return Keyring(
        tuple(
            Principal(name=n, sha256=hashlib.sha256(n.encode()).hexdigest(), scopes=(scope,))
            for n, scope in KEYS.items()
        )
    )


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the service after a collision, a repeat and a drill."""
    twenty = timedelta(minutes=20)
    arrival = said.clock(1, UNIT, ClockKind.ARRIVAL, T0, twenty, timedelta(minutes=12))
    events: list[Any] = [
        said.call(1, T0),
        said.call(2, T0),
        said.call("drill", T0, exercise=True),
        said.incident(1, T0, others=[2]),
        said.clocks(1, T0 + timedelta(hours=1), arrival),
    ]
    await stage.say(*events)
    async with stage.listening():
        await stage.heard(len(events))
    app = application(
        xianju(), stage.reader, FrozenMonths(stage.database), keyring(), [], stage.files
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://reports") as client:
        yield client


async def test_the_month_as_json(door: httpx.AsyncClient) -> None:
    """`GET /v1/months/2026-11/overview` gives T1 of the real population."""
    answer = await door.get("/v1/months/2026-11/overview", headers=DESK)

    assert 200 == answer.status_code
    body = answer.json()
    assert (2, 1, 1) == (body["received"], body["valid"], body["duplicate"])
    assert {"numerator": 1, "denominator": 2, "percent": 50.0} == body["valid_rate"]
    assert {"test": 0, "exercise": 1} == body["left_out"]
    assert 1 == next(r["count"] for r in body["by_row"]["rows"] if r["id"] == "traffic")


async def test_units_of_a_day(door: httpx.AsyncClient) -> None:
    """T3 of a day: the arrival of 12 minutes was on time."""
    answer = await door.get("/v1/days/2026-11-22/units", headers=DESK)

    row = next(u for u in answer.json()["units"] if u["unit"] == UNIT)
    assert (1, 1) == (row["arrival"]["day"]["should"], row["arrival"]["day"]["on_time"])
    assert 720.0 == row["arrival"]["all"]["spread"]["p90_s"]
