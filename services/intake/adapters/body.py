"""Bytes of a request into records: content type, charset, JSON; every way they can be wrong."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from shared.contracts.problems import Problem

JSON, LINES = "application/json", "application/x-ndjson"
_JSON, _IDENTITY = JSON.encode(), b"identity"
_DECODER = msgspec.json.Decoder()
_CANON = msgspec.json.Encoder(order="deterministic")
_UTF8 = "utf-8"


class BadBody(Exception):
    """A body that cannot be read; `problem` is the named reason, `detail` says what to send instead."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


class TooLarge(Exception):
    """More bytes than are taken."""


async def whole(receive: Receive, declared: bytes, limit: int) -> bytes:
    """Return the body, or raise TooLarge as soon as it is known to exceed *limit* bytes.

    *declared* is the `content-length` that was sent; raises ClientDisconnect when the caller leaves.
    """
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise TooLarge
        more = message.get("more_body", False)
    return b"".join(chunks)


def media_type(headers: Mapping[bytes, bytes], charset: str) -> str:
    """Return JSON or LINES; raises BadBody for another type, an encoding, or another charset."""
    sent = headers.get(b"content-type", _JSON)
    encoding = headers.get(b"content-encoding", _IDENTITY)
    if sent == _JSON and encoding == _IDENTITY:
        return JSON
    name, _, rest = sent.decode("latin-1").partition(";")
    name = name.strip().lower()
    if name not in (JSON, LINES):
        raise BadBody(Problem.UNSUPPORTED_MEDIA, f"send {JSON} or {LINES}")
    if encoding.lower() != _IDENTITY:
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
