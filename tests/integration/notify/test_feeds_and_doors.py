"""Departments' feeds on their topics; what the desk may look up; what is forgotten."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from shared.contracts.incident import AssignmentState, ChangeKind, IncidentState, Role
from shared.contracts.notice import FeedEntry
from tests.engine import until
from tests.integration.notify.stage import Stage, fresh
from tests.integration.notify.worker import DESK_KEY, UNIT_KEY
from tests.unit.notify.cases import PLACE, a_duty, an_incident, dispatched, event

pytestmark = pytest.mark.infrastructure


async def test_each_departments_topic_shows_its_own_redacted_state(stage: Stage) -> None:
    """`feed.<department>`: entry, change, withdrawal and tombstone, versions in order."""
    medical = a_duty("xj-medical", Role.SUPPORT)
    incident = fresh(an_incident(a_duty(), medical))
    key = incident.incident_id
    gone = replace(medical, state=AssignmentState.RELEASED)
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue", "xj-medical")))
        await stage.settled(key, 4)
        after = replace(incident, assignments=(a_duty(), gone))
        await stage.say(event(after, (ChangeKind.RELEASED, "xj-medical")))
        health = await stage.said("feed.health.v1", key, 3)
        fire = await stage.said("feed.fire.v1", key, 1)

    entries = [e.data for e in (*health, *fire) if e and isinstance(e.data, FeedEntry)]
    assert [None] == health[2:]
    assert [("health", 1), ("health", 2), ("fire", 1)] == [
        (e.department, e.version) for e in entries
    ]
    assert [{"xj-medical"}, {"xj-medical"}, {"xj-rescue"}] == [
        {a.unit for a in e.assignments} for e in entries
    ]
    assert all(PLACE not in msgspec.json.encode(e).decode() for e in entries)


@asynccontextmanager
async def door(stage: Stage, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Run notify and return a client of its doors with the desk's key."""
    endpoint = tmp_path / "endpoint.json"
    async with stage.here(endpoint_file=str(endpoint)):

        async def announced() -> bool:
            return endpoint.exists()

        await until(announced)
        base = json.loads(endpoint.read_text())["http"]
        headers = {"authorization": f"Bearer {DESK_KEY}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as client:
            yield client


async def test_the_desk_sees_who_was_told_page_by_page(stage: Stage, tmp_path: Path) -> None:
    """`GET /v1/notices`: proof by notice, oldest first, opaque cursor; never the text."""
    incident = fresh(an_incident(severity=1))
    async with door(stage, tmp_path) as client:
        await stage.say(event(incident, *dispatched("xj-rescue")))
        rows = await stage.settled(incident.incident_id, 5)
        query: dict[str, Any] = {"incident": str(incident.incident_id), "limit": 2}
        shown: list[dict[str, Any]] = []
        while True:
            page = (await client.get("/v1/notices", params=query)).json()
            shown += page["items"]
            if page["next"] is None:
                break
            query["after"] = page["next"]

    assert [str(row["notice_id"]) for row in rows] == [each["notice_id"] for each in shown]
    assert {("delivered", None, False)} == {
        (each["state"], each["acknowledged_at"], each["late"]) for each in shown
    }
    assert [[]] * 5 == [each["replaces"] for each in shown]
    assert PLACE not in json.dumps(shown, ensure_ascii=False)


async def test_the_open_ledger_shows_what_waits(stage: Stage, tmp_path: Path) -> None:
    """`GET /v1/ledger/open`: queued and not settled."""
    incident = fresh()
    await stage.sms.down()
    async with door(stage, tmp_path) as client:
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.settled(incident.incident_id, 1)
        waiting = (await client.get("/v1/ledger/open")).json()["items"]

    assert [("xj-rescue", "sms", "queued")] == [
        (each["recipient"], each["channel"], each["state"]) for each in waiting
    ]


async def test_the_doors_answer_bad_questions_plainly(stage: Stage, tmp_path: Path) -> None:
    """No key, another scope, no incident, a made-up cursor: each a named problem."""
    async with door(stage, tmp_path) as client:
        answers = [
            await client.get("/v1/notices", headers={"authorization": "Bearer wrong"}),
            await client.get("/v1/ledger/open", headers={"authorization": f"Bearer {UNIT_KEY}"}),
            await client.get("/v1/notices"),
            await client.get("/v1/ledger/open", params={"after": "%%%"}),
            await client.get("/v1/ledger/open", params={"limit": "1000"}),
        ]

    assert [401, 403, 400, 400, 400] == [answer.status_code for answer in answers]
    assert ["unauthenticated", "forbidden", *["invalid_fields"] * 3] == [
        answer.json()["type"].rsplit(":", 1)[-1] for answer in answers
    ]


async def test_purged_clears_text_and_place(stage: Stage) -> None:
    """Retention's end: the proof stays, what it said does not; the feed key ends."""
    incident = fresh()
    key = incident.incident_id
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.settled(key, 2)
        closed = replace(incident, state=IncidentState.CLOSED, purged=True)
        await stage.say(event(closed, ChangeKind.PURGED))
        feed = await stage.said("feed.fire.v1", key, 2)
    rows = await stage.rows(key)
    views = await stage.database.fetch("select doc from incident_view where incident_id = $1", key)

    assert [None] == feed[1:]
    assert {("delivered", None)} == {(row["state"], row["doc"]) for row in rows}
    assert PLACE not in views[0]["doc"].decode()
