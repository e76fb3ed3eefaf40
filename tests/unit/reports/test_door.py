"""The door: who may ask, in which form, for which period."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta

import httpx
import pytest

from services.reports.adapters.http import application
from services.reports.adapters.month_files import MonthFiles
from services.reports.domain.facts import Facts
from services.reports.domain.freezing import EpochEnd, Revision
from services.reports.domain.period import Period
from services.reports.handlers import Question
from shared.contracts.envelope import Message
from shared.runtime.errors import Unavailable
from shared.runtime.keys import Keyring, Principal
from tests.unit.reports.cases import T0, a_call, a_clock, facts, opened, xianju

KEYS = {"desk": "desk", "auditor": "auditor", "feed": "source:110"}
DESK = {"Authorization": "Bearer desk"}


def keyring() -> Keyring:
    """Return a key of each scope; the key is the name."""
    return Keyring(
        tuple(
            Principal(name=n, sha256=hashlib.sha256(n.encode()).hexdigest(), scopes=(scope,))
            for n, scope in KEYS.items()
        )
    )


class Shelf:
    """Facts that are there, or a database that is away."""

    def __init__(self, found: Facts | None) -> None:
        self._found = found

    async def of(self, period: Period, *, as_of_epoch: int | None = None) -> Facts:
        if self._found is None:
            raise Unavailable("PostgreSQL is away")
        return self._found


class NothingFrozen:
    """An archive in which no month was ever frozen, and none can be."""

    async def now(self) -> datetime:
        return T0

    async def revision(self, month: str, number: int | None = None) -> Revision | None:
        return None

    async def revisions(self, month: str, *, after: int, limit: int) -> list[Revision]:
        return []

    async def offsets(self) -> dict[str, int]:
        return {}

    async def end_epoch(self) -> EpochEnd:
        raise NotImplementedError

    async def keep(
        self, revision: Revision, bodies: Iterable[bytes], said: Iterable[Message] = ()
    ) -> bool:
        raise NotImplementedError

    async def body(self, sha256: str) -> bytes | None:
        return None

    async def put_back(self, bodies: Iterable[bytes]) -> None:
        raise NotImplementedError


class NothingLarge(MonthFiles):
    """No month is large enough for the engine of sets."""

    def __init__(self) -> None:
        """Need neither database nor folder."""

    async def counts(self, question: Question) -> bool:
        return False

    async def amount(self, period: Period, most: int) -> int:
        return 0


def client(found: Facts | None) -> httpx.AsyncClient:
    """Return a client of a service with these facts."""
    app = application(xianju(), Shelf(found), NothingFrozen(), keyring(), [], NothingLarge())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://reports")


@pytest.fixture
async def door() -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the service after a collision, a repeat and a drill."""
    call = a_call(1, category="traffic.collision")
    clock = a_clock(1, took=timedelta(minutes=12), incident_id=call.opens)
    async with client(
        facts(call, opened(call), clock, a_call("drill", exercise=True), read_at=T0, real=T0)
    ) as asking:
        yield asking


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
@pytest.mark.parametrize("table", ["overview", "units", "gaps"])
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
        ("months/2026-11/overview?format=pdf", "format", "json, html, xlsx, csv"),
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


async def test_a_database_that_is_away_is_said_so() -> None:
    """503 with Retry-After: asking again is safe."""
    async with client(None) as asking:
        answer = await asking.get("/v1/months/2026-11/overview", headers=DESK)

    assert 503 == answer.status_code
    assert answer.headers["Retry-After"]


async def test_a_month_that_was_never_frozen_has_no_revision(door: httpx.AsyncClient) -> None:
    """`?revision=0` of an open month is refused by name; the list is empty, not missing."""
    answer = await door.get("/v1/months/2026-11/overview?revision=0", headers=DESK)
    listed = await door.get("/v1/months/2026-11/revisions", headers=DESK)

    assert (404, "not_frozen") == (answer.status_code, answer.json()["reason"])
    assert {"items": [], "cursor": None} == listed.json()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/months/2026-13/revisions",
        "/v1/months/2026-11/revisions?limit=0",
        "/v1/months/2026-11/revisions?limit=201",
        "/v1/months/2026-11/revisions?limit=2²",
        "/v1/months/2026-11/revisions?cursor=%00",
        "/v1/months/2026-11/revisions?cursor=LTE",
        "/v1/months/2026-11/revisions/latest/changes",
        "/v1/months/2026-11/overview?revision=-1",
        "/v1/months/2026-11/overview?revision=99999999999",
        "/v1/days/2026-11-22/overview?revision=0",
    ],
)
async def test_a_wrong_question_about_revisions_is_refused(
    path: str, door: httpx.AsyncClient
) -> None:
    """Bad months, limits, cursors and numbers are named; days are never frozen."""
    answer = await door.get(path, headers=DESK)

    assert 400 == answer.status_code
    assert answer.json()["fields"]


async def test_revisions_need_a_key(door: httpx.AsyncClient) -> None:
    """The list is for the desk and auditors, as the tables are."""
    answer = await door.get("/v1/months/2026-11/revisions")

    assert 401 == answer.status_code
