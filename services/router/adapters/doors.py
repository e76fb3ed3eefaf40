"""The doors for commands: units act on their own assignments, the desk on incidents."""

from __future__ import annotations

import hashlib
import time
from typing import Protocol
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.router.adapters.bodies import (
    DESK_ACTIONS,
    DESK_ON_ASSIGNMENTS,
    UNIT_ACTIONS,
    Action,
)
from services.router.domain import requests
from services.router.domain.requests import Answer
from shared.contracts.problems import Problem
from shared.contracts.refusals import Refusal
from shared.runtime import metrics
from shared.runtime.errors import Unavailable
from shared.runtime.group import Busy
from shared.runtime.keys import Keyring, Principal
from shared.runtime.tracing import trace_of
from shared.runtime.web import TooMuch, bounded_body, problem

MAX_BODY = 16 * 1024
MAX_COMMAND_ID = 128


class Group(Protocol):
    """Where commands are decided and made durable."""

    async def submit(self, item: requests.Request) -> Answer:
        """Return the durable answer; raises Busy, Unavailable."""


class NotAsked(Exception):
    """The request cannot become a command; carries the answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class CommandDoors:
    """Routes of all commands."""

    def __init__(self, group: Group, keyring: Keyring) -> None:
        for reason in Refusal:  # shown as 0 until it happens
            metrics.REFUSED.labels(reason)
        self._group = group
        self._keyring = keyring

    def routes(self) -> list[BaseRoute]:
        """Return `POST /v1/assignments/{id}/{action}` and `POST /v1/incidents/{id}/{action}`."""
        return [
            Route("/v1/assignments/{target}/{action}", self._unit, methods=["POST"]),
            Route("/v1/incidents/{target}/{action}", self._desk, methods=["POST"]),
        ]

    async def _unit(self, request: Request) -> Response:
        if request.path_params["action"] in DESK_ON_ASSIGNMENTS:
            return await self._timed("desk", request, DESK_ON_ASSIGNMENTS)
        return await self._timed("unit", request, UNIT_ACTIONS)

    async def _desk(self, request: Request) -> Response:
        return await self._timed("desk", request, DESK_ACTIONS)

    async def _timed(self, door: str, request: Request, actions: dict[str, Action]) -> Response:
        started = time.perf_counter()
        try:
            answer = await self._answer(door, request, actions)
        except NotAsked as wrong:
            answer = wrong.answer
        spent = time.perf_counter() - started
        metrics.HTTP_SECONDS.labels(door, answer.status_code).observe(spent)
        return answer

    async def _answer(self, door: str, request: Request, actions: dict[str, Action]) -> Response:
        who = self._who(door, request)
        asked = await _asked(request, actions, who)
        try:
            answer = await self._group.submit(asked)
        except Busy:
            return problem(Problem.BUSY, "too many commands are waiting", retry_after_s=1)
        except Unavailable:
            return problem(Problem.NOT_DURABLE, "the database is away", retry_after_s=1)
        return _response(answer)

    def _who(self, door: str, request: Request) -> Principal:
        who = self._keyring.of(request.headers.get("authorization"))
        if who is None:
            detail = "send Authorization: Bearer <key>"
            raise NotAsked(problem(Problem.UNAUTHENTICATED, detail))
        if not (who.may("desk") or (door == "unit" and who.granted("unit"))):
            raise NotAsked(problem(Problem.FORBIDDEN, f"this needs a key of scope {door}"))
        return who


async def _asked(request: Request, actions: dict[str, Action], who: Principal) -> requests.Request:
    action = actions.get(request.path_params["action"])
    target = _uuid(request.path_params["target"])
    if action is None or target is None:
        raise NotAsked(problem(Problem.NOT_FOUND, "no such command, or the id is no UUID"))
    of_assignment = request.url.path.startswith("/v1/assignments/")
    command_id = request.headers.get("idempotency-key", "")
    if not 0 < len(command_id) <= MAX_COMMAND_ID:
        detail = f"send Idempotency-Key, at most {MAX_COMMAND_ID} characters"
        raise NotAsked(problem(Problem.COMMAND_ID_MISSING, detail))
    body = await _body(request)
    return requests.Request(
        caller=who.name,
        command_id=command_id,
        digest=hashlib.sha256(request.url.path.encode() + b"\n" + body).digest(),
        command=action.build(who, target, _read(body, action)),
        incident_id=None if of_assignment else target,
        assignment_id=target if of_assignment else None,
        units=None if who.may("desk") else who.granted("unit"),
        trace=trace_of(request.scope),
    )


async def _body(request: Request) -> bytes:
    try:
        return await bounded_body(request, MAX_BODY)
    except TooMuch:
        raise NotAsked(problem(Problem.TOO_LARGE, f"at most {MAX_BODY} bytes")) from None


def _read(body: bytes, action: Action) -> msgspec.Struct:
    try:
        return msgspec.json.decode(body or b"{}", type=action.body)
    except msgspec.ValidationError as error:
        raise NotAsked(problem(Problem.INVALID_FIELDS, _without_values(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotAsked(problem(Problem.INVALID_BODY, "the body is no JSON in UTF-8")) from None


def _without_values(error: Exception) -> str:
    """Return msgspec's message; of an enumeration it would repeat what was sent."""
    text, _, path = str(error).partition(" - at ")
    return f"{text.split(chr(39), 1)[0].strip()} at {path or '`$`'}"


def _response(answer: Answer) -> Response:
    if isinstance(answer, bytes):
        return Response(answer, 200, media_type="application/json")
    if answer.reason is None:
        return problem(answer.problem, answer.problem.meaning.en)
    metrics.REFUSED.labels(answer.reason).inc()
    wording = answer.reason.wording
    return problem(answer.problem, f"{wording.zh} ({wording.en})", reason=answer.reason)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
