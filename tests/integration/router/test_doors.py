"""Commands and reads over HTTP, on a real database."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from shared.contracts import ids
from shared.contracts.call import CallChange, FeedbackKind, FeedbackStamp, UnitFeedback
from shared.contracts.incident import Incident
from shared.runtime.keys import Principal
from tests.builders import T0, a_call, minutes
from tests.engine import rows
from tests.integration.router.stage import Instance, Stage

pytestmark = pytest.mark.infrastructure

AT = (T0 + minutes(1)).isoformat()


def a_key(name: str, *scopes: str) -> Principal:
    """Return a principal whose key is its name."""
    return Principal(
        name=name, sha256=hashlib.sha256(name.encode()).hexdigest(), scopes=scopes or (name,)
    )


UNIT, OTHER, DESK = a_key("unit:xj-rescue"), a_key("unit:xj-police"), a_key("desk")
CHECKER = a_key("chief", "desk", "unit:xj-rescue")
KEYS = (UNIT, OTHER, DESK, CHECKER, a_key("auditor"), a_key("source:110"))


async def opened(router: Instance, stage: Stage, source_id: str = "C1") -> Incident:
    """Have a call dispatched."""
    await router.hears(a_call(source_id))
    found = await stage.incident(a_call(source_id))
    assert found is not None
    return found


async def post(
    http: httpx.AsyncClient,
    path: str,
    body: dict[str, Any],
    *,
    who: str = "unit:xj-rescue",
    key: str | None = None,
) -> httpx.Response:
    """Send a command."""
    headers = {"authorization": f"Bearer {who}", "idempotency-key": key or str(uuid4())}
    return await http.post(path, json=body, headers=headers)


async def get(http: httpx.AsyncClient, path: str, who: str = "desk") -> httpx.Response:
    """Look at something."""
    return await http.get(path, headers={"authorization": f"Bearer {who}"})


def of_lead(incident: Incident, action: str) -> str:
    """Return the path of the lead's action."""
    return f"/v1/assignments/{incident.assignments[0].assignment_id}/{action}"


async def test_a_unit_works_through_its_duty(stage: Stage) -> None:
    """ack, turn out, assemble, arrive, end, sheet: each answer has the new version and state."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        answers = [
            await post(http, of_lead(incident, action), {"occurred_at": AT})
            for action in ("ack", "turn-out", "assemble", "arrive", "end")
        ]
        sheet = {"occurred_at": AT, "sheet": {"result": "已处置", "people": 2}}
        answers.append(await post(http, of_lead(incident, "sheet"), sheet))

    assert [200] * 6 == [a.status_code for a in answers]
    assert [2, 3, 4, 5, 6, 7] == [a.json()["version"] for a in answers]
    assert ["acked", "turned_out", "assembled", "arrived", "ended", "fed_back"] == [
        a.json()["assignment_state"] for a in answers
    ]
    assert "on_scene" == answers[-1].json()["state"]


async def test_the_same_command_twice_does_nothing_twice(stage: Stage) -> None:
    """§4.10: the stored answer is replayed; another request under the id is refused."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        path, body = of_lead(incident, "ack"), {"occurred_at": AT}
        first, second = await asyncio.gather(
            post(http, path, body, key="K"), post(http, path, body, key="K")
        )
        third = await post(http, path, body, key="K")
        other = await post(http, of_lead(incident, "arrive"), body, key="K")
        stranger = await post(http, path, body, key="K", who="desk")

    assert first.content == second.content == third.content
    assert 2 == len(await stage.events())
    assert (422, "urn:liandong:problem:command_id_reused") == (
        other.status_code,
        other.json()["type"],
    )
    assert stranger.json()["changed"] is False


async def test_two_instances_race_on_one_incident(stage: Stage) -> None:
    """The loser of the guard decides again: no stamp is lost, versions have no gap."""
    async with (
        stage.instance("1", consuming=False) as one,
        stage.instance("2", consuming=False) as two,
        one.doors(*KEYS) as first,
        two.doors(*KEYS) as second,
    ):
        incident = await opened(one, stage)
        one.incidents.gate.clear()
        one.incidents.loaded.clear()
        slow = asyncio.create_task(post(first, of_lead(incident, "ack"), {"occurred_at": AT}))
        await one.incidents.loaded.wait()
        quick = await post(second, of_lead(incident, "arrive"), {"occurred_at": AT})
        one.incidents.gate.set()
        late = await slow
    stored = await stage.incident(a_call())

    assert (200, 2, 200, 3) == (
        quick.status_code,
        quick.json()["version"],
        late.status_code,
        late.json()["version"],
    )
    assert [1, 2, 3] == [e.incident.version for e in await stage.events()]
    assert stored is not None
    assert {"sent", "arrived", "acked"} == {str(s.kind) for s in stored.assignments[0].stamps}


async def test_commands_on_one_incident_fold_in_order(stage: Stage) -> None:
    """Two commands of one group: the second is decided on what the first led to."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        answers = await asyncio.gather(
            *(
                post(http, of_lead(incident, action), {"occurred_at": AT})
                for action in ("ack", "arrive", "end")
            )
        )

    assert [2, 3, 4] == [a.json()["version"] for a in answers]


async def test_a_refused_command_answers_409_with_its_reason(stage: Stage) -> None:
    """Row 10; it did nothing, so the same command may be tried again when the state allows it."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        refused = await post(http, of_lead(incident, "end"), {"occurred_at": AT}, key="E")
        await post(http, of_lead(incident, "arrive"), {"occurred_at": AT})
        again = await post(http, of_lead(incident, "end"), {"occurred_at": AT}, key="E")

    assert (409, "end_before_arrival") == (refused.status_code, refused.json()["reason"])
    assert 200 == again.status_code


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("nobody", "/v1/assignments/{duty}/ack", 401),
        ("unit:xj-police", "/v1/assignments/{duty}/ack", 403),
        ("source:110", "/v1/assignments/{duty}/ack", 403),
        ("unit:xj-rescue", "/v1/assignments/{duty}/release", 403),
        ("unit:xj-rescue", "/v1/incidents/{incident}/cancel", 403),
        ("auditor", "/v1/incidents/{incident}/cancel", 403),
        ("desk", "/v1/assignments/{duty}/dance", 404),
        ("desk", "/v1/assignments/not-an-id/ack", 404),
        ("desk", "/v1/assignments/00000000-0000-0000-0000-000000000000/ack", 404),
        ("desk", "/v1/incidents/00000000-0000-0000-0000-000000000000/cancel", 404),
    ],
)
async def test_who_may_do_what(stage: Stage, who: str, path: str, status: int) -> None:
    """A unit's key is bound to its own assignments; only the desk decides on incidents."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        full = path.format(
            duty=incident.assignments[0].assignment_id, incident=incident.incident_id
        )
        answer = await post(http, full, {"occurred_at": AT, "reason": "x"}, who=who)

    assert status == answer.status_code


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"{}", 400, "invalid_fields"),
        (b'{"occurred_at": "2026-11-22T10:00:00"}', 400, "invalid_fields"),
        (b'{"occurred_at": "yesterday"}', 400, "invalid_fields"),
        (b"{", 400, "invalid_body"),
        (b"\xff\xfe", 400, "invalid_body"),
        (b"[" * 20_000, 413, "too_large"),
    ],
)
async def test_bad_bodies_are_named(stage: Stage, body: bytes, status: int, problem: str) -> None:
    """Wrong, missing or naive times; no JSON; too much of it."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        headers = {"authorization": "Bearer unit:xj-rescue", "idempotency-key": "K"}
        answer = await http.post(of_lead(incident, "ack"), content=body, headers=headers)

    assert (status, f"urn:liandong:problem:{problem}") == (
        answer.status_code,
        answer.json()["type"],
    )


async def test_a_command_needs_its_id(stage: Stage) -> None:
    """§4.10."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        answer = await http.post(
            of_lead(incident, "ack"),
            json={"occurred_at": AT},
            headers={"authorization": "Bearer desk"},
        )

    assert "urn:liandong:problem:command_id_missing" == answer.json()["type"]


async def test_numbers_of_people_stay_out_of_events(stage: Stage) -> None:
    """§7: a phone number in a sheet or a reason is masked before it is stored or said."""
    phone = "138" + "0000" + "1234"
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        sheet = {"occurred_at": AT, "sheet": {"result": f"已联系 {phone}", "text": phone}}
        await post(http, of_lead(incident, "sheet"), sheet)
        await post(
            http,
            f"/v1/incidents/{incident.incident_id}/cancel",
            {"reason": f"误报 {phone}"},
            who="desk",
        )

    assert phone not in repr(await stage.events())
    assert 0 == await stage.count(
        "select count(*) from router.incident where position($1 in doc) > 0", phone.encode()
    )


async def handled(http: httpx.AsyncClient, incident: Incident) -> None:
    """Have every active unit do its whole duty."""
    for duty in incident.assignments:
        if duty.role == "standby":
            continue
        for action in ("ack", "arrive", "end", "sheet"):
            body = {"occurred_at": AT}
            if action == "sheet":
                body |= {"sheet": {"result": "已处置"}}  # type: ignore[dict-item]
            path = f"/v1/assignments/{duty.assignment_id}/{action}"
            assert 200 == (await post(http, path, body, who="desk")).status_code


async def test_the_desk_verifies_and_reopens(stage: Stage) -> None:
    """Rows 12, 13, 17; row 13: not with the key of a unit that handled it."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        await handled(http, incident)
        waiting = await get(http, "/v1/desk")
        at = f"/v1/incidents/{incident.incident_id}"
        own = await post(http, f"{at}/verify", {"passed": True, "reason": "x"}, who="chief")
        closed = await post(http, f"{at}/verify", {"passed": True, "reason": "属实"}, who="desk")
        reopened = await post(http, f"{at}/reopen", {"reason": "回访不满意"}, who="desk")

    assert [("check", str(incident.incident_id))] == [
        (m["kind"], m["incident_id"]) for m in waiting.json()["items"]
    ]
    assert (409, "handling_unit") == (own.status_code, own.json()["reason"])
    assert ("closed", "reopened") == (closed.json()["state"], reopened.json()["state"])


async def test_a_suggestion_waits_at_the_desk_until_it_acts(stage: Stage) -> None:
    """Withdrawn while the lead is moving: listed with its reason, gone once it is decided."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        await post(http, of_lead(incident, "ack"), {"occurred_at": AT})
        await router.hears(replace(a_call(), revision=2), change=CallChange.WITHDRAWN)
        waiting = await get(http, "/v1/desk")
        path = f"/v1/incidents/{incident.incident_id}/cancel"
        await post(http, path, {"reason": "误报"}, who="desk")
        after = await get(http, "/v1/desk")

    assert [("attention", "call_withdrawn", incident.number)] == [
        (m["kind"], m["reason"], m["number"]) for m in waiting.json()["items"]
    ]
    assert [] == after.json()["items"]


async def test_the_desk_transfers(stage: Stage) -> None:
    """Row 4: one command, two incidents, one statement."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        path = f"/v1/incidents/{incident.incident_id}/transfer"
        answer = await post(http, path, {"line": "12345", "reason": "非警务"}, who="desk")
        follow = await get(http, f"/v1/calls/{a_call().call_id}/incident")

    assert "transferred" == answer.json()["state"]
    assert [str(incident.incident_id)] == follow.json()["linked"]


@pytest.mark.parametrize("action", ["suspend", "extend", "appeal", "merge", "split"])
async def test_what_comes_later_says_so(stage: Stage, action: str) -> None:
    """Rows 15, 16, 20, 25 and merging."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        path = f"/v1/incidents/{incident.incident_id}/{action}"
        answer = await post(http, path, {}, who="desk")

    assert (409, "not_yet") == (answer.status_code, answer.json()["reason"])


async def test_reading_incidents_and_decisions(stage: Stage) -> None:
    """By id, by call, and why it was decided so."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        incident = await opened(router, stage)
        by_id = await get(http, f"/v1/incidents/{incident.incident_id}")
        by_call = await get(http, f"/v1/calls/{a_call().call_id}/incident", "auditor")
        why = await get(http, f"/v1/decisions/{incident.incident_id}")
        unknown = await get(http, f"/v1/incidents/{uuid4()}")
        unit = await get(http, f"/v1/incidents/{incident.incident_id}", "unit:xj-rescue")

    assert by_id.json() == by_call.json()
    assert "fire" == why.json()["items"][0]["decision"]["rule"]
    assert {"what": "order", "why": "category"} in why.json()["items"][0]["decision"]["rejected"]
    assert (404, 403) == (unknown.status_code, unit.status_code)


async def test_lists_are_paged(stage: Stage) -> None:
    """Newest first, an opaque cursor, each once; by state."""
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        calls = [a_call(f"P{n}", received_at=T0 + minutes(n // 2)) for n in range(7)]
        await router.hears(*calls)
        pages, query = [], "state=dispatched&limit=3"
        for _ in range(3):
            pages.append((await get(http, f"/v1/incidents?{query}")).json())
            query = f"state=dispatched&limit=3&cursor={pages[-1]['cursor']}"
        none = await get(http, "/v1/incidents?state=closed")
        wrong = [
            await get(http, f"/v1/incidents?{query}")
            for query in ("state=lost", "limit=0", "limit=201", "limit=x", "cursor=AAAA")
        ]

    seen = [item["incident_id"] for page in pages for item in page["items"]]

    assert [3, 3, 1] == [len(page["items"]) for page in pages]
    assert pages[-1]["cursor"] is None
    assert 7 == len(set(seen))
    assert str(ids.incident_id(calls[6].call_id)) == seen[0]
    assert [] == none.json()["items"]
    assert [400] * 5 == [a.status_code for a in wrong]


async def test_parked_feedback_is_listed(stage: Stage) -> None:
    """§4.7: waiting for its call longer than the region allows is shown as overdue."""
    record = UnitFeedback(
        feedback_id=UUID(int=1),
        source="110",
        record_id="F1",
        call_id=a_call().call_id,
        root="C1",
        unit="xj-rescue",
        stamps=(FeedbackStamp(kind=FeedbackKind.ACKED, occurred_at=T0),),
        recorded_at=T0,
    )
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        await router.is_told(record)
        page = (await get(http, "/v1/parked")).json()

    assert [("F1", False)] == [(i["feedback"]["record_id"], i["overdue"]) for i in page["items"]]


async def test_what_could_not_be_handled_is_shown_at_the_desk(stage: Stage) -> None:
    """§4.6: a call that opened no incident must be seen by somebody; what it holds is not shown."""
    await rows(
        stage.database.admin,
        "insert into router.dead_letter (consumer, topic, partition, record, event_id, reason, stage,"
        " detail, headers, value, state) select 'router.urgent', 'call.urgent.v1', 3, n, '13800138000',"
        " 'crash', 'crash', 'ValueError', '', 'told us 13800138000', s"
        " from (values (7, 'open'), (8, 'discarded')) as r(n, s)",
    )
    async with stage.instance(consuming=False) as router, router.doors(*KEYS) as http:
        shown = await get(http, "/v1/deadletters")
        other = await get(http, "/v1/deadletters", "source:110")

    assert [("call.urgent.v1", 3, 7, "crash")] == [
        (i["topic"], i["partition"], i["record"], i["reason"]) for i in shown.json()["items"]
    ]
    assert "138" not in shown.text
    assert 403 == other.status_code
