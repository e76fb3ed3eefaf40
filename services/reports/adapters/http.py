"""The door: tables of months and days as JSON, HTML or a workbook."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import Response

from services.reports.adapters.facts_http import FactsDoor
from services.reports.adapters.formats import KINDS, Form, accepted, render
from services.reports.adapters.frozen_http import FrozenDoor
from services.reports.adapters.month_files import MonthFiles
from services.reports.domain import period as periods
from services.reports.domain.canonical import restored
from services.reports.domain.facts import Population
from services.reports.domain.freezing import FreezeRefused, Sheet
from services.reports.domain.period import Period, PeriodKind, WrongPeriod
from services.reports.freeze_handlers import Office
from services.reports.handlers import Question, Table, answer
from services.reports.ports import FactSource, MonthArchive
from shared.contracts.pack import Pack
from shared.contracts.problems import Problem
from shared.runtime.errors import Unavailable
from shared.runtime.keys import Keyring
from shared.runtime.service import Part
from shared.runtime.web import health_routes, problem

_KINDS = {PeriodKind.MONTH: ("months", periods.month), PeriodKind.DAY: ("days", periods.day)}
RETRY_AFTER_S = 2
LONGEST_NUMBER = 10
"""Digits from which a number may not fit the database's integer."""


class Refused(Exception):
    """A request that is answered with a problem; carries the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def application(
    pack: Pack,
    facts: FactSource,
    archive: MonthArchive,
    keyring: Keyring,
    parts: Sequence[Part],
    files: MonthFiles,
) -> FastAPI:
    """Return the app: tables of `/v1/months/{month}` and `/v1/days/{date}`, revisions, health."""
    app = FastAPI(title="reports", version="1", docs_url=None, redoc_url=None)
    app.router.routes.extend(health_routes(parts))
    office = Office(facts, archive, pack, files)
    door = _Door(pack, facts, office, keyring, files)
    FrozenDoor(pack, office, archive, door.admit).open(app)
    FactsDoor(pack, office, files, door.admit).open(app)
    for kind, (path, parse) in _KINDS.items():
        for table in Table:
            endpoint = _endpoint(table, kind, parse, door)
            app.get(f"/v1/{path}/{{label}}/{table}", name=f"{kind} {table}")(endpoint)

    @app.exception_handler(Refused)
    async def refused(_: Request, refusal: Refused) -> Response:
        return refusal.response

    @app.exception_handler(FreezeRefused)
    async def not_frozen(_: Request, refusal: FreezeRefused) -> Response:
        return problem(Problem.NOT_FOUND, refusal.detail, reason=refusal.reason)

    @app.exception_handler(Unavailable)
    async def away(_: Request, error: Unavailable) -> Response:
        return problem(Problem.NOT_DURABLE, str(error), retry_after_s=RETRY_AFTER_S)

    return app


class _Door:
    """Checks a request, asks, and renders."""

    def __init__(
        self,
        pack: Pack,
        facts: FactSource,
        office: Office,
        keyring: Keyring,
        files: MonthFiles,
    ) -> None:
        self._files = files
        self.pack = pack
        self._office = office
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

    async def give(
        self, question: Question, form: Form, known: str | None, revision: int | None
    ) -> Response:
        """Return the table, or 304 where the reader has it already."""
        # months are large: a second reader waits rather than doubling the memory
        async with self._one_at_a_time:
            body = await self._written(question, form, revision)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
        if known is not None and tag in {each.strip() for each in known.split(",")}:
            return Response(status_code=304, headers=headers)
        if form in {Form.XLSX, Form.CSV}:
            words = [self.pack.region.code, question.period.label]
            words += [] if revision is None else [f"r{revision}"]
            name = "-".join([*words, question.table])
            headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
        return Response(body, headers=headers, media_type=form.media_type)

    async def _written(self, question: Question, form: Form, revision: int | None) -> bytes:
        """Return the table as it is now; of a revision the stored bytes, or a form made of them."""
        if revision is None:
            if await self._files.counts(question):
                table = await self._files.table(question, self.pack)
            else:
                table = await answer(question, self._facts, self.pack)
            return await asyncio.to_thread(render, table, form)
        sheet = Sheet(
            table=question.table, population=question.population, published=question.published
        )
        body = await self._office.stored(question.period, revision, sheet)
        if form is Form.JSON:
            return body
        return await asyncio.to_thread(render, restored(body, KINDS[question.table]), form)


def _endpoint(
    table: Table,
    kind: PeriodKind,
    parse: Callable[[str, ZoneInfo], Period],
    door: _Door,
) -> Callable[..., object]:
    async def endpoint(  # noqa: PLR0913, PLR0917 - the request's parts, bound by name
        label: str,
        population: Annotated[str, Query()] = Population.REAL,
        form: Annotated[str | None, Query(alias="format")] = None,
        published: Annotated[str, Query()] = "false",
        revision: Annotated[str | None, Query()] = None,
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
        return await door.give(question, wanted, if_none_match, _revision(kind, revision))

    return endpoint


def _revision(kind: PeriodKind, value: str | None) -> int | None:
    if value is None:
        return None
    if kind is not PeriodKind.MONTH:
        raise Refused(_wrong("revision", "only months are frozen"))
    if not (value.isascii() and value.isdigit() and len(value) < LONGEST_NUMBER):
        raise Refused(_wrong("revision", f"{value!r} is no revision: 0 is the freeze, then 1..n"))
    return int(value)


def _one_of(field: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise Refused(_wrong(field, f"{value!r} is not one of {', '.join(allowed)}"))
    return value


def _wrong(field: str, detail: str) -> Response:
    return problem(Problem.INVALID_FIELDS, detail, fields=[{"field": field, "detail": detail}])
