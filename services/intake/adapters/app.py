"""One address for both: the hot doors first, everything else to FastAPI."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from starlette.requests import Request
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.contracts.problems import Problem
from shared.runtime.web import problem

_HOT = "/v1/feeds/"
_log = structlog.get_logger()


class Doors:
    """The ASGI application of intake."""

    def __init__(self, hot: Sequence[BaseRoute], reads: ASGIApp) -> None:
        self._hot = Router(hot, redirect_slashes=False, default=_nowhere)
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_HOT):
            await self._reads(scope, receive, send)
            return
        try:
            await self._hot(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the door answers; a message may hold a value
            _log.error("door failed", kind=type(error).__name__)
            answer = problem(Problem.INTERNAL, "not accepted; it is safe to send it again")
            await answer(scope, receive, send)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    path = Request(scope).url.path.rsplit("/", 1)[-1]
    known = path in ("calls", "handling")
    detail = "post to it" if known else "there are .../calls and .../handling"
    await problem(Problem.NOT_FOUND, detail)(scope, receive, send)
