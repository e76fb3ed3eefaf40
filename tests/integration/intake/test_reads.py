"""What the desk and the sources may read."""

from __future__ import annotations

import pytest

from tests.integration.intake.station import Station, a_record

pytestmark = pytest.mark.infrastructure


@pytest.mark.parametrize(
    ("key", "status"), [("k110", 200), ("desk", 200), ("k119", 404), ("nobody", 401)]
)
async def test_a_call_is_read_by_its_source_and_the_desk(
    mute: Station, key: str, status: int
) -> None:
    """Another source is not even told that there is such a call."""
    record = a_record(bjdh="13800138000")
    call_id = (await mute.post(record)).json()["call_id"]
    answer = await mute.get(f"/v1/calls/{call_id}", key)

    assert status == answer.status_code
    if status == 200:
        assert record["jjdbh"] == answer.json()["source_id"]
        assert not {"contact", "caller"} & answer.json().keys()


async def test_calls_not_sent_on_are_listed_page_by_page(mute: Station) -> None:
    """ARCHITECTURE 4.4: seen at the desk after 5 s, urgent before ordinary, oldest first."""
    urgent = [(await mute.post(a_record())).json()["call_id"] for _ in range(2)]
    ordinary = (await mute.post(a_record(bjlx="0105"))).json()["call_id"]
    at_once = (await mute.get("/v1/untransmitted", limit="200")).json()["untransmitted"]
    await mute.rows("update outbox set created_at = created_at - interval '6 seconds'")
    pages: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await mute.get("/v1/untransmitted", limit="2", **cursor)).json()
        pages += [each["aggregate"] for each in page["untransmitted"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    assert not set(urgent) & {each["aggregate"] for each in at_once}
    assert [*urgent, ordinary] == [each for each in pages if each in {*urgent, ordinary}]
    assert len(pages) == len(set(pages))


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v1/untransmitted", "k110", 403),
        ("/v1/untransmitted?cursor=x", "desk", 400),
        ("/v1/untransmitted?limit=201", "desk", 400),
        ("/v1/calls/x", "desk", 400),
    ],
)
async def test_what_is_not_read(mute: Station, path: str, key: str, status: int) -> None:
    """A refusal is a problem document that names the field."""
    answer = await mute.get(path, key)

    assert status == answer.status_code
    assert answer.json()["type"].startswith("urn:liandong:problem:")


async def test_the_document_shows_the_hot_doors_and_the_counters_start_at_zero(
    mute: Station,
) -> None:
    """They are no FastAPI routes and stand in its document all the same."""
    document = (await mute.get("/openapi.json")).json()
    metrics = (await mute.get("/metrics")).text

    assert {"/v1/feeds/{source}/calls", "/v1/calls/{call_id}"} <= document["paths"].keys()
    assert 'liandong_calls_total{answer="not_durable",source="119"} 0.0' in metrics
