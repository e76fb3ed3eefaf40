"""What a door says of one record, alone or as a line of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import Send

from services.intake.adapters.body import LINES
from services.intake.domain.faults import Fault
from services.intake.domain.revisions import Outcome
from services.intake.handlers import Answer
from shared.contracts.problems import Problem
from shared.runtime.web import problem

_STATUS = {Outcome.RECEIVED: 202, Outcome.REVISED: 202, Outcome.REPEATED: 200}
MULTI_STATUS = 207

Headers = list[tuple[bytes, bytes]]
_JSON: Headers = [(b"content-type", b"application/json; charset=utf-8")]
_LINES: Headers = [(b"content-type", LINES.encode())]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one record and the word it is counted under; headers but the length."""

    word: str
    status: int
    headers: Headers
    body: bytes

    async def send(self, send: Send) -> None:
        """Send it as an ASGI application does."""
        length = (b"content-length", b"%d" % len(self.body))
        start = {"status": self.status, "headers": [length, *self.headers]}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": self.body})


POST_ONLY = Reply(
    "method_not_allowed",
    405,
    [(b"allow", b"POST"), (b"content-type", b"text/plain; charset=utf-8")],
    b"Method Not Allowed",
)

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
    word = answer.outcome.value
    text = f'{{"{id_name}":"{answer.record}","revision":{answer.revision},"outcome":"{word}"}}'
    return Reply(word, _STATUS[answer.outcome], _JSON, text.encode())


def refused(
    code: Problem,
    detail: str,
    *,
    reason: str | None = None,
    fields: Sequence[dict[str, str]] = (),
    retry_after_s: int | None = None,
) -> Reply:
    """Return a problem document."""
    said = problem(code, detail, fields=fields, reason=reason, retry_after_s=retry_after_s)
    headers = [header for header in said.raw_headers if header[0] != b"content-length"]
    return Reply(str(code), said.status_code, headers, bytes(said.body))


def invalid(faults: Sequence[Fault]) -> Reply:
    """Return 400 naming every bad field and why, never a value."""
    fields = [
        {"field": f.field, "reason": str(f.reason), "zh": f.reason.zh, "en": f.reason.en}
        for f in faults
    ]
    named = ", ".join(sorted({f.field for f in faults}))
    return refused(Problem.INVALID_FIELDS, f"correct and send again: {named}", fields=fields)


def together(replies: Sequence[Reply]) -> Reply:
    """Return one line for each record, in order; the common status, or 207 where they differ."""
    statuses = {reply.status for reply in replies}
    lines = [
        b'{"line":%d,"status":%d,"answer":%b}\n' % (number, reply.status, reply.body)
        for number, reply in enumerate(replies, 1)
    ]
    status = statuses.pop() if len(statuses) == 1 else MULTI_STATUS
    waits = (header for r in replies for header in r.headers if header[0] == b"retry-after")
    wait = next(waits, None)
    return Reply("batch", status, [*([wait] if wait else ()), *_LINES], b"".join(lines))
