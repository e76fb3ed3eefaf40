"""The doors for reading: incidents, decisions, parked feedback; lists are paged and ordered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.router.domain.awaiting import matters
from shared.contracts.incident import Incident, IncidentState
from shared.contracts.problems import Problem
from shared.contracts.values import Instant
from shared.runtime import operations
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.keys import Keyring, Principal
from shared.runtime.web import problem

DEFAULT_PAGE, LARGEST_PAGE = 50, 200

_BY_ID = "select doc from incident where incident_id = $1"
_BY_CALL = "select i.doc from call_link l join incident i using (incident_id) where l.call_id = $1"
_DECISIONS = "select version, doc from decision where incident_id = $1 order by version limit 200"
_HOLDS = """
select version, what, purpose, by_whom as by, reason, decided_at from hold
where incident_id = $1 order by version limit 200
"""
_PAGE = """
select doc, opened_at, incident_id from incident
where ($1::text is null or state = $1)
  and ($2::timestamptz is null or (opened_at, incident_id) < ($2, $3::uuid))
order by opened_at desc, incident_id desc limit $4
"""
_AWAITING = """
select doc, opened_at, incident_id from incident where awaits is not null
  and ($1::timestamptz is null or (opened_at, incident_id) > ($1, $2::uuid))
order by opened_at, incident_id limit $3
"""
_PARKED = """
select feedback_id as id, call_id, parked_at as at, doc from parked_feedback
where $1::timestamptz is null or (parked_at, feedback_id) > ($1, $2::uuid)
order by parked_at, feedback_id limit $3
"""

_ENCODE = msgspec.json.Encoder().encode
_INCIDENT = msgspec.json.Decoder(Incident)
Mark = tuple[Instant, UUID]
_MARK: msgspec.json.Decoder[Mark] = msgspec.json.Decoder(Mark)


class WrongRead(Exception):
    """The request cannot be answered; carries the answer."""

    def __init__(self, code: Problem, detail: str) -> None:
        super().__init__(detail)
        self.answer = problem(code, detail)


class ReadDoors:
    """Routes of everything that is only looked at; for the desk and the auditor."""

    def __init__(
        self, database: Database, keyring: Keyring, clock: Clock, parked_limit: timedelta
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._parked_limit = parked_limit

    def routes(self) -> list[BaseRoute]:
        """Return the reading routes."""
        return [
            Route("/v1/incidents", self._guarded(self._page)),
            Route("/v1/incidents/{id}", self._guarded(self._one)),
            Route("/v1/calls/{id}/incident", self._guarded(self._of_call)),
            Route("/v1/decisions/{id}", self._guarded(self._decisions)),
            Route("/v1/holds/{id}", self._guarded(self._holds)),
            Route("/v1/parked", self._guarded(self._parked)),
            Route("/v1/desk", self._guarded(self._awaiting)),
            Route("/v1/deadletters", self._guarded(self._dead)),
        ]

    def _guarded(
        self, read: Callable[[Request, Principal], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            who = self._keyring.of(request.headers.get("authorization"))
            if who is None:
                return problem(Problem.UNAUTHENTICATED, "send Authorization: Bearer <key>")
            try:
                return await read(request, who)
            except WrongRead as wrong:
                return wrong.answer
            except Unavailable:
                return problem(Problem.NOT_DURABLE, "the database is away", retry_after_s=1)

        return endpoint

    async def _one(self, request: Request, who: Principal) -> Response:
        return _document(who, await self._database.fetch(_BY_ID, _id(request)))

    async def _of_call(self, request: Request, who: Principal) -> Response:
        return _document(who, await self._database.fetch(_BY_CALL, _id(request)))

    async def _page(self, request: Request, who: Principal) -> Response:
        _only_desk(who)
        state = request.query_params.get("state")
        if state is not None and state not in set(IncidentState):
            known = ", ".join(IncidentState)
            raise WrongRead(Problem.INVALID_FIELDS, f"state is one of {known}")
        limit, after = _limit(request), _after(request)
        rows = await self._database.fetch(_PAGE, state, *(after or (None, None)), limit + 1)
        marks = [(row["opened_at"], row["incident_id"]) for row in rows]
        return _page([msgspec.Raw(row["doc"]) for row in rows], limit, marks)

    async def _decisions(self, request: Request, who: Principal) -> Response:
        _only_desk(who)
        rows = await self._database.fetch(_DECISIONS, _id(request))
        if not rows:
            raise WrongRead(Problem.NOT_FOUND, "no decision of such an incident")
        found = [{"version": r["version"], "decision": msgspec.Raw(r["doc"])} for r in rows]
        return _page(found, len(found))

    async def _holds(self, request: Request, who: Principal) -> Response:
        """Who held it past its retention (留存), who let go, and why; oldest first."""
        _only_desk(who)
        rows = await self._database.fetch(_HOLDS, _id(request))
        return _page([dict(row) for row in rows], len(rows))

    async def _awaiting(self, request: Request, who: Principal) -> Response:
        """Oldest first; an incident with several matters stands with all of them on one page."""
        _only_desk(who)
        limit, after = _limit(request), _after(request)
        rows = await self._database.fetch(_AWAITING, *(after or (None, None)), limit + 1)
        cursor = _cursor([(r["opened_at"], r["incident_id"]) for r in rows], limit)
        found = [m for r in rows[:limit] for m in matters(_INCIDENT.decode(r["doc"]))]
        return Response(_ENCODE({"items": found, "cursor": cursor}), media_type="application/json")

    async def _parked(self, request: Request, who: Principal) -> Response:
        _only_desk(who)
        limit, after = _limit(request), _after(request)
        rows = await self._database.fetch(_PARKED, *(after or (None, None)), limit + 1)
        overdue = self._clock.now() - self._parked_limit
        items = [
            {
                "call_id": row["call_id"],
                "parked_at": row["at"],
                "overdue": row["at"] < overdue,
                "feedback": msgspec.Raw(row["doc"]),
            }
            for row in rows
        ]
        return _page(items, limit, [(row["at"], row["id"]) for row in rows])

    async def _dead(self, request: Request, who: Principal) -> Response:
        """Open dead letters of router, oldest first: calls that opened no incident. Never what they hold."""
        _only_desk(who)
        limit = _limit(request)
        rows = await operations.dead_letters(self._database, limit=limit)
        names = (
            "consumer",
            "topic",
            "partition",
            "record",
            "reason",
            "stage",
            "detail",
            "found_at",
        )
        return _page([{name: row[name] for name in names} for row in rows], limit)


def _page(items: Sequence[Any], limit: int, marks: Sequence[Mark] = ()) -> Response:
    body = _ENCODE({"items": items[:limit], "cursor": _cursor(marks, limit)})
    return Response(body, media_type="application/json")


def _cursor(marks: Sequence[Mark], limit: int) -> str | None:
    """Return where the next page starts; None where this is the last."""
    more = len(marks) > limit
    return base64.urlsafe_b64encode(_ENCODE(marks[limit - 1])).decode() if more else None


def _document(who: Principal, rows: Sequence[Any]) -> Response:
    _only_desk(who)
    if not rows:
        raise WrongRead(Problem.NOT_FOUND, "no such incident (yet)")
    return Response(rows[0]["doc"], media_type="application/json")


def _only_desk(who: Principal) -> None:
    if not who.may("desk", "auditor"):
        raise WrongRead(Problem.FORBIDDEN, "this needs a key of scope desk or auditor")


def _id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise WrongRead(Problem.NOT_FOUND, "the id is no UUID") from None


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise WrongRead(Problem.INVALID_FIELDS, f"limit is a number from 1 to {LARGEST_PAGE}")
    return int(text)


def _after(request: Request) -> Mark | None:
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        at, last = _MARK.decode(base64.urlsafe_b64decode(text))
        return at.astimezone(UTC), last
    except (binascii.Error, msgspec.DecodeError, ValueError, OverflowError):
        detail = "cursor is the one of the page before, unchanged"
        raise WrongRead(Problem.INVALID_FIELDS, detail) from None
