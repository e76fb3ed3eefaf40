"""Knocks at intake's and router's public doors: the same request again until there is an answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import msgspec
import stamina

from services.drill.adapters.deskwork import awaiting_of, decision
from services.drill.domain.plan import Answered, Send
from services.drill.domain.unit_play import Act, Step
from services.drill.ports import Answer, Awaiting

PATIENCE_S = 90.0
"""Wall seconds a door may be away before an item counts as failed."""
_REQUEST_S = 10.0
_CONNECTIONS = 64
_AGAIN = frozenset({429, 502, 503, 504})


class _NoAnswerYet(Exception):
    """The door is away or asked for patience."""


@dataclass(frozen=True, kw_only=True)
class _Request:
    method: str
    url: str
    key: str
    content: bytes
    headers: Mapping[str, str]
    repeats: int | None = None


def client() -> httpx.AsyncClient:
    """Return a client for loopback doors: no proxies from the environment."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    return httpx.AsyncClient(timeout=_REQUEST_S, limits=limits, trust_env=False)


class Doors:
    """Both services' doors with the keys of everyone the drill plays (scope → key)."""

    def __init__(
        self, http: httpx.AsyncClient, *, intake: str, router: str, keys: Mapping[str, str]
    ) -> None:
        self._http = http
        self._intake = intake
        self._router = router
        self._keys = keys

    async def send(self, send: Send) -> Answer:
        """Post a record to its source's feed."""
        key = self._keys[f"source:{send.source}"] if send.own_key else "not-a-key-of-anybody"
        return await self._feed(f"{send.source}/{send.feed}", key, send.body)

    async def handling(self, source: str, body: bytes) -> Answer:
        """Post a handling record to its source's feed."""
        return await self._feed(f"{source}/handling", self._keys[f"source:{source}"], body)

    async def _feed(self, path: str, key: str, body: bytes) -> Answer:
        return await self._ask(
            _Request(
                method="POST",
                url=f"{self._intake}/v1/feeds/{path}",
                key=key,
                content=body,
                headers={"content-type": "application/json"},
                repeats=httpx.codes.OK,
            )
        )

    async def command(self, act: Act) -> Answer:
        """Post a unit's act to its assignment."""
        body: dict[str, Any] = {"occurred_at": act.occurred_at.isoformat()}
        if act.step is Step.SHEET:
            body["sheet"] = {"result": "已处置", "people": 2, "vehicles": 1}
        if act.step is Step.RETURN:
            body["reason"] = "不属本单位职责"
        url = f"{self._router}/v1/assignments/{act.assignment}/{act.step}"
        return await self._command(url, self._keys[f"unit:{act.unit}"], act.command, body)

    async def waive_arrival(self, assignment: UUID, command: str) -> Answer:
        """Say as the desk that a duty is handled remotely."""
        url = f"{self._router}/v1/assignments/{assignment}/waive-arrival"
        return await self._command(url, self._keys["desk"], command, {"reason": "远程处置"})

    async def awaiting(self) -> tuple[Awaiting, ...]:
        """Ask router what waits for the desk; nothing while it is away."""
        answer = await self._ask(
            _Request(
                method="GET",
                url=f"{self._router}/v1/desk?limit=200",
                key=self._keys["desk"],
                content=b"",
                headers={},
            )
        )
        return awaiting_of(answer.body) if answer.status == httpx.codes.OK else ()

    async def decide(self, matter: Awaiting) -> Answer:
        """Decide as the desk."""
        path, body = decision(matter)
        command = f"{matter.kind}-{matter.assignment or matter.incident}"
        return await self._command(f"{self._router}{path}", self._keys["desk"], command, body)

    async def _command(self, url: str, key: str, command: str, body: dict[str, Any]) -> Answer:
        return await self._ask(
            _Request(
                method="POST",
                url=url,
                key=key,
                content=msgspec.json.encode(body),
                headers={"content-type": "application/json", "idempotency-key": command},
            )
        )

    async def _ask(self, request: _Request) -> Answer:
        """Ask until there is an answer that is one, for at most PATIENCE_S; never raises for it."""
        began, attempts, status = time.time(), 0, 0
        body: dict[str, Any] = {}
        try:
            async for attempt in stamina.retry_context(
                on=_NoAnswerYet,
                attempts=None,
                timeout=PATIENCE_S,
                wait_initial=0.05,
                wait_max=2.0,
                wait_jitter=0.05,
            ):
                with attempt:
                    attempts += 1
                    status, body = await self._once(request)
        except _NoAnswerYet:
            pass
        return Answer(
            answered=_answered(status, attempts, repeats=request.repeats),
            status=status,
            attempts=attempts,
            sent_at=began,
            body=body,
            reason=_reason(body),
        )

    async def _once(self, request: _Request) -> tuple[int, dict[str, Any]]:
        headers = {**request.headers, "authorization": f"Bearer {request.key}"}
        try:
            answer = await self._http.request(
                request.method, request.url, content=request.content, headers=headers
            )
        except httpx.TransportError as error:
            raise _NoAnswerYet from error
        if answer.status_code in _AGAIN:
            raise _NoAnswerYet
        return answer.status_code, _object(answer.content)


def _answered(status: int, attempts: int, *, repeats: int | None) -> Answered:
    """Name an answer; *repeats* is the status by which a door says that it knew this already.

    A repeat that only our own second attempt made is an acceptance whose first answer was lost.
    """
    if 200 <= status < 300:
        again = status == repeats and attempts == 1
        return Answered.REPEATED if again else Answered.ACCEPTED
    return Answered.REJECTED if 400 <= status < 500 else Answered.FAILED


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {"items": found}


def _reason(body: dict[str, Any]) -> str | None:
    kind = str(body.get("type", ""))
    named = body.get("reason") or kind.removeprefix("urn:liandong:problem:")
    return str(named) if named else None
