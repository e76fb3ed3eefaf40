"""Structured logs: one JSON line per event, with the ids it is about; never what somebody wrote."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from shared.runtime import tracing

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


_OURS = ("shared.", "services.", "deploy.")
MOST_FRAMES = 30


def told(error: BaseException) -> str:
    """Return the kinds and places of *error* and its causes; the message only where it is our own or the system's.

    A driver's or a parser's message quotes the value it stumbled over, which may be a caller's words.
    """
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        kind = type(current)
        ours = kind.__module__.startswith(_OURS) or isinstance(current, OSError)
        lines.append(f"{kind.__module__}.{kind.__qualname__}" + (f": {current}" if ours else ""))
        lines += [
            f"  {frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(current.__traceback__, limit=-MOST_FRAMES)
        ]
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
    return "\n".join(lines)


def _exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put `told` in place of `exc_info`."""
    if event.pop("exc_info", None):
        error = sys.exc_info()[1]
        if error is not None:
            event["exception"] = told(error)
    return event


class _OneLine(logging.Formatter):
    """What libraries log (the HTTP server, asyncio), as one JSON line, its exception as `told`."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        line = {
            "event": record.getMessage().split("\n", 1)[
                0
            ],  # asyncio's further lines quote the error
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        line = structlog.contextvars.get_contextvars() | tracing.shown() | line
        if error is not None:
            line["exception"] = told(error)
        return json.dumps(line, ensure_ascii=False)


def configure(service: str, instance: str, level: str) -> None:
    """Log to standard error; free text of calls is never passed to a logger."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            tracing.with_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _exception,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
