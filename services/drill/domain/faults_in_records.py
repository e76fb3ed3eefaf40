"""Faulty records sent on purpose: each kind, and that the door must refuse it (FEEDS §5)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.drill.domain.plan import ONCE, REFUSED, Send
from shared.contracts.pack import Malformed

BODY_LIMIT = 256 * 1024
_PARIS = (2.35, 48.85)


def encoded(fields: dict[str, Any], charset: str = "utf-8") -> bytes:
    """Return *fields* as the JSON a hotline writes, Chinese as it is."""
    return json.dumps(fields, ensure_ascii=False).encode(charset)


def spoilt(send: Send, fields: dict[str, Any], kind: Malformed, names: FieldNames) -> Send:
    """Return *send* with the fault *kind*; an unknown code is kept raw and accepted, the rest refused."""
    body = _BODIES[kind](dict(fields), names, send.at)
    return replace(
        send,
        name=f"{send.name}-{kind}",
        body=body,
        allowed=ONCE if kind is Malformed.UNKNOWN_CODE else REFUSED,
        malformed=kind,
        own_key=kind is not Malformed.WRONG_KEY,
    )


class FieldNames:
    """What a kind of record calls the things that are spoilt."""

    def __init__(
        self, *, received: str, text: str, codes: tuple[str, ...], point: tuple[str, str]
    ) -> None:
        self.received = received
        self.text = text
        self.codes = codes
        self.point = point


def _missing(fields: dict[str, Any], names: FieldNames, _: datetime) -> bytes:
    for name in (names.received, names.text):
        fields.pop(name, None)
    return encoded(fields)


def _unknown_code(fields: dict[str, Any], names: FieldNames, _: datetime) -> bytes:
    for name in names.codes:
        if name in fields:
            fields[name] = "9" * len(str(fields[name]))
    return encoded(fields)


def _future(fields: dict[str, Any], names: FieldNames, at: datetime) -> bytes:
    fields[names.received] = (at + timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S")
    return encoded(fields)


def _ancient(fields: dict[str, Any], names: FieldNames, _: datetime) -> bytes:
    fields[names.received] = "1900-01-01 00:00:00"
    return encoded(fields)


def _outside(fields: dict[str, Any], names: FieldNames, _: datetime) -> bytes:
    fields.update(zip(names.point, _PARIS, strict=True))
    return encoded(fields)


def _not_json(fields: dict[str, Any], _: FieldNames, __: datetime) -> bytes:
    return encoded(fields)[:-12]


def _charset(fields: dict[str, Any], _: FieldNames, __: datetime) -> bytes:
    return encoded(fields, "gb18030")


def _whole(fields: dict[str, Any], _: FieldNames, __: datetime) -> bytes:
    return encoded(fields)


def _large(fields: dict[str, Any], names: FieldNames, _: datetime) -> bytes:
    fields[names.text] = "长" * BODY_LIMIT
    return encoded(fields)


_BODIES = {
    Malformed.MISSING_FIELDS: _missing,
    Malformed.UNKNOWN_CODE: _unknown_code,
    Malformed.FUTURE_TIME: _future,
    Malformed.ANCIENT_TIME: _ancient,
    Malformed.OUTSIDE_COUNTRY: _outside,
    Malformed.NOT_JSON: _not_json,
    Malformed.WRONG_CHARSET: _charset,
    Malformed.WRONG_KEY: _whole,
    Malformed.TOO_LARGE: _large,
}
