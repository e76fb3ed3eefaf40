"""The door: who may ask, in which form, for which period."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

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
    app = application(xianju(), stage.reader, keyring(), [])
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


async def test_an_exercise_is_asked_for_by_name(door: httpx.AsyncClient) -> None:
    """`population=exercise` gives the drill's own month, titled 演练."""
    answer = await door.get("/v1/months/2026-11/overview?population=exercise", headers=DESK)

    assert 1 == answer.json()["received"]
    assert "演练" in answer.json()["heading"]["title"]


async def test_published_cells_below_five_are_hidden(door: httpx.AsyncClient) -> None:
    """What is published shows no count of 1 to 4; the desk's own view does."""
    answer = await door.get("/v1/months/2026-11/overview?published=true", headers=DESK)

    assert answer.json()["valid"] is None
    assert not [r for r in answer.json()["by_row"]["rows"] if r["count"]]


@pytest.mark.parametrize("form", ["json", "html", "xlsx"])
@pytest.mark.parametrize("table", ["overview", "units"])
async def test_the_same_facts_give_the_same_bytes(
    door: httpx.AsyncClient, form: str, table: str
) -> None:
    """Recomputing gives the same bytes in every form, so the reader's ETag still holds."""
    address = f"/v1/months/2026-11/{table}?format={form}"
    first, second = await door.get(address, headers=DESK), await door.get(address, headers=DESK)

    assert first.content == second.content
    known = await door.get(address, headers=DESK | {"If-None-Match": first.headers["ETag"]})
    assert (304, b"") == (known.status_code, known.content)


async def test_accept_chooses_the_form(door: httpx.AsyncClient) -> None:
    """A browser's Accept header gets the page."""
    accept = {"Accept": "text/html,application/xhtml+xml;q=0.9"}
    answer = await door.get("/v1/months/2026-11/overview", headers=DESK | accept)

    assert answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("address", "field", "words"),
    [
        ("months/2026-13/overview", "month", "write YYYY-MM"),
        ("months/november/overview", "month", "write YYYY-MM"),
        ("days/2026-02-30/units", "day", "write YYYY-MM-DD"),
        ("months/2026-11/overview?population=both", "population", "real, exercise"),
        ("months/2026-11/overview?format=pdf", "format", "json, html, xlsx"),
    ],
)
async def test_a_wrong_question_names_the_right_form(
    door: httpx.AsyncClient, address: str, field: str, words: str
) -> None:
    """400 problem+json says which field is wrong and how it is written."""
    answer = await door.get(f"/v1/{address}", headers=DESK)

    assert 400 == answer.status_code
    assert "application/problem+json" in answer.headers["content-type"]
    assert field == answer.json()["fields"][0]["field"]
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(("key", "status"), [("auditor", 200), ("feed", 403), ("nobody", 401)])
async def test_only_desk_and_auditors_may_ask(
    door: httpx.AsyncClient, key: str, status: int
) -> None:
    """A source's or unit's key reads no statistics, an unknown one nothing at all."""
    answer = await door.get(
        "/v1/months/2026-11/overview", headers={"Authorization": f"Bearer {key}"}
    )

    assert status == answer.status_code
