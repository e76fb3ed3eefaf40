"""Finds the database of a stack that runs on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

DATABASE = "LIANDONG_REPORTS_DATABASE"
KAFKA = "LIANDONG_REPORTS_KAFKA"
MONTHS = "LIANDONG_REPORTS_MONTHS"


class StackNotFound(Exception):
    """No database is known; the message says how to name one."""


def said_once(stack: str | None, environ: Mapping[str, str]) -> None:
    """Refuse --stack beside an address in the environment: one of them would be ignored."""
    given = [name for name in (DATABASE, KAFKA, MONTHS) if environ.get(name)]
    if stack is not None and given:
        raise StackNotFound(
            f"stack_or_environment: --stack {stack} is given and {', '.join(given)} set: they name "
            "the same thing twice; leave --stack away, or unset the environment"
        )


def dsn_of(stack: str, root: Path, environ: Mapping[str, str]) -> str:
    """Return the DSN of role reports_app: from the environment, else of `run/<stack>` in *root*."""
    if given := environ.get(DATABASE):
        return given
    folder = root / "run" / stack
    try:
        place = json.loads((folder / "endpoints.json").read_text("utf-8"))["postgres"]
        kept = json.loads((folder / "secrets" / "platform.json").read_text("utf-8"))
        password = kept["passwords"]["reports"]["app"]
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise StackNotFound(
            f"no stack {stack} runs here: start one (`make up`), name another with --stack, "
            f"or set {DATABASE} to the DSN of reports_app"
        ) from error
    return f"postgresql://reports_app:{quote(password, safe='')}@{place}/liandong"


def kafka_of(stack: str, root: Path, environ: Mapping[str, str]) -> str:
    """Return the broker's `host:port`: from the environment, else of `run/<stack>` in *root*."""
    if given := environ.get(KAFKA):
        return given
    try:
        place: str = json.loads((root / "run" / stack / "endpoints.json").read_text("utf-8"))[
            "kafka"
        ]
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise StackNotFound(
            f"no broker of stack {stack} is known: set {KAFKA} to its host:port"
        ) from error
    return place


def months_of(stack: str, root: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder of closed months' files: from the environment, else `run/<stack>/months`."""
    given = environ.get(MONTHS)
    return Path(given) if given else root / "run" / stack / "months"
