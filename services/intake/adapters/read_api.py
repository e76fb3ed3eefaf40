"""The FastAPI side: documented reads for the desk and for a source's own calls."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from services.intake.adapters.contacts import AccessReason, Contacts
from services.intake.adapters.feed_docs import FEED_PATHS
from services.intake.adapters.reads import BadCursor, CallReads
from services.intake.config import Settings
from shared.contracts.problems import Problem
from shared.runtime.errors import Unavailable
from shared.runtime.keys import Keyring, Principal
from shared.runtime.web import json_response, problem

DESK = "desk"
_PRIVATE = {"Cache-Control": "no-store"}
_HIDDEN = ("contact", "caller")


class Denied(Exception):
    """No key, or one that does not grant it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


async def _known(request: Request) -> Principal:
    who: Principal | None = request.app.state.keyring.of(request.headers.get("authorization"))
    if who is None:
        raise Denied(Problem.UNAUTHENTICATED)
    return who


async def _desk(who: Annotated[Principal, Depends(_known)]) -> Principal:
    if not who.may(DESK):
        raise Denied(Problem.FORBIDDEN)
    return who


Known = Annotated[Principal, Depends(_known)]
Desk = Annotated[Principal, Depends(_desk)]


def read_api(keyring: Keyring, calls: CallReads, contacts: Contacts, settings: Settings) -> FastAPI:
    """Return the application that serves the reads and `/openapi.json`."""
    app = FastAPI(
        title="联动 intake",
        version="1",
        description="接警与诉求接入",
        docs_url=None,
        redoc_url=None,
    )
    app.state.keyring = keyring
    router = APIRouter(prefix="/v1")

    @router.get("/calls/{call_id}", summary="一个接警单(不含报警人) · one call, without the caller")
    async def call(call_id: UUID, who: Known) -> Response:
        found = await calls.call(call_id)
        if found is None or not who.may(DESK, f"source:{found.source}"):
            return problem(Problem.NOT_FOUND, "no call with this id that this key may read")
        shown = {k: v for k, v in msgspec.to_builtins(found).items() if k not in _HIDDEN}
        return json_response(shown, headers=_PRIVATE)

    @router.get("/untransmitted", summary="已入库未发出的接警单 · durable, not yet sent on")
    async def untransmitted(
        _who: Desk,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        try:
            found, after = await calls.untransmitted(settings.untransmitted_s, cursor, limit)
        except BadCursor:
            return problem(Problem.INVALID_FIELDS, "cursor: use the one the last page gave")
        return json_response({"untransmitted": msgspec.to_builtins(found), "next": after})

    @router.get(
        "/contacts/{token}", summary="报警人(脱敏),查阅留痕 · the caller, masked and audited"
    )
    async def look(token: UUID, reason: AccessReason, who: Desk) -> Response:
        found = await contacts.look(token, who.name, reason)
        if found is None:
            return problem(Problem.NOT_FOUND, "no such contact, or its key was destroyed")
        return json_response(msgspec.to_builtins(found), headers=_PRIVATE)

    @router.delete("/contacts/{token}", summary="销毁报警人信息 · destroy a contact in every copy")
    async def destroy(token: UUID, reason: AccessReason, who: Desk) -> Response:
        if not await contacts.destroy(token, who.name, reason):
            return problem(Problem.NOT_FOUND, "no such contact, or its key was destroyed")
        return Response(status_code=204)

    app.include_router(router)
    _refuse_by_name(app)
    _document_feeds(app)
    return app


def _refuse_by_name(app: FastAPI) -> None:
    @app.exception_handler(Denied)
    async def denied(_: Request, error: Denied) -> Response:
        return problem(error.problem, "send a key that grants this as Authorization: Bearer <key>")

    @app.exception_handler(Unavailable)
    async def unavailable(_: Request, error: Unavailable) -> Response:  # noqa: ARG001 - its signature
        return problem(Problem.NOT_DURABLE, "the record cannot be reached now", retry_after_s=1)

    @app.exception_handler(404)
    async def nowhere(_: Request, error: Exception) -> Response:  # noqa: ARG001 - its signature
        return problem(Problem.NOT_FOUND, "no such address; /openapi.json lists them")

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        places = sorted({str(each["loc"][-1]) for each in error.errors()})
        fields = [{"field": place, "reason": "malformed"} for place in places]
        return problem(Problem.INVALID_FIELDS, "correct: " + ", ".join(places), fields=fields)


def _document_feeds(app: FastAPI) -> None:
    """Show the hot doors in the document although they are no FastAPI routes."""
    generated = app.openapi

    def documented() -> dict[str, Any]:
        document = generated()
        document["paths"] = FEED_PATHS | document["paths"]
        return document

    app.openapi = documented  # type: ignore[method-assign]
