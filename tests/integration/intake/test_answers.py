"""FEEDS 5 on the real door: what is answered, what is durable by then, what is said."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.intake.station import (
    Station,
    a_record,
    call_event_id,
    fresh_number,
    local_now,
    parsed,
)

pytestmark = pytest.mark.infrastructure
URGENT, ORDINARY, REJECTED = "call.urgent.v1", "call.ordinary.v1", "call.rejected.v1"
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


async def test_a_202_is_durable_and_is_said_once(station: Station) -> None:
    """202 with our ids once durable; the event has the call's key, time and trace."""
    record = a_record()
    answer = await station.post(record, traceparent=TRACE)
    rows = await station.rows("select version from calls where source_id = $1", record["jjdbh"])
    said = await station.said(URGENT, call_event_id(answer))

    assert (202, 1, "received") == (answer.status_code, *_told(answer))
    assert [1] == [r["version"] for r in rows]
    assert [f"110/{record['jjdbh']}"] == [each["key"] for each in said]
    assert TRACE[:36] == said[0]["headers"]["traceparent"][:36]
    assert "received" == said[0]["data"]["change"]
    assert parsed(said[0]["data"]["call"]["received_at"]) is not None


async def test_a_repeat_is_200_with_the_same_ids_and_says_nothing(station: Station) -> None:
    """The same body, its fields in another order."""
    record = a_record()
    first = await station.post(record)
    again = await station.post(dict(reversed(record.items())))

    assert (200, *_told(first)[:1], "repeated") == (again.status_code, *_told(again))
    assert first.json()["call_id"] == again.json()["call_id"]
    assert 1 == len(await station.said(URGENT, call_event_id(first)))


async def test_a_new_body_is_the_next_revision_as_a_full_snapshot(station: Station) -> None:
    """Revisions are numbered under the call's row; the contact token stays."""
    record = a_record(bjdh="13800138000")
    first = await station.post(record)
    second = await station.post(record | {"bjnr": "有人打架,已受伤"})
    said = await station.said(URGENT, call_event_id(first), 2)

    assert (202, 2, "revised") == (second.status_code, *_told(second))
    assert ["1", "2"] == [each["headers"]["ce_sequence"] for each in said]
    assert "有人打架,已受伤" == said[1]["data"]["call"]["text"]
    assert 1 == len({each["data"]["call"]["contact"] for each in said})


async def test_a_revision_stays_in_the_lane_of_its_call(station: Station) -> None:
    """A later revision in another lane could overtake the first."""
    record = a_record(bjlx="0105")
    first = await station.post(record)
    await station.post(record | {"bjlx": "0102"})
    said = await station.said(ORDINARY, call_event_id(first), 2)

    assert ["ordinary"] * 2 == [each["data"]["call"]["lane"] for each in said]


async def test_a_strict_source_gets_409_and_the_desk_learns_of_it(station: Station) -> None:
    """409 only where the source is configured strict; nothing is dropped."""
    record = a_record()
    await station.post(record, key="k122", to="122/calls")
    other = await station.post(record | {"bjnr": "另一内容"}, key="k122", to="122/calls")
    told = await station.rows("select doc from rejection where source_id = $1", record["jjdbh"])

    assert (409, "urn:liandong:problem:conflicting_body") == (other.status_code, _type(other))
    assert ["conflicting_body"] == json.loads(told[0]["doc"])["reasons"]


async def test_400_names_every_bad_field_and_the_event_holds_no_value(station: Station) -> None:
    """FEEDS 5: all at once, and a `call.rejected` masked to field names."""
    number = fresh_number()
    body = {"jjdbh": number, "bjsj": "1900-01-01 00:00:00", "fxdwjd": 2.35, "fxdwwd": 48.85}
    answer = await station.post(body, traceparent=TRACE)
    rows = await station.rows("select rejection_id from rejection where source_id = $1", number)
    said = await station.said(REJECTED, str(rows[0]["rejection_id"]))

    assert 400 == answer.status_code
    assert "application/problem+json" in answer.headers["content-type"]
    assert {"bjsj", "bjnr", "fxdwjd", "fxdwwd"} == {f["field"] for f in answer.json()["fields"]}
    assert sorted(body) == said[0]["data"]["fields"]
    assert TRACE[:36] == said[0]["headers"]["traceparent"][:36]
    assert "1900" not in json.dumps(said) + answer.text
    assert "48.85" not in json.dumps(said) + answer.text


async def test_the_same_bad_body_is_told_once(station: Station) -> None:
    """A sender that repeats a mistake for hours does not fill the topic."""
    body = a_record(bjnr=None)
    answers = [await station.post(body) for _ in range(3)]
    rows = await station.rows(
        "select rejection_id from rejection where source_id = $1", body["jjdbh"]
    )

    assert [400] * 3 == [answer.status_code for answer in answers]
    assert 1 == len(rows)
    assert 1 == len(await station.said(REJECTED, str(rows[0]["rejection_id"])))


@pytest.mark.parametrize(
    ("how", "status", "problem"),
    [
        ({"key": "nobody"}, 401, "unauthenticated"),
        ({"key": "k119"}, 403, "forbidden"),
        ({"key": "stranger", "to": "nowhere/calls"}, 404, "not_found"),
        ({"x_exercise": "true"}, 403, "forbidden"),
        ({"content_type": "application/xml"}, 415, "unsupported_media"),
        ({"content_encoding": "gzip"}, 415, "unsupported_media"),
        ({"content_type": "application/json; charset=gbk"}, 400, "wrong_charset"),
        ({"body": '{"jjdbh":"1","bjnr":"火"}'.encode("gb18030")}, 400, "wrong_charset"),
        ({"body": b'{"jjdbh":'}, 400, "invalid_body"),
        ({"body": b"[]"}, 400, "invalid_body"),
        ({"body": b""}, 400, "invalid_body"),
    ],
)
async def test_what_is_refused_before_it_is_read(
    station: Station, how: dict[str, Any], status: int, problem: str
) -> None:
    """Each refusal has its status and its name, and the next record is handled."""
    how = dict(how)
    answer = await station.post(how.pop("body", a_record()), **how)
    following = await station.post(a_record())

    assert (status, f"urn:liandong:problem:{problem}") == (answer.status_code, _type(answer))
    assert 202 == following.status_code


@pytest.mark.parametrize("framing", ["Content-Length: 9999999", "Transfer-Encoding: chunked"])
async def test_a_body_over_256_kb_is_413_before_it_ends(station: Station, framing: str) -> None:
    """Bounded while it arrives, declared or streamed, so that nobody can fill the memory."""
    address = urlsplit(station.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        f"POST /v1/feeds/110/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k110\r\n{framing}"
    )
    writer.write(f"{head}\r\n\r\n".encode())
    if "chunked" in framing:
        writer.write((b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 5)
    status = await asyncio.wait_for(reader.readline(), 20)
    writer.close()

    assert b"413" in status


async def test_a_body_of_256_kb_is_taken(station: Station) -> None:
    """The limit is the body's, not the text's."""
    record = a_record(unknown="短" * 1000)
    padding = 256 * 1024 - len(json.dumps(record | {"padding": ""}).encode())
    taken = await station.post(record | {"padding": "x" * padding})
    refused = await station.post(record | {"padding": "x" * (padding + 1)})

    assert [202, 413] == [taken.status_code, refused.status_code]


async def test_requests_for_one_call_that_arrive_together(station: Station) -> None:
    """The same body from many connections is one call, one event, the same ids for all."""
    record = a_record()
    answers = await asyncio.gather(*(station.post(record) for _ in range(40)))
    first = answers[0]

    assert Counter({202: 1, 200: 39}) == Counter(a.status_code for a in answers)
    assert 1 == len({a.json()["call_id"] for a in answers})
    assert 1 == len(await station.said(URGENT, call_event_id(first)))


async def test_bodies_of_one_call_that_arrive_together_are_numbered(station: Station) -> None:
    """Every one its own revision, none skipped, none twice."""
    record = a_record()
    bodies = [record | {"bjnr": f"第{n}次补充"} for n in range(30)]
    answers = await asyncio.gather(*(station.post(body) for body in bodies))
    said = await station.said(URGENT, call_event_id(answers[0]), 30)

    assert {202} == {a.status_code for a in answers}
    assert list(range(1, 31)) == sorted(a.json()["revision"] for a in answers)
    assert list(range(1, 31)) == [int(each["headers"]["ce_sequence"]) for each in said]


async def test_requests_that_arrive_together_are_written_together(station: Station) -> None:
    """Group commit: far fewer transactions than calls."""
    records = [a_record() for _ in range(100)]
    async with station.client() as client:
        headers = {"authorization": "Bearer k110"}
        posts = (client.post("/v1/feeds/110/calls", json=r, headers=headers) for r in records)
        answers = await asyncio.gather(*posts)
    rows = await station.rows(
        "select count(*) as calls, count(distinct xmin::text) as writes from calls"
        " where source_id = any($1)",
        [r["jjdbh"] for r in records],
    )

    assert {202} == {a.status_code for a in answers}
    assert 100 == rows[0]["calls"]
    assert 50 > rows[0]["writes"]


async def test_a_batch_has_one_answer_a_line(station: Station) -> None:
    """NDJSON: each line its own status, in order; 207 where they differ."""
    good, other = a_record(), a_record()
    lines = [
        json.dumps(good).encode(),
        b"",
        json.dumps(good).encode(),
        b"{",
        json.dumps(other | {"bjsj": "soon"}).encode(),
        json.dumps(other).encode(),
        json.dumps(a_record(bjnr="长" * 100_000)).encode(),
    ]
    answer = await station.post(b"\n".join(lines), content_type="application/x-ndjson")
    told = [json.loads(line) for line in answer.text.splitlines()]

    assert 207 == answer.status_code
    assert [1, 2, 3, 4, 5, 6] == [each["line"] for each in told]
    assert {200, 202} == {told[0]["status"], told[1]["status"]}
    assert [400, 400, 202, 413] == [each["status"] for each in told[2:]]
    assert ["bjsj"] == [f["field"] for f in told[3]["answer"]["fields"]]


async def test_a_source_may_write_gb18030(station: Station) -> None:
    """FEEDS: the character set is configured by source."""
    record = a_record(bjsj=local_now().replace("-", "").replace(":", "").replace(" ", ""))
    body = json.dumps(record, ensure_ascii=False).encode("gb18030")
    answer = await station.post(body, key="k119", to="119/calls")
    read = await station.get(f"/v1/calls/{answer.json()['call_id']}", "k119")

    assert 202 == answer.status_code
    assert "有人打架" == read.json()["text"]


async def test_only_who_may_drill_sends_exercises(station: Station) -> None:
    """演练 is flagged from the door on."""
    drilled = await station.post(a_record(), key="drill", x_exercise="true")
    real = await station.post(a_record(), key="drill")
    flags = [
        (await station.said(URGENT, call_event_id(a)))[0]["data"]["call"].get("exercise", False)
        for a in (drilled, real)
    ]

    assert [True, False] == flags


async def test_a_12345_order_is_ordinary(station: Station) -> None:
    """FEEDS 3 by the same door, chosen by the pack's source."""
    order = {"gdbh": fresh_number(), "slsj": local_now(), "nr": "夜间施工", "lb": "燃气"}
    answer = await station.post(order, key="k12345", to="12345/calls")

    assert 1 == len(await station.said(ORDINARY, call_event_id(answer)))


async def test_a_units_record_is_said_once_under_its_calls_root(station: Station) -> None:
    """FEEDS 2: stamps and sheet, keyed as the chain of calls they belong to."""
    root, number = fresh_number(), fresh_number()
    await station.post(a_record(jjdbh=number, zjjdbh=root))
    record = {
        "cjdbh": fresh_number(),
        "jjdbh": number,
        "cjdwbm": "xj-rescue",
        "ddxcsj": local_now(),
        "cljg": "已处置",
    }
    first = await station.post(record, to="110/handling")
    again = await station.post(record, to="110/handling")
    said = await station.said("unit.feedback.v1", first.json()["feedback_id"])

    assert [202, 200] == [first.status_code, again.status_code]
    assert [f"110/{root}"] == [each["key"] for each in said]
    assert ["arrived", "fed_back"] == [s["kind"] for s in said[0]["data"]["stamps"]]


async def test_a_units_record_may_come_before_its_call(station: Station) -> None:
    """ARCHITECTURE 4.7: router parks it; intake does not refuse it."""
    record = {"cjdbh": fresh_number(), "jjdbh": fresh_number(), "cjdwbm": "xj-rescue"}
    answer = await station.post(record | {"pdjssj": local_now()}, to="110/handling")

    assert 202 == answer.status_code


def _told(answer: Any) -> tuple[int, str]:
    return answer.json()["revision"], answer.json()["outcome"]


def _type(answer: Any) -> str:
    return str(answer.json()["type"])
