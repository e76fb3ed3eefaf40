"""The live picture's own door: `GET /v1/live`, health and gauges; in its own process, as light as can be."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.reports.adapters.live_telling import Picture
from shared.contracts.problems import Problem
from shared.contracts.stats import LiveFigure
from shared.contracts.values import Instant
from shared.runtime.keys import Keyring
from shared.runtime.service import Part
from shared.runtime.web import health_routes, problem


class LiveView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The picture at `at` (platform time, UTC): last closed minute, what stands now, the charts."""

    at: Instant
    speed: float
    calls: list[LiveFigure]
    standing: list[LiveFigure]
    surges: list[LiveFigure]


def application(picture: Picture, keyring: Keyring, parts: Sequence[Part]) -> Starlette:
    """Return the app; the view is for the desk and auditors."""

    async def view(request: Request) -> Response:
        who = keyring.of(request.headers.get("authorization"))
        if who is None:
            return problem(Problem.UNAUTHENTICATED, "send Authorization: Bearer <key> of the desk")
        if not who.may("desk", "auditor"):
            return problem(Problem.FORBIDDEN, "the live picture is for the desk and auditors")
        live, now = picture.live, picture.clock.now()
        body = LiveView(
            at=now,
            speed=picture.clock.speed,
            calls=live.last_minute(now),
            standing=live.standing(now),
            surges=live.surges(),
        )
        headers = {"Cache-Control": "no-store"}
        return Response(msgspec.json.encode(body), 200, headers, "application/json; charset=utf-8")

    return Starlette(routes=[*health_routes(parts), Route("/v1/live", view)])
