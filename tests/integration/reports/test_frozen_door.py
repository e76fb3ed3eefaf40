"""The door to frozen months: stored bytes by revision, the list, and what changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256

import httpx
import pyarrow as pa
import pytest

from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.adapters.http import application
from services.reports.domain.freezing import RevisionReason
from tests.integration.reports.stage import Stage
from tests.integration.reports.test_door import DESK, keyring
from tests.integration.reports.test_freezing import frozen
from tests.unit.reports.cases import NOVEMBER, xianju

pytestmark = pytest.mark.infrastructure

MONTH = "/v1/months/2026-11"


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client after November was frozen and revised once."""
    office = await frozen(stage)
    await office.revise(NOVEMBER, RevisionReason.LATE_EVENTS)
    archive = FrozenMonths(stage.database)
    app = application(xianju(), stage.reader, archive, keyring(), [], stage.files)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://reports") as client:
        yield client


async def test_each_revision_answers_its_stored_bytes(
    door: httpx.AsyncClient, stage: Stage
) -> None:
    """`?revision=0` says what was published, `=1` the correction; the bytes are the stored ones."""
    then = await door.get(f"{MONTH}/overview?revision=0", headers=DESK)
    now = await door.get(f"{MONTH}/overview?revision=1", headers=DESK)

    assert (2, 1) == (then.json()["valid"], now.json()["valid"])
    stored = {bytes(r["body"]) for r in await stage.rows("select body from frozen_body")}
    assert {then.content, now.content} <= stored


async def test_a_stored_table_is_not_sent_twice(door: httpx.AsyncClient) -> None:
    """The ETag of the stored bytes gives 304, and another revision's does not."""
    first = await door.get(f"{MONTH}/units?revision=0", headers=DESK)
    again = {**DESK, "If-None-Match": first.headers["etag"]}

    same = await door.get(f"{MONTH}/units?revision=0", headers=again)
    other = await door.get(f"{MONTH}/units?revision=1", headers=again)

    assert (304, 200) == (same.status_code, other.status_code)


@pytest.mark.parametrize("form", ["html", "xlsx"])
async def test_other_forms_are_made_of_the_stored_bytes(form: str, door: httpx.AsyncClient) -> None:
    """A page of the newest revision is the page of the facts it was computed from."""
    stored = await door.get(f"{MONTH}/units?revision=1&format={form}", headers=DESK)
    live = await door.get(f"{MONTH}/units?format={form}", headers=DESK)

    assert live.content == stored.content


async def test_revisions_are_listed_in_order_page_by_page(door: httpx.AsyncClient) -> None:
    """The freeze first; the cursor of a page leads to the next, the last page has none."""
    first = (await door.get(f"{MONTH}/revisions?limit=1", headers=DESK)).json()
    path = f"{MONTH}/revisions?limit=1&cursor={first['cursor']}"
    second = (await door.get(path, headers=DESK)).json()

    assert [(0, None)] == [(i["number"], i["reason"]) for i in first["items"]]
    assert [(1, "late_events")] == [(i["number"], i["reason"]) for i in second["items"]]
    assert second["cursor"] is None


async def test_a_revision_says_both_values(door: httpx.AsyncClient) -> None:
    """`/revisions/1/changes`: each figure that moved, as frozen and as corrected."""
    answer = (await door.get(f"{MONTH}/revisions/1/changes", headers=DESK)).json()

    sheets = {
        s["sheet"]["table"]: s for s in answer["sheets"] if s["sheet"]["population"] == "real"
    }
    found = {d["path"]: d for d in sheets["overview"]["differences"]}
    assert (2, 1) == (found["valid"]["before"]["value"], found["valid"]["after"]["value"])
    assert 2 == found["valid_rate"]["before"]["numerator"]


async def test_deleted_bytes_are_named_not_guessed(door: httpx.AsyncClient, stage: Stage) -> None:
    """Deleted bytes: refused by name with the command that brings them back."""
    await stage.database.write("delete from frozen_body")

    answer = await door.get(f"{MONTH}/overview?revision=0", headers=DESK)

    assert (404, "body_deleted") == (answer.status_code, answer.json()["reason"])
    assert "recompute 2026-11" in answer.json()["detail"]


async def test_an_unknown_revision_is_refused_by_name(door: httpx.AsyncClient) -> None:
    """There is no revision 2 yet."""
    answer = await door.get(f"{MONTH}/overview?revision=2", headers=DESK)

    assert (404, "unknown_revision") == (answer.status_code, answer.json()["reason"])


async def test_facts_are_sent_as_parquet_with_their_hash(
    door: httpx.AsyncClient, stage: Stage
) -> None:
    """The file itself; its ETag is the SHA-256 that the freeze recorded, so it is not sent twice."""
    first = await door.get(f"{MONTH}/facts/calls?revision=0", headers=DESK)
    tag = first.headers["etag"]
    again = await door.get(f"{MONTH}/facts/calls?revision=0", headers=DESK | {"If-None-Match": tag})

    kept = await stage.rows("select sha256 from frozen_file where kind = 'calls' and revision = 0")
    assert (200, 304) == (first.status_code, again.status_code)
    assert kept[0]["sha256"].hex() == tag.strip('"') == sha256(first.content).hexdigest()


async def test_facts_are_sent_as_an_arrow_stream(door: httpx.AsyncClient) -> None:
    """`Accept: application/vnd.apache.arrow.stream` gives the same rows, ids as text."""
    wanted = DESK | {"Accept": "application/vnd.apache.arrow.stream"}

    answer = await door.get(f"{MONTH}/facts/clocks", headers=wanted)

    rows = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    assert ["arrival"] == [row["kind"] for row in rows]
    assert ["on_time"] == [row["outcome"] for row in rows]


async def test_facts_as_json_come_page_by_page(door: httpx.AsyncClient) -> None:
    """The cursor leads on, belongs to its revision, and the last page has none."""
    wanted = DESK | {"Accept": "application/json"}
    first = (await door.get(f"{MONTH}/facts/calls?revision=0&limit=1", headers=wanted)).json()
    path = f"{MONTH}/facts/calls?limit=1&cursor={first['cursor']}&revision="
    second = (await door.get(f"{path}0", headers=wanted)).json()
    other = await door.get(f"{path}1", headers=wanted)

    ids = {first["items"][0]["call_id"], second["items"][0]["call_id"]}
    assert (2, None, 400) == (len(ids), second["cursor"], other.status_code)


@pytest.mark.parametrize(("path", "status"), [("facts/callers", 400), ("facts/calls", 401)])
async def test_facts_are_refused_like_other_tables(
    path: str, status: int, door: httpx.AsyncClient
) -> None:
    """An unknown kind is named; without a key nothing is said."""
    headers = DESK if status == 400 else {}

    assert status == (await door.get(f"{MONTH}/{path}", headers=headers)).status_code
