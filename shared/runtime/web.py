"""Doors: problem+json answers, health, metrics, and the server itself."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from shared.contracts.problems import Problem
from shared.runtime.service import Part
from shared.runtime.settings import ServiceSettings
from shared.runtime.tracing import TracedApp

KEEP_ALIVE_S = 75
"""Longer than any client pool's, else a reused connection meets a closing server."""


def json_response(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer with UTF-8 JSON, Chinese readable."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, "application/json; charset=utf-8")


def problem(
    code: Problem,
    detail: str,
    *,
    fields: Sequence[dict[str, str]] = (),
    reason: str | None = None,
    retry_after_s: int | None = None,
) -> Response:
    """Answer with problem+json (RFC 9457): the named reason, what is wrong, where, what to do."""
    meaning = code.meaning
    body: dict[str, Any] = {
        "type": f"urn:liandong:problem:{code}",
        "title": meaning.en,
        "title_zh": meaning.zh,
        "status": meaning.status,
        "detail": detail,
    }
    if reason is not None:
        body["reason"] = reason
    if fields:
        body["fields"] = list(fields)
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    text = json.dumps(body, ensure_ascii=False).encode()
    return Response(text, meaning.status, headers, "application/problem+json; charset=utf-8")


def health_routes(parts: Sequence[Part]) -> list[BaseRoute]:
    """Return `/live`, `/ready` (503 names what each part waits for) and `/metrics`."""

    async def live(_: Request) -> Response:
        return json_response({"live": True})

    async def ready(_: Request) -> Response:
        waiting = {part.name: part.waiting for part in parts if part.waiting is not None}
        return json_response({"ready": not waiting, "waiting": waiting}, 503 if waiting else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/live", live), Route("/ready", ready), Route("/metrics", metrics)]


class TooMuch(Exception):
    """The body is larger than allowed."""


async def bounded_body(request: Request, limit: int) -> bytes:
    """Return the body, or raise TooMuch as soon as it is known to exceed *limit* bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooMuch
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooMuch
        chunks.append(chunk)
    return b"".join(chunks)


class Server:
    """Serves *app* and writes the address it listens on into the endpoint file."""

    name = "http"

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self.waiting: str | None = "listening"
        self._app = TracedApp(app)
        self._settings = settings

    async def run(self) -> None:
        """Serve until cancelled."""
        server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                host=self._settings.host,
                port=self._settings.port,
                log_level="warning",
                log_config=None,  # through `logs`, which quotes nothing that was sent
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=3,
                lifespan="off",
                server_header=False,
                proxy_headers=False,
            )
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # signals are service.run's
        serving = asyncio.create_task(server._serve())  # noqa: SLF001 - serve() would take over the signals
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
                await asyncio.sleep(0.01)
            if server.started:
                self._announce(server)
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)

    def _announce(self, server: uvicorn.Server) -> None:
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        self.waiting = None
        if self._settings.endpoint_file is not None:
            write_endpoint(self._settings.endpoint_file, f"http://{host}:{port}")


def write_endpoint(path: Path, address: str) -> None:
    """Write the endpoint file in one step, so that a reader never sees half of it."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"http": address, "pid": os.getpid()}))
    partial.replace(path)
