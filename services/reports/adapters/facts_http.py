"""The door to a month's facts for a bureau's own tools: Parquet, Arrow or JSON, never a contact."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, Query
from fastapi.responses import FileResponse, Response

from services.reports.adapters.month_files import MonthFiles
from services.reports.adapters.month_sql import FACTS, Kind
from services.reports.domain import period as periods
from services.reports.domain.freezing import FreezeRefusal, FreezeRefused, FrozenFile
from services.reports.domain.period import Period, WrongPeriod
from services.reports.freeze_handlers import Office
from shared.contracts.pack import Pack
from shared.contracts.problems import Problem
from shared.runtime.web import problem

DEFAULT_PAGE, MAX_PAGE = 50, 200


class FactForm(StrEnum):
    """How facts are sent; the value is the media type."""

    PARQUET = "application/vnd.apache.parquet"
    ARROW = "application/vnd.apache.arrow.stream"
    JSON = "application/json"


class FactsDoor:
    """Sends the facts a month was computed from; `admit` raises unless the key may read."""

    def __init__(
        self, pack: Pack, office: Office, files: MonthFiles, admit: Callable[[str | None], None]
    ) -> None:
        self._pack = pack
        self._office = office
        self._files = files
        self._admit = admit
        self._one_at_a_time = asyncio.Lock()

    def open(self, app: FastAPI) -> None:
        """Mount `/v1/months/{month}/facts/{kind}`."""
        app.get("/v1/months/{label}/facts/{kind}")(self.facts)

    async def facts(  # noqa: PLR0913, PLR0917 - the request's parts, bound by name
        self,
        label: str,
        kind: str,
        revision: Annotated[str | None, Query()] = None,
        limit: Annotated[str, Query()] = str(DEFAULT_PAGE),
        cursor: Annotated[str | None, Query()] = None,
        accept: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
        authorization: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Answer with the newest revision's facts, or those of *revision*; an open month's as now."""
        self._admit(authorization)
        try:
            period, wanted = self._period(label), _kind(kind)
            form, number = _form(accept), _number("revision", revision)
            count = _limit(limit)
        except _Wrong as wrong:
            return wrong.response
        async with self._one_at_a_time:
            file, path = await self._found(period, wanted, number)
            tag = f'"{file.sha256}{"" if form is FactForm.PARQUET else f"-{form.name.lower()}"}"'
            headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
            whole = form is not FactForm.JSON
            if whole and tag in {each.strip() for each in (if_none_match or "").split(",")}:
                return Response(status_code=304, headers=headers)
            if not whole:
                try:
                    after = _after(cursor, file)
                except _Wrong as wrong:
                    return wrong.response
                rows = await self._files.rows(path, after, count)
                last = after + count
                more = _cursor(last, file) if last < file.rows else "null"
                body = b'{"items":' + rows + b',"cursor":' + more.encode() + b"}"
                return Response(body, media_type=form)
            if form is FactForm.ARROW:
                path = await self._files.arrow(path)
        name = f"{self._pack.region.code}-{period.label}-{wanted}{path.suffix}"
        return FileResponse(path, media_type=form, filename=name, headers=headers)

    async def _found(
        self, period: Period, kind: Kind, number: int | None
    ) -> tuple[FrozenFile, Path]:
        try:
            revision = await self._office.known(period, number)
        except FreezeRefused as refused:
            if number is not None or refused.reason is not FreezeRefusal.NOT_FROZEN:
                raise
            return await self._files.current(period, kind)
        file = next((each for each in revision.files if each.kind == kind), None)
        if file is None:
            raise FreezeRefused(
                FreezeRefusal.UNKNOWN_TABLE,
                f"revision {revision.number} of {period.label} was frozen before facts were kept",
            )
        path = self._files.path(period.label, file)
        if not path.exists():
            raise FreezeRefused(
                FreezeRefusal.BODY_DELETED,
                f"the {kind} of {period.label} were deleted: `recompute {period.label} "
                f"--revision {revision.number}` writes them again",
            )
        return file, path

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


def _kind(word: str) -> Kind:
    if word not in set(FACTS):
        raise _Wrong("kind", f"{word!r} is not one of {', '.join(FACTS)}")
    return Kind(word)


def _form(accept: str | None) -> FactForm:
    """Return the first form an Accept header names that there is, else Parquet."""
    for part in (accept or "").split(","):
        wanted = part.partition(";")[0].strip().lower()
        if wanted in set(FactForm):
            return FactForm(wanted)
    return FactForm.PARQUET


def _number(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _Wrong(field, f"{text!r} is no number")
    return int(text)


def _limit(text: str) -> int:
    count = _number("limit", text)
    if count is None or not 1 <= count <= MAX_PAGE:
        raise _Wrong("limit", f"a number from 1 to {MAX_PAGE}")
    return count


def _cursor(row: int, file: FrozenFile) -> str:
    text = f"{file.sha256[:16]}/{row}"
    return f'"{base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")}"'


def _after(cursor: str | None, file: FrozenFile) -> int:
    """Return the row to go on from: a cursor belongs to the bytes it was given for."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor[:64] + "=" * (-len(cursor) % 4)).decode("ascii")
        sha, _, row = text.partition("/")
        number = _number("cursor", row)
    except (ValueError, binascii.Error, _Wrong):
        sha, number = "", None
    if number is None or sha != file.sha256[:16]:
        raise _Wrong("cursor", "cursor is the one of the page before, of the same revision")
    return number
