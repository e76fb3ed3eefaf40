"""What the doors of reports have in common: refusals by name, forms, an answer with its ETag."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.responses import Response

from services.reports.adapters.formats import Form, accepted
from services.reports.domain.period import Period, WrongPeriod
from shared.contracts.problems import Problem
from shared.runtime.web import problem


class Refused(Exception):
    """A request that is answered with a problem; carries the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def wrong(field: str, detail: str, *, reason: str | None = None) -> Refused:
    """Return the refusal of a *field*; *reason* names it where a machine should tell it apart."""
    fields = [{"field": field, "detail": detail}]
    more: dict[str, Any] = {} if reason is None else {"reason": reason}
    return Refused(problem(Problem.INVALID_FIELDS, detail, fields=fields, **more))


def one_of(field: str, value: str, allowed: Sequence[str]) -> str:
    """Return *value*; raises Refused unless it is one of *allowed*."""
    if value not in allowed:
        raise wrong(field, f"{value!r} is not one of {', '.join(allowed)}")
    return value


def period_of(
    field: str, parse: Callable[[str, ZoneInfo], Period], label: str, zone: ZoneInfo
) -> Period:
    """Return the period *label* names; raises Refused."""
    try:
        return parse(label, zone)
    except WrongPeriod as mistaken:
        raise wrong(field, str(mistaken)) from None


def form_of(form: str | None, accept: str | None) -> Form:
    """Return the form that `format` or else the Accept header asks for; raises Refused."""
    return Form(one_of("format", form, list(Form))) if form else accepted(accept)


def sent(body: bytes, form: Form, known: str | None, name: str) -> Response:
    """Return *body* with its ETag, or 304 where *known* (If-None-Match) has it; files bear *name*."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if known is not None and tag in {each.strip() for each in known.split(",")}:
        return Response(status_code=304, headers=headers)
    if form in {Form.XLSX, Form.CSV}:
        headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return Response(body, headers=headers, media_type=form.media_type)
