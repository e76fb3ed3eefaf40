"""The door: tables of months and days as JSON, HTML or a workbook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import Response

from services.reports.adapters.facts_http import FactsDoor
from services.reports.adapters.formats import KINDS, Form, render
from services.reports.adapters.frozen_http import FrozenDoor
from services.reports.adapters.month_files import MonthFiles
from services.reports.adapters.papers_http import PapersDoor
from services.reports.adapters.replies import Refused, form_of, one_of, period_of, sent, wrong
from services.reports.domain import period as periods
from services.reports.domain.canonical import restored
from services.reports.domain.facts import Population
from services.reports.domain.freezing import FreezeRefused, Sheet
from services.reports.domain.period import Period, PeriodKind
from services.reports.freeze_handlers import Office
from services.reports.handlers import Question, Table, answer
from services.reports.paper_handlers import Papers
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


def application(
    pack: Pack,
    facts: FactSource,
    archive: MonthArchive,
    keyring: Keyring,
    parts: Sequence[Part],
    files: MonthFiles,
) -> FastAPI:
    """Return the app: tables of months and days, papers to sign, revisions, facts, health."""
    app = FastAPI(title="reports", version="1", docs_url=None, redoc_url=None)
    app.router.routes.extend(health_routes(parts))
    office = Office(facts, archive, pack, files)
    door = _Door(pack, facts, office, keyring, files)
    FrozenDoor(pack, office, archive, door.admit).open(app)
    FactsDoor(pack, office, files, door.admit).open(app)
    PapersDoor(pack, Papers(facts, archive, pack), files, door).open(app)
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
        self.one_at_a_time = asyncio.Lock()

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
        async with self.one_at_a_time:
            body = await self._written(question, form, revision)
        words = [self.pack.region.code, question.period.label]
        words += [] if revision is None else [f"r{revision}"]
        return sent(body, form, known, "-".join([*words, question.table]))

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
        period = period_of(kind, parse, label, door.pack.region.zone)
        question = Question(
            table,
            period,
            Population(one_of("population", population, list(Population))),
            one_of("published", published, ["true", "false"]) == "true",
        )
        wanted = form_of(form, accept)
        return await door.give(question, wanted, if_none_match, _revision(kind, revision))

    return endpoint


def _revision(kind: PeriodKind, value: str | None) -> int | None:
    if value is None:
        return None
    if kind is not PeriodKind.MONTH:
        raise wrong("revision", "only months are frozen")
    if not (value.isascii() and value.isdigit() and len(value) < LONGEST_NUMBER):
        raise wrong("revision", f"{value!r} is no revision: 0 is the freeze, then 1..n")
    return int(value)
