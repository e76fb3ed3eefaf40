"""The door to what a bureau signs: the same keys, forms, ETags and refusals as the month's tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from services.reports.adapters.http import application
from services.reports.adapters.papers_http import MOST_FACTS
from services.reports.domain.period import Period
from tests.unit.reports.cases import AFTER, T0, a_call, a_clock, a_duty, facts, opened, xianju
from tests.unit.reports.test_door import (
    DESK,
    NothingFrozen,
    NothingLarge,
    Shelf,
    client,
    keyring,
)

PAPERS = (
    "/v1/periods/2026-Q4/bulletin",
    "/v1/periods/2026-H2/bulletin",
    "/v1/periods/2026/bulletin",
    "/v1/days/2026-11-22/daily",
    "/v1/months/2026-11/checklist",
    "/v1/months/2026-11/assessment",
    "/v1/months/2026-11/assessment/deductions?unit=xj-traffic",
)
FORMS = {"json": "application/json", "html": "text/html", "csv": "text/csv"}
LATE = 7


@pytest.fixture
async def door() -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service with a unit that was late seven times."""
    found = []
    for n in range(LATE):
        call = a_call(n, T0 + timedelta(minutes=n))
        clock = a_clock(
            n, took=timedelta(hours=1), due=T0 + timedelta(minutes=n), incident_id=call.opens
        )
        found += [call, opened(call), clock, a_duty(n, incident_id=call.opens)]
    async with client(facts(*found, read_at=AFTER, real=AFTER)) as asking:
        yield asking


@pytest.mark.parametrize("path", PAPERS)
async def test_only_the_desk_and_auditors_read(door: httpx.AsyncClient, path: str) -> None:
    """No key: 401; a feed's: 403; named in the problem."""
    none = await door.get(path)
    feed = await door.get(path, headers={"Authorization": "Bearer feed"})
    desk = await door.get(path, headers=DESK)

    assert (401, 403, 200) == (none.status_code, feed.status_code, desk.status_code)
    assert none.headers["content-type"].startswith("application/problem+json")
    assert none.json()["type"].endswith("unauthenticated")


@pytest.mark.parametrize("path", PAPERS)
async def test_a_reader_who_has_it_is_told_so(door: httpx.AsyncClient, path: str) -> None:
    """ETag of the bytes; If-None-Match with it, also among others: 304 without a body."""
    first = await door.get(path, headers=DESK)
    tag = first.headers["etag"]
    again = await door.get(path, headers=DESK | {"If-None-Match": f'"other", {tag}'})
    other = await door.get(path, headers=DESK | {"If-None-Match": '"other"'})

    assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
    assert (200, first.content) == (other.status_code, other.content)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", PAPERS[:-1])
async def test_the_form_is_asked_for_by_accept_or_name(
    door: httpx.AsyncClient, path: str, form: str
) -> None:
    """Accept and `format` give the same bytes."""
    by_name = await door.get(f"{path}?format={form}", headers=DESK)
    by_accept = await door.get(path, headers=DESK | {"Accept": FORMS[form]})

    assert by_name.content == by_accept.content
    assert by_name.headers["content-type"].startswith(FORMS[form])


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/periods/2026-11/bulletin", "period"),
        ("/v1/periods/2026-Q5/bulletin", "period"),
        ("/v1/periods/2026-Q4/bulletin?published=yes", "published"),
        ("/v1/periods/2026-Q4/bulletin?population=both", "population"),
        ("/v1/days/2026-11-31/daily", "day"),
        ("/v1/days/2026-11-22/daily?format=pdf", "format"),
        ("/v1/months/2026-13/checklist", "month"),
        ("/v1/months/2026-11/checklist?format=doc", "format"),
        ("/v1/months/november/assessment", "month"),
        ("/v1/months/2026-11/assessment/deductions?unit=nobody", "unit"),
        ("/v1/months/2026-11/assessment/deductions?unit=xj-traffic&limit=0", "limit"),
        ("/v1/months/2026-11/assessment/deductions?unit=xj-traffic&limit=201", "limit"),
        ("/v1/months/2026-11/assessment/deductions?unit=xj-traffic&cursor=AAAA", "cursor"),
        ("/v1/months/2026-11/assessment/deductions?unit=xj-traffic&cursor=%C3%A9", "cursor"),
    ],
)
async def test_what_is_wrong_is_named(door: httpx.AsyncClient, path: str, field: str) -> None:
    """problem+json with the field."""
    answer = await door.get(path, headers=DESK)

    assert 400 == answer.status_code
    assert answer.json()["type"].endswith("invalid_fields")
    assert [field] == [each["field"] for each in answer.json()["fields"]]


async def test_published_bulletins_show_no_small_count(door: httpx.AsyncClient) -> None:
    """`published=true` hides and leaves the scores out."""
    whole = (await door.get(PAPERS[0], headers=DESK)).json()
    shown = (await door.get(f"{PAPERS[0]}?published=true", headers=DESK)).json()

    assert whole["assessment"] is not None
    assert shown["assessment"] is None
    assert shown["heading"]["published"]


async def test_deductions_come_page_by_page(door: httpx.AsyncClient) -> None:
    """Each once, in the order of the sheet, the last page without a cursor."""
    path = PAPERS[-1] + "&limit=3"
    pages, cursor = [], ""
    for _ in range(LATE):
        answer = await door.get(path + (f"&cursor={cursor}" if cursor else ""), headers=DESK)
        pages.append(answer.json()["items"])
        if (cursor := answer.json()["cursor"]) is None:
            break
    sheet = (await door.get(PAPERS[-2], headers=DESK)).json()
    mine = next(unit for unit in sheet["units"] if unit["unit"] == "xj-traffic")

    assert [3, 3, 1] == [len(page) for page in pages]
    assert mine["deductions"] == [each for page in pages for each in page]


class Endless(NothingLarge):
    """Periods with more facts than fit in memory."""

    async def amount(self, period: Period, most: int) -> int:
        return most


@pytest.mark.parametrize("path", [p for p in PAPERS if "checklist" not in p and "daily" not in p])
async def test_what_would_not_fit_is_refused_by_name(path: str) -> None:
    """Several periods of a million: named, with the command that computes it elsewhere."""
    app = application(xianju(), Shelf(None), NothingFrozen(), keyring(), [], Endless())
    asking = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://reports")
    async with asking:
        answer = await asking.get(path, headers=DESK)

    assert (400, "too_many_facts") == (answer.status_code, answer.json()["reason"])
    assert "python -m services.reports" in answer.json()["detail"]
    assert f"{MOST_FACTS:,}" in answer.json()["detail"]


@pytest.mark.parametrize("path", [p for p in PAPERS if "checklist" not in p])
async def test_a_database_that_is_away_is_said_so(path: str) -> None:
    """503 with Retry-After, as at the other doors."""
    async with client(None) as asking:
        answer = await asking.get(path, headers=DESK)

    assert 503 == answer.status_code
    assert "retry-after" in answer.headers


async def test_the_description_names_every_paper(door: httpx.AsyncClient) -> None:
    """`/openapi.json` is what there is of a description."""
    paths = (await door.get("/openapi.json")).json()["paths"]

    for path in (
        "/v1/periods/{label}/bulletin",
        "/v1/days/{label}/daily",
        "/v1/months/{label}/checklist",
        "/v1/months/{label}/assessment",
        "/v1/months/{label}/assessment/deductions",
    ):
        assert paths[path]["get"]["description"]
