"""The door to what a bureau signs: bulletins, daily report, monthly checklist, unit assessment."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable
from hashlib import sha256
from typing import Annotated, Protocol

import msgspec
from fastapi import FastAPI, Header, Query
from fastapi.responses import Response

from services.reports.adapters.formats import Form, render
from services.reports.adapters.replies import form_of, one_of, period_of, sent, wrong
from services.reports.domain import period as periods
from services.reports.domain.assessment import Deduction
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Population
from services.reports.domain.period import Period
from services.reports.domain.report import Report
from services.reports.paper_handlers import Papers
from shared.contracts.pack import Pack

DEFAULT_PAGE, MAX_PAGE, LONGEST_CURSOR = 50, 200, 64
MOST_FACTS = 1_000_000
"""Calls and limits a paper may rest on here: they are computed row by row, in memory."""

Whose = Annotated[str, Query()]
As = Annotated[str | None, Query(alias="format")]
Sent = Annotated[str | None, Header()]


class Guard(Protocol):
    """What this door shares with the others."""

    def admit(self, authorization: str | None) -> None:
        """Raise Refused unless the key may read."""
        ...

    @property
    def one_at_a_time(self) -> asyncio.Lock:
        """Held while a table is computed."""
        ...


class Amount(Protocol):
    """How much there is to compute from."""

    async def amount(self, period: Period, most: int) -> int:
        """Return the calls received and limits due in *period*, each counted up to *most*."""
        ...


class PapersDoor:
    """Checks a request, computes one paper at a time, and renders it."""

    def __init__(self, pack: Pack, papers: Papers, amount: Amount, guard: Guard) -> None:
        self._pack = pack
        self._papers = papers
        self._amount = amount
        self._guard = guard

    def open(self, app: FastAPI) -> None:
        """Mount the papers beside the tables of their periods."""
        app.get("/v1/periods/{label}/bulletin")(self.bulletin)
        app.get("/v1/days/{label}/daily")(self.daily)
        app.get("/v1/months/{label}/checklist")(self.checklist)
        app.get("/v1/months/{label}/assessment")(self.assessment)
        app.get("/v1/months/{label}/assessment/deductions")(self.deductions)

    async def bulletin(
        self,
        label: str,
        population: Whose = Population.REAL,
        form: As = None,
        published: Whose = "false",
        authorization: Sent = None,
        accept: Sent = None,
        if_none_match: Sent = None,
    ) -> Response:
        """Answer with the bulletin 通报 of a quarter (`2026-Q4`, T9), half-year or year (`2026-H2`, `2026`, T10)."""
        self._guard.admit(authorization)
        period = period_of("period", periods.longer, label, self._pack.region.zone)
        whose, wanted = _whose(population), form_of(form, accept)
        hides = one_of("published", published, ["true", "false"]) == "true"
        read = [period, period_before(period), *filter(None, [year_before(period)])]
        await self._bounded(read, f"bulletin {label}")
        paper = self._papers.bulletin(period, whose, published=hides)
        words = [label, *(["published"] if hides else []), "bulletin"]
        return await self._give(paper, wanted, if_none_match, words)

    async def daily(
        self,
        label: str,
        population: Whose = Population.REAL,
        form: As = None,
        authorization: Sent = None,
        accept: Sent = None,
        if_none_match: Sent = None,
    ) -> Response:
        """Answer with the daily report 日报 of a day (R16)."""
        self._guard.admit(authorization)
        period = period_of("day", periods.day, label, self._pack.region.zone)
        whose, wanted = _whose(population), form_of(form, accept)
        await self._bounded([period], f"daily {label}")
        paper = self._papers.daily(period, whose)
        return await self._give(paper, wanted, if_none_match, [label, "daily"])

    async def checklist(
        self,
        label: str,
        population: Whose = Population.REAL,
        form: As = None,
        authorization: Sent = None,
        accept: Sent = None,
        if_none_match: Sent = None,
    ) -> Response:
        """Answer with the five monthly duties 五个一 (P30): what the platform proves, blanks for the rest."""
        self._guard.admit(authorization)
        period, whose, wanted = self._month(label), _whose(population), form_of(form, accept)
        paper = self._papers.checklist(period, whose)
        return await self._give(paper, wanted, if_none_match, [label, "checklist"])

    async def assessment(
        self,
        label: str,
        population: Whose = Population.REAL,
        form: As = None,
        authorization: Sent = None,
        accept: Sent = None,
        if_none_match: Sent = None,
    ) -> Response:
        """Answer with the unit assessment 单位考核 (A01-A03): every unit's sheet, deduction by deduction."""
        self._guard.admit(authorization)
        period, whose, wanted = self._month(label), _whose(population), form_of(form, accept)
        await self._bounded([period, period_before(period)], f"assess {label}")
        paper = self._papers.assessment(period, whose)
        return await self._give(paper, wanted, if_none_match, [label, "assessment"])

    async def deductions(
        self,
        label: str,
        unit: Whose,
        population: Whose = Population.REAL,
        limit: Whose = str(DEFAULT_PAGE),
        cursor: Annotated[str | None, Query()] = None,
        authorization: Sent = None,
        if_none_match: Sent = None,
    ) -> Response:
        """Answer with one unit's deductions page by page, in the order of its sheet."""
        self._guard.admit(authorization)
        period, whose, count = self._month(label), _whose(population), _limit(limit)
        one_of("unit", unit, [each.id for each in self._pack.units])
        await self._bounded([period, period_before(period)], f"assess {label}")
        async with self._guard.one_at_a_time:
            table = await self._papers.assessment(period, whose)
        lost = next(each.deductions for each in table.units if each.unit == unit)
        stamp = sha256(msgspec.json.encode(lost)).hexdigest()[:16]
        first = _after(cursor, stamp)
        body = msgspec.json.encode(
            {"items": lost[first : first + count], "cursor": _next(lost, first + count, stamp)}
        )
        return sent(body, Form.JSON, if_none_match, "")

    def _month(self, label: str) -> Period:
        return period_of("month", periods.month, label, self._pack.region.zone)

    async def _bounded(self, read: list[Period], command: str) -> None:
        """Refuse what would not fit in memory beside the consumer; *command* writes it elsewhere."""
        found = sum([await self._amount.amount(period, MOST_FACTS) for period in read])
        if found > MOST_FACTS:
            raise wrong(
                "period",
                f"more than {MOST_FACTS:,} calls and limits: `python -m services.reports {command}` "
                "computes it in a process of its own",
                reason="too_many_facts",
            )

    async def _give(
        self, paper: Awaitable[Report], form: Form, known: str | None, words: list[str]
    ) -> Response:
        async with self._guard.one_at_a_time:
            table = await paper
            body = await asyncio.to_thread(render, table, form)
        return sent(body, form, known, "-".join([self._pack.region.code, *words]))


def _whose(population: str) -> Population:
    return Population(one_of("population", population, list(Population)))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_PAGE):
        raise wrong("limit", f"a number from 1 to {MAX_PAGE}")
    return int(text[:9])


def _next(lost: list[Deduction], first: int, stamp: str) -> str | None:
    if first >= len(lost):
        return None
    return base64.urlsafe_b64encode(f"{stamp}/{first}".encode()).decode().rstrip("=")


def _after(cursor: str | None, stamp: str) -> int:
    """Return the place to go on from: a cursor belongs to the sheet it was given for."""
    if cursor is None:
        return 0
    try:
        given = cursor[:LONGEST_CURSOR]
        text = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode("ascii")
        known, _, place = text.partition("/")
    except (ValueError, binascii.Error):
        known, place = "", ""
    if known != stamp or not (place.isascii() and place.isdigit()):
        raise wrong(
            "cursor", "cursor is the one of the page before; a sheet that changed begins anew"
        )
    return int(place)
