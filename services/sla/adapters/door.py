"""The door: an incident's clocks, and which open clocks come due soon. Desk and auditors only."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.sla.adapters.clocks import START, Coming, Place, PostgresClocks
from shared.contracts.problems import Problem
from shared.runtime.errors import Unavailable
from shared.runtime.keys import Keyring
from shared.runtime.service import Part
from shared.runtime.web import health_routes, json_response, problem

PAGE, LARGEST_PAGE = 50, 200


class Door:
    """Answers what the desk and auditors may ask; keys carry scope `desk` or `auditor`."""

    def __init__(self, clocks: PostgresClocks, keyring: Keyring) -> None:
        self._clocks = clocks
        self._keyring = keyring

    def app(self, parts: Sequence[Part]) -> Starlette:
        """Return the application, health of *parts* included."""
        return Starlette(
            routes=[
                Route("/v1/incidents/{incident}/clocks", self.clocks_of),
                Route("/v1/clocks", self.coming_due),
                *health_routes(parts),
            ]
        )

    async def clocks_of(self, request: Request) -> Response:
        """Return every clock of an incident, settled ones too."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            incident = UUID(request.path_params["incident"])
        except ValueError:
            return problem(Problem.INVALID_FIELDS, "an incident id is a UUID")
        try:
            kept = (await self._clocks.load([incident])).get(incident)
        except Unavailable as error:
            return _away(error)
        if kept is None:
            return problem(Problem.NOT_FOUND, f"no clock was ever started for incident {incident}")
        return json_response(msgspec.to_builtins(kept))

    async def coming_due(self, request: Request) -> Response:
        """Return open clocks due by `due_before`, by their next step; `cursor` goes on."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            before = _instant(request.query_params["due_before"])
            after = _cursor(request.query_params.get("cursor"))
            size = min(LARGEST_PAGE, max(1, int(request.query_params.get("limit", PAGE))))
        except (KeyError, ValueError) as error:
            return problem(
                Problem.INVALID_FIELDS,
                f"due_before is a time with an offset, cursor one we gave, limit a number: {error}",
            )
        try:
            found = await self._clocks.coming(before, after, size + 1)
        except Unavailable as error:
            return _away(error)
        page = found[:size]
        answer: dict[str, Any] = {"clocks": [_shown(each) for each in page]}
        if len(found) > size:
            answer["cursor"] = _cursor_of(page[-1])
        return json_response(answer)

    def _refused(self, request: Request) -> Response | None:
        caller = self._keyring.of(request.headers.get("authorization"))
        if caller is None:
            return problem(Problem.UNAUTHENTICATED, "send `Authorization: Bearer <key>`")
        if not caller.may("desk", "auditor"):
            return problem(Problem.FORBIDDEN, "clocks are shown to the desk and to auditors")
        return None


def _away(error: Unavailable) -> Response:
    return problem(Problem.NOT_DURABLE, str(error), retry_after_s=1)


def _instant(text: str) -> datetime:
    # a plus sign of an offset arrives as a space where the client did not encode it
    at = datetime.fromisoformat(text.replace(" ", "+"))
    if at.tzinfo is None:
        raise ValueError("due_before has no offset")
    return at.astimezone(UTC)


def _shown(each: Coming) -> dict[str, Any]:
    return {
        "clock_id": str(each.clock_id),
        "incident_id": str(each.incident_id),
        "lane": each.lane.value,
        "kind": each.clock.kind.value,
        "next_at": each.next_at.isoformat(),
        "due": each.clock.due.isoformat(),
    }


def _cursor_of(each: Coming) -> str:
    text = f"{each.next_at.isoformat()}/{each.clock_id}"
    return urlsafe_b64encode(text.encode()).decode()


def _cursor(text: str | None) -> Place:
    if text is None:
        return START
    at, _, clock_id = urlsafe_b64decode(text.encode()).decode().partition("/")
    return _instant(at), UUID(clock_id)
