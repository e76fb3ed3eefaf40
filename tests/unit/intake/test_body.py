"""Bytes into records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from services.intake.adapters.body import (
    JSON,
    LINES,
    BadBody,
    TooLarge,
    canonical,
    media_type,
    parse,
    whole,
)
from shared.contracts.problems import Problem


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", Problem.INVALID_BODY),
        (b'{"a":', Problem.INVALID_BODY),
        (b"[1]", Problem.INVALID_BODY),
        (b'{"a":NaN}', Problem.INVALID_BODY),
        (b'{"a":1e999}', Problem.INVALID_BODY),
        (b'{"a":"\\ud800"}', Problem.INVALID_BODY),
        (b'{"a":' + b"[" * 50_000, Problem.INVALID_BODY),
        ('{"a":"火"}'.encode("gb18030"), Problem.WRONG_CHARSET),
    ],
)
def test_what_cannot_be_read(raw: bytes, problem: Problem) -> None:
    """Each way has its name, and none breaks the door."""
    with pytest.raises(BadBody) as bad:
        canonical(parse(raw, "utf-8"))

    assert problem is bad.value.problem


def test_a_source_may_write_gb18030() -> None:
    """FEEDS: configured by source."""
    assert {"a": "火"} == parse('{"a":"火"}'.encode("gb18030"), "GB18030")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), st.integers(0, 9)))
def test_order_and_blanks_do_not_make_another_body(body: dict[str, int]) -> None:
    """A repeat is the same record, not the same bytes."""
    turned = dict(reversed(body.items()))
    one = parse(json.dumps(body).encode(), "utf-8")
    other = parse(json.dumps(turned, indent=2, ensure_ascii=False).encode(), "utf-8")

    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"content-type": "application/json"}, JSON),
        ({"content-type": "Application/JSON; charset=UTF8"}, JSON),
        ({}, JSON),
        ({"content-type": "application/x-ndjson"}, LINES),
        ({"content-type": "text/xml"}, Problem.UNSUPPORTED_MEDIA),
        ({"content-encoding": "gzip"}, Problem.UNSUPPORTED_MEDIA),
        ({"content-type": "application/json; charset=gbk"}, Problem.WRONG_CHARSET),
        ({"content-type": "application/json; charset=?"}, Problem.WRONG_CHARSET),
    ],
)
def test_what_a_door_reads(headers: dict[str, str], found: str) -> None:
    """JSON and NDJSON, uncompressed, in the configured charset."""
    try:
        kind = media_type({k.encode(): v.encode() for k, v in headers.items()}, "utf-8")
    except BadBody as bad:
        kind = bad.problem

    assert found == kind


@pytest.mark.parametrize(("declared", "read"), [(b"", 3), (b"4000", 0), (b"nonsense", 3)])
async def test_what_is_too_large_is_not_read_to_its_end(declared: bytes, read: int) -> None:
    """A sender must not fill our memory, whatever it says of the length."""
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b" " * 1000, "more_body": asked < 100}

    with pytest.raises(TooLarge):
        await whole(receive, declared, 2500)

    assert read == asked


async def test_a_sender_that_leaves_sent_nothing() -> None:
    """Half a record is none."""
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    with pytest.raises(ClientDisconnect):
        await whole(receive, b"", 2500)
