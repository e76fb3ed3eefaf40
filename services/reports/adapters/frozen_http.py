"""The door to frozen months: their revisions, and what each changed against the freeze."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Header, Query
from fastapi.responses import Response

from services.reports.domain import period as periods
from services.reports.domain.freezing import FROZEN
from services.reports.domain.period import Period, WrongPeriod
from services.reports.freeze_handlers import Office
from services.reports.ports import MonthArchive
from shared.contracts.pack import Pack
from shared.contracts.problems import Problem
from shared.runtime.web import problem

DEFAULT_PAGE, MAX_PAGE, LONGEST_CURSOR = 50, 200, 20
MOST_DIFFERENCES = 2000
"""Of one table; the count beside says how many there are."""


class FrozenDoor:
    """Lists revisions and says what they changed; `admit` raises unless the key may read."""

    def __init__(
        self,
        pack: Pack,
        office: Office,
        archive: MonthArchive,
        admit: Callable[[str | None], None],
    ) -> None:
        self._pack = pack
        self._office = office
        self._archive = archive
        self._admit = admit

    def open(self, app: FastAPI) -> None:
        """Mount `/v1/months/{month}/revisions` and `…/revisions/{n}/changes`."""
        app.get("/v1/months/{label}/revisions")(self.revisions)
        app.get("/v1/months/{label}/revisions/{number}/changes")(self.changes)

    async def revisions(
        self,
        label: str,
        limit: Annotated[str, Query()] = str(DEFAULT_PAGE),
        cursor: Annotated[str | None, Query()] = None,
        authorization: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Answer with the freeze (0) and the revisions 1..n, in order, page by page."""
        self._admit(authorization)
        try:
            period = self._period(label)
            count, after = _limit(limit), _after(cursor)
        except _Wrong as wrong:
            return wrong.response
        found = await self._archive.revisions(period.label, after=after, limit=count + 1)
        shown = found[:count]
        more = _cursor(shown[-1].number) if len(found) > count else None
        return _json({"items": shown, "cursor": more})

    async def changes(
        self,
        label: str,
        number: str,
        authorization: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Answer with every figure in which revision *number* differs from the freeze."""
        self._admit(authorization)
        try:
            period, other = self._period(label), _number(number)
        except _Wrong as wrong:
            return wrong.response
        revision = await self._office.known(period, other)
        compared = await self._office.compare(period, FROZEN, other)
        sheets = [
            {
                "sheet": each.sheet,
                "count": len(each.found),
                "differences": each.found[:MOST_DIFFERENCES],
            }
            for each in compared
        ]
        return _json({"from": FROZEN, "revision": revision, "sheets": sheets})

    def _period(self, label: str) -> Period:
        try:
            return periods.month(label, self._pack.region.zone)
        except WrongPeriod as wrong:
            raise _Wrong("month", str(wrong)) from None


class _Wrong(Exception):
    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        fields = [{"field": field, "detail": detail}]
        self.response = problem(Problem.INVALID_FIELDS, detail, fields=fields)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_PAGE):
        raise _Wrong("limit", f"a number from 1 to {MAX_PAGE}")
    return int(text[:9])


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _Wrong("number", f"{text!r} is no revision: 0 is the freeze, then 1..n")
    return int(text)


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def _after(cursor: str | None) -> int:
    if cursor is None:
        return FROZEN - 1
    try:
        text = base64.urlsafe_b64decode(cursor[:LONGEST_CURSOR] + "=" * (-len(cursor) % 4))
        return _number(text.decode("ascii"))
    except (ValueError, binascii.Error, _Wrong):
        raise _Wrong("cursor", "cursor is the one of the page before, unchanged") from None


def _json(content: Any) -> Response:
    body = msgspec.json.encode(content)
    return Response(body, media_type="application/json; charset=utf-8")
