"""The HTTP doors: who was told of an incident, and what is still open in the ledger."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.contracts.problems import Problem
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.keys import Keyring
from shared.runtime.service import Part
from shared.runtime.web import health_routes, json_response, problem

DEFAULT_PAGE, MAX_PAGE = 50, 200
READERS = ("desk", "auditor")

_COLUMNS = """seq, notice_id, incident_id, cause, recipient, channel, purpose, lane, assignment_id, state,
  attempts, queued_at, settled_at, acknowledged_at, provider_ref, reason, late, replaces, version"""
_OF_INCIDENT = f"""
select {_COLUMNS} from notice where incident_id = $1 and seq > $2 order by incident_id, seq limit $3
"""
_OPEN = f"""
select {_COLUMNS} from notice where state = 'queued' and seq > $1 order by seq limit $2
"""


class _BadQuery(ValueError):
    """A query parameter is missing or malformed."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name
        self.what = what


class Doors:
    """Read-only doors for the desk and auditors."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def notices(self, request: Request) -> Response:
        """`GET /v1/notices?incident=<uuid>`: oldest first; never the text, which may hold a place."""
        return await self._answer(request, self._notices_of)

    async def open_ledger(self, request: Request) -> Response:
        """`GET /v1/ledger/open`: what is queued and not settled, oldest first."""
        return await self._answer(request, self._open)

    async def _answer(self, request: Request, read: Any) -> Response:
        principal = self._keyring.of(request.headers.get("authorization"))
        if principal is None:
            return problem(Problem.UNAUTHENTICATED, "send Authorization: Bearer <key>")
        if not principal.may(*READERS):
            return problem(Problem.FORBIDDEN, "needs the scope desk or auditor")
        try:
            limit, after = _page(request)
            rows = await read(request, after, limit + 1)
        except _BadQuery as error:
            fields = [{"field": error.name, "problem": error.what}]
            return problem(Problem.INVALID_FIELDS, str(error), fields=fields)
        except Unavailable:
            return problem(Problem.NOT_DURABLE, "PostgreSQL is away", retry_after_s=1)
        shown = rows[:limit]
        more = _cursor(shown[-1]["seq"]) if len(rows) > limit else None
        return json_response({"items": [_shown(row) for row in shown], "next": more})

    async def _notices_of(self, request: Request, after: int, count: int) -> list[Any]:
        try:
            incident = UUID(request.query_params.get("incident", ""))
        except ValueError:
            raise _BadQuery("incident", "the incident's id, a UUID, is needed") from None
        return await self._database.fetch(_OF_INCIDENT, incident, after, count)

    async def _open(self, _: Request, after: int, count: int) -> list[Any]:
        return await self._database.fetch(_OPEN, after, count)


def application(database: Database, keyring: Keyring, parts: Sequence[Part]) -> Starlette:
    """Return the service's app: its doors and the health routes of *parts*."""
    doors = Doors(database, keyring)
    return Starlette(
        routes=[
            Route("/v1/notices", doors.notices),
            Route("/v1/ledger/open", doors.open_ledger),
            *health_routes(parts),
        ]
    )


def _page(request: Request) -> tuple[int, int]:
    text = request.query_params.get("limit", str(DEFAULT_PAGE))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_PAGE):
        raise _BadQuery("limit", f"a number from 1 to {MAX_PAGE}")
    cursor = request.query_params.get("after")
    return int(text), _position(cursor) if cursor else 0


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _position(cursor: str) -> int:
    try:
        seq = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise _BadQuery("after", "take it from `next` of the page before") from None
    if not 0 <= seq < 2**63:
        raise _BadQuery("after", "take it from `next` of the page before")
    return seq


def _shown(row: Any) -> dict[str, Any]:
    texts = ("notice_id", "incident_id", "cause", "assignment_id")
    times = ("queued_at", "settled_at", "acknowledged_at")
    shown: dict[str, Any] = {key: row[key] for key in row.keys() if key not in ("seq", "lane")}  # noqa: SIM118 - a driver's row iterates values
    shown |= {key: str(row[key]) if row[key] is not None else None for key in texts}
    shown |= {key: row[key].isoformat() if row[key] is not None else None for key in times}
    shown["replaces"] = [str(each) for each in row["replaces"] or ()]
    shown["lane"] = "ordinary" if row["lane"] else "urgent"
    return shown
