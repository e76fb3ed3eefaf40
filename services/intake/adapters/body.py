"""Bytes of a request into records: content type, charset, JSON; every way they can be wrong."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.contracts.problems import Problem

JSON, LINES = "application/json", "application/x-ndjson"
_DECODER = msgspec.json.Decoder()
_CANON = msgspec.json.Encoder(order="deterministic")
_UTF8 = "utf-8"


class BadBody(Exception):
    """A body that cannot be read; `problem` is the named reason, `detail` says what to send instead."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


def media_type(headers: Mapping[str, str], charset: str) -> str:
    """Return JSON or LINES; raises BadBody for another type, an encoding, or another charset."""
    name, _, rest = headers.get("content-type", JSON).partition(";")
    name = name.strip().lower()
    if name not in (JSON, LINES):
        raise BadBody(Problem.UNSUPPORTED_MEDIA, f"send {JSON} or {LINES}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadBody(Problem.UNSUPPORTED_MEDIA, "send the body uncompressed")
    declared = _charset(rest)
    if declared is not None and not _same(declared, charset):
        raise BadBody(Problem.WRONG_CHARSET, f"this source is configured to send {charset}")
    return name


def parse(raw: bytes, charset: str) -> dict[str, Any]:
    """Return the record in *raw*; raises BadBody when it is not JSON, no object, or wrongly encoded."""
    try:
        text: bytes | str = raw.removeprefix(codecs.BOM_UTF8)
        if not _same(charset, _UTF8):
            text = raw.decode(charset)
        body = _DECODER.decode(text)
        if not isinstance(body, dict):
            raise BadBody(Problem.INVALID_BODY, "the record must be one JSON object")
    except UnicodeDecodeError:
        raise BadBody(
            Problem.WRONG_CHARSET,
            f"the bytes are not {charset}, which this source is configured to send",
        ) from None
    except (msgspec.DecodeError, RecursionError):
        raise BadBody(Problem.INVALID_BODY, "the body is not JSON") from None
    return body


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return *body* as the same bytes however its keys were ordered or its JSON was spaced.

    Raises BadBody for what JSON can spell and nobody can keep: half a surrogate, a huge integer.
    """
    try:
        return _CANON.encode(body)
    except (UnicodeEncodeError, RecursionError, OverflowError):
        raise BadBody(
            Problem.INVALID_BODY, "the record holds a number or text that cannot be kept"
        ) from None


def known_charset(name: str) -> bool:
    """Say whether bytes in charset *name* can be read here."""
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _charset(parameters: str) -> str | None:
    for each in parameters.split(";"):
        name, _, value = each.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"')
    return None


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return codecs.lookup(one).name == codecs.lookup(other).name
    except LookupError:
        return False
