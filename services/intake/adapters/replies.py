"""What a door says of one record, alone or as a line of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from services.intake.adapters.body import LINES
from services.intake.domain.faults import Fault
from services.intake.domain.revisions import Outcome
from services.intake.handlers import Answer
from shared.contracts.problems import Problem
from shared.runtime.web import problem

_JSON = "application/json; charset=utf-8"
_STATUS = {Outcome.RECEIVED: 202, Outcome.REVISED: 202, Outcome.REPEATED: 200}
MULTI_STATUS = 207


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one record and the word it is counted under."""

    word: str
    response: Response


WORDS = tuple(str(o) for o in _STATUS) + tuple(
    str(p)
    for p in (
        Problem.INVALID_FIELDS,
        Problem.INVALID_BODY,
        Problem.WRONG_CHARSET,
        Problem.UNSUPPORTED_MEDIA,
        Problem.TOO_LARGE,
        Problem.CONFLICTING_BODY,
        Problem.PURGED,
        Problem.BUSY,
        Problem.NOT_DURABLE,
    )
)
"""Every word there is: counters start at 0."""


def taken(answer: Answer, id_name: str) -> Reply:
    """Return 202 or 200 with our ids, 409 from a strict source whose body changed, or 410 when purged."""
    if answer.outcome is Outcome.CONFLICTING:
        return refused(
            Problem.CONFLICTING_BODY, f"revision {answer.revision} is kept; correct the number"
        )
    if answer.outcome is Outcome.PURGED:
        return refused(Problem.PURGED, "send news of it as a record with a number of its own")
    text = (
        f'{{"{id_name}":"{answer.record}","revision":{answer.revision}'
        f',"outcome":"{answer.outcome}"}}'
    )
    response = Response(text.encode(), _STATUS[answer.outcome], media_type=_JSON)
    return Reply(str(answer.outcome), response)


def refused(
    code: Problem, detail: str, *, reason: str | None = None, retry_after_s: int | None = None
) -> Reply:
    """Return a problem document."""
    return Reply(str(code), problem(code, detail, reason=reason, retry_after_s=retry_after_s))


def invalid(faults: Sequence[Fault]) -> Reply:
    """Return 400 naming every bad field and why, never a value."""
    fields = [
        {"field": f.field, "reason": str(f.reason), "zh": f.reason.zh, "en": f.reason.en}
        for f in faults
    ]
    named = ", ".join(sorted({f.field for f in faults}))
    code = Problem.INVALID_FIELDS
    return Reply(str(code), problem(code, f"correct and send again: {named}", fields=fields))


def together(replies: Sequence[Reply]) -> Response:
    """Return one line for each record, in order; the common status, or 207 where they differ."""
    statuses = {reply.response.status_code for reply in replies}
    lines = [
        b'{"line":%d,"status":%d,"answer":%b}'
        % (number, reply.response.status_code, bytes(reply.response.body))
        for number, reply in enumerate(replies, 1)
    ]
    status = statuses.pop() if len(statuses) == 1 else MULTI_STATUS
    waits = [r.response.headers.get("retry-after") for r in replies]
    headers = {"Retry-After": wait} if (wait := next((w for w in waits if w), None)) else {}
    return Response(b"\n".join(lines) + b"\n", status, headers, LINES)
