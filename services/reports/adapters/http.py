"""The door: tables of months and days as JSON, HTML or a workbook."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import Response

from services.reports.adapters.formats import Form, accepted, render
from services.reports.domain import period as periods
from services.reports.domain.facts import Population
from services.reports.domain.period import Period, PeriodKind, WrongPeriod
from services.reports.handlers import Question, Table, answer
from services.reports.ports import FactSource
from shared.contracts.pack import Pack
from shared.contracts.problems import Problem
from shared.runtime.errors import Unavailable
from shared.runtime.keys import Keyring
from shared.runtime.service import Part
from shared.runtime.web import health_routes, problem

_KINDS = {PeriodKind.MONTH: ("months", periods.month), PeriodKind.DAY: ("days", periods.day)}
RETRY_AFTER_S = 2


class Refused(Exception):
    """A request that is answered with a problem; carries the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def application(pack: Pack, facts: FactSource, keyring: Keyring, parts: Sequence[Part]) -> FastAPI:
    """Return the app: `/v1/months/{month}/{table}`, `/v1/days/{date}/{table}`, health."""
    app = FastAPI(title="reports", version="1", docs_url=None, redoc_url=None)
    app.router.routes.extend(health_routes(parts))
    door = _Door(pack, facts, keyring)
    for kind, (path, parse) in _KINDS.items():
        for table in Table:
            endpoint = _endpoint(table, kind, parse, door)
            app.get(f"/v1/{path}/{{label}}/{table}", name=f"{kind} {table}")(endpoint)

    @app.exception_handler(Refused)
    async def refused(_: Request, refusal: Refused) -> Response:
        return refusal.response

    return app


class _Door:
    """Checks a request, asks, and renders."""

    def __init__(self, pack: Pack, facts: FactSource, keyring: Keyring) -> None:
        self.pack = pack
        self._facts = facts
        self._keyring = keyring
        self._one_at_a_time = asyncio.Lock()

    def admit(self, authorization: str | None) -> None:
        """Raise Refused unless the key is a duty desk's or an auditor's."""
        who = self._keyring.of(authorization)
        if who is None:
            raise Refused(
                problem(Problem.UNAUTHENTICATED, "send Authorization: Bearer <key> of the desk")
            )
        if not who.may("desk", "auditor"):
            raise Refused(problem(Problem.FORBIDDEN, "reports are for the desk and auditors"))

    async def give(self, question: Question, form: Form, known: str | None) -> Response:
        """Return the table, or 304 where the reader has it already."""
        try:
            # months are large: a second reader waits rather than doubling the memory
            async with self._one_at_a_time:
                table = await answer(question, self._facts, self.pack)
                body = await asyncio.to_thread(render, table, form)
        except Unavailable as error:
            raise Refused(
                problem(Problem.NOT_DURABLE, str(error), retry_after_s=RETRY_AFTER_S)
            ) from None
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
        if known is not None and tag in {each.strip() for each in known.split(",")}:
            return Response(status_code=304, headers=headers)
        if form is Form.XLSX:
            name = f"{table.heading.region}-{table.heading.period}-{question.table}"
            headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
        return Response(body, headers=headers, media_type=form.media_type)


def _endpoint(
    table: Table,
    kind: PeriodKind,
    parse: Callable[[str, ZoneInfo], Period],
    door: _Door,
) -> Callable[..., object]:
    async def endpoint(
        label: str,
        population: Annotated[str, Query()] = Population.REAL,
        form: Annotated[str | None, Query(alias="format")] = None,
        published: Annotated[str, Query()] = "false",
        authorization: Annotated[str | None, Header()] = None,
        accept: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        door.admit(authorization)
        try:
            period = parse(label, door.pack.region.zone)
        except WrongPeriod as wrong:
            raise Refused(_wrong(kind, str(wrong))) from None
        question = Question(
            table,
            period,
            Population(_one_of("population", population, list(Population))),
            _one_of("published", published, ["true", "false"]) == "true",
        )
        wanted = Form(_one_of("format", form, list(Form))) if form else accepted(accept)
        return await door.give(question, wanted, if_none_match)

    return endpoint


def _one_of(field: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise Refused(_wrong(field, f"{value!r} is not one of {', '.join(allowed)}"))
    return value


def _wrong(field: str, detail: str) -> Response:
    return problem(Problem.INVALID_FIELDS, detail, fields=[{"field": field, "detail": detail}])
