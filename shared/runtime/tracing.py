"""Whose doing a log line tells of: trace, event and incident, bound where work comes in.

What is bound is a question, answered only when a line is written: a batch that logs nothing pays for
one assignment. Trace ids are those of W3C Trace Context (`traceparent`), level 1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import pairwise
from typing import Any
from uuid import UUID

Ids = Mapping[str, str]
"""What one thing is about: `trace`, `event_id`, `incident`, `call`, ..."""
Subjects = Callable[[], Iterable[Ids]]
"""Says what the present work is about, one mapping for each event or request of it."""

MOST_SHOWN = 20
"""Of each kind of id in one line; a line about more says of how many (`of`)."""
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_KEPT = "liandong.traceparent"
_IN_PATHS = {
    "incidents": "incident",
    "calls": "call",
    "assignments": "assignment",
    "decisions": "decision",
    "holds": "hold",
}


def _nothing() -> Iterable[Ids]:
    return ()


_about: ContextVar[Subjects] = ContextVar("about", default=_nothing)


@contextmanager
def about(subjects: Subjects) -> Iterator[None]:
    """Let lines logged inside tell of *subjects*."""
    token = _about.set(subjects)
    try:
        yield
    finally:
        _about.reset(token)


def about_now() -> Subjects:
    """Return what the present work is about, to go on with it in another task."""
    return _about.get()


def shown() -> dict[str, Any]:
    """Return the ids to log now: one value as it is, several as a list under the plural.

    Never raises: a line that cannot say what it is about is written without.
    """
    found: dict[str, dict[str, None]] = {}
    count = 0
    with suppress(Exception):
        for count, ids in enumerate(_about.get()(), 1):  # noqa: B007 - how many there were
            for name, value in ids.items():
                found.setdefault(name, {})[value] = None
    line: dict[str, Any] = {}
    for name, values in found.items():
        several = list(values)[:MOST_SHOWN]
        line |= {name: several[0]} if len(values) == 1 else {f"{name}s": several}
    return line | ({"of": count} if count > MOST_SHOWN else {})


def with_ids(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add what the line is about (a processor of structlog); a `traceparent` is shown as its trace id."""
    for name, value in shown().items():
        event.setdefault(name, value)
    if (trace := event.pop("trace", None)) is not None and (known := trace_id(trace) or trace):
        event["trace"] = known
    return event


def trace_id(traceparent: str | None) -> str | None:
    """Return the trace id of a sound *traceparent*, 32 hexadecimal digits; None of anything else."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found[1] if found else None


def continued(traceparent: str | None) -> str:
    """Return a `traceparent` of our own span in the sender's trace; a malformed one is not believed."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found:
        return f"00-{found[1]}-{os.urandom(8).hex()}-{found[2]}"
    random = os.urandom(24).hex()
    return f"00-{random[:32]}-{random[32:]}-01"


def trace_of(scope: MutableMapping[str, Any]) -> str:
    """Return the `traceparent` an HTTP request goes on under: the same whenever it is asked for."""
    kept = scope.get(_KEPT)
    if kept is None:
        sent = next((v for k, v in scope["headers"] if k == b"traceparent"), b"")
        kept = scope[_KEPT] = continued(sent.decode("latin-1"))
    return str(kept)


class TracedApp:
    """An ASGI application whose log lines tell of the request: its trace and the ids in its path."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            # not taken back: the server logs a failure after us, and each request has its own context
            _about.set(lambda: (_ids_of_request(scope),))
        await self._app(scope, receive, send)


def _ids_of_request(scope: MutableMapping[str, Any]) -> Ids:
    """Return trace and path ids: `/v1/incidents/<id>/cancel` is about `incident` <id>.

    Only what our doors are about: a caller who makes up a path names nothing in our log.
    """
    ids = {"trace": trace_id(trace_of(scope)) or ""}
    parts = scope["path"].split("/")
    for kind, part in pairwise(parts):
        if kind in _IN_PATHS and (found := _uuid(part)) is not None:
            ids[_IN_PATHS[kind]] = found
    return ids


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None
