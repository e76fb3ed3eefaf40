"""The wire: CloudEvents in binary mode, ids a replay makes again, readers that tolerate growth."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deploy.compatibility import breaks
from deploy.contracts import ROOT, schemas
from shared.contracts.call import Call, CallChange, CallEvent, Kind
from shared.contracts.envelope import InvalidEnvelope, Message, decode, encode
from shared.contracts.topics import TOPICS, dead_topic
from shared.contracts.values import Lane, Line

T0 = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def a_message(version: int = 1, **changes: object) -> Message:
    """Return a call's message."""
    call = Call(
        call_id=UUID(int=1), source="119", source_id="X1", root="X1", revision=version, line=Line.FIRE,
        lane=Lane.URGENT, region="331024", received_at=T0, recorded_at=T0, kind=Kind(category="fire"), severity=2,
    )  # fmt: skip
    said = Message(
        topic="call.urgent.v1", key="119/X1", producer="intake", family="call", change="received",
        aggregate=call.call_id, version=version, time=T0, lane=Lane.URGENT,
        data=CallEvent(call=call, change=CallChange.RECEIVED), trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    )  # fmt: skip
    return msgspec.structs.replace(said, **changes)


def test_what_is_said_is_read_again() -> None:
    """Headers and value carry the whole event."""
    said = a_message(3)
    key, headers, value = encode(said)

    found = decode(headers, value)

    assert b"119/X1" == key
    assert (said.event_id, "intake", said.aggregate, 3, T0, said.data, said.trace) == (
        found.event_id, found.producer, found.aggregate, found.version, found.time, found.data, found.trace,
    )  # fmt: skip


def test_headers_follow_cloudevents_binary_mode() -> None:
    """CloudEvents 1.0, Kafka binding: required attributes, `ce_` prefix, lower-case names, JSON content type."""
    _, headers, _ = encode(a_message())
    named = dict(headers)

    assert {
        "ce_id",
        "ce_source",
        "ce_specversion",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_dataschema",
    } <= set(named)
    assert b"1.0" == named["ce_specversion"]
    assert b"cn.liandong.call.received.v1" == named["ce_type"]
    assert b"application/json" == named["content-type"]
    assert all(
        n.removeprefix("ce_").isalnum() and n.islower() for n in named if n.startswith("ce_")
    )


@given(st.integers(1, 10**9), st.uuids())
def test_a_replay_makes_the_same_id_and_another_version_another(
    version: int, aggregate: UUID
) -> None:
    """Event id = uuid5(producer, aggregate, version)."""
    one = a_message(version, aggregate=aggregate)

    assert (
        one.event_id
        == a_message(version, aggregate=aggregate, time=T0 + timedelta(days=1)).event_id
    )
    assert one.event_id != a_message(version + 1, aggregate=aggregate).event_id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ce_type": b"cn.liandong.weather.said.v1"}, "unknown_type"),
        ({"ce_type": b"com.example.other"}, "unknown_type"),
        ({"ce_sequence": b"three"}, "not_an_event"),
        ({"ce_sequence": b"0"}, "not_an_event"),
        ({"ce_sequence": b"9" * 20}, "not_an_event"),
        ({"ce_source": b"/liandong/router\x00"}, "not_an_event"),
        ({"ce_id": None}, "not_an_event"),
        ({"ce_time": b"2026-11-22T08:00:00"}, "naive_time"),
    ],
)
def test_what_is_not_ours_is_named(change: dict[str, bytes | None], reason: str) -> None:
    """An event on a topic that is not ours becomes a dead letter with its reason."""
    _, headers, value = encode(a_message())
    changed = {k: v for k, v in (dict(headers) | change).items() if v is not None}

    with pytest.raises(InvalidEnvelope) as refused:
        decode(list(changed.items()), value)

    assert reason == refused.value.reason


@pytest.mark.parametrize(
    ("header", "prefix"),
    [
        ("ce_type", b"cn.liandong."),
        ("ce_id", b""),
        ("ce_subject", b""),
        ("ce_sequence", b"tel"),
        ("ce_time", b""),
        ("ce_source", b"\x00"),
        ("ce_type", b"\xff"),
    ],
)
def test_a_refusal_names_the_header_and_never_what_it_holds(header: str, prefix: bytes) -> None:
    """Privacy: the detail stands in the dead-letter list and in logs; anybody may write any header."""
    _, headers, value = encode(a_message())
    wrong = prefix + b"13800138000"

    with pytest.raises(InvalidEnvelope) as refused:
        decode(list((dict(headers) | {header: wrong}).items()), value)

    assert header in refused.value.detail
    assert f"{len(wrong)} bytes" in refused.value.detail
    assert "138" not in str(refused.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_cleanly_and_never_echoed(value: bytes) -> None:
    """Free text never reaches a log: the detail names the fault, not the content."""
    _, headers, _ = encode(a_message())

    with pytest.raises(InvalidEnvelope, match="malformed_data"):
        decode(headers, value)


def test_readers_ignore_unknown_fields_and_tolerate_unknown_enum_values() -> None:
    """Optional additions only; open enumerations become UNKNOWN."""
    _, headers, value = encode(a_message())
    body = json.loads(value or b"") | {"added_later": 1, "change": "teleported"}

    found = decode(headers, json.dumps(body).encode()).data

    assert isinstance(found, CallEvent)
    assert CallChange.UNKNOWN is found.change


def test_naive_times_are_refused_and_offsets_kept_as_instants() -> None:
    """`timestamptz`, offset on the wire."""
    _, headers, value = encode(a_message())
    body = json.loads(value or b"")
    body["call"]["received_at"] = "2026-11-22T16:00:00+08:00"
    assert T0 == decode(headers, json.dumps(body).encode()).data.call.received_at  # type: ignore[attr-defined]

    body["call"]["received_at"] = "2026-11-22T16:00:00"
    with pytest.raises(InvalidEnvelope):
        decode(headers, json.dumps(body).encode())


def test_topics_yaml_is_the_registry() -> None:
    """deploy/topics.yaml is tested equal to the contracts."""
    said = yaml.safe_load((ROOT / "deploy" / "topics.yaml").read_text(encoding="utf-8"))

    assert {t.name: (t.partitions, t.consumed) for t in TOPICS.values()} == {
        t["name"]: (t["partitions"], t["dead"]) for t in said["topics"]
    }
    assert "call.urgent.v1.dead" == dead_topic("call.urgent.v1")


def test_optional_additions_are_compatible_and_everything_else_is_named() -> None:
    """The compatibility check: removal, new type, new requirement, closed enumeration."""
    old: dict[str, Any] = {"$defs": {"A": {"properties": {"x": {"type": "string"}, "y": {"type": "integer"}}, "required": ["x"]},
                     "E": {"enum": ["a", "b"]}}}  # fmt: skip
    new = {"$defs": {"A": {"properties": {"x": {"type": "integer"}, "z": {"type": "string"}}, "required": ["x", "z"]},
                     "E": {"enum": ["a", "c"]}}}  # fmt: skip
    added: dict[str, Any] = {"$defs": {**old["$defs"], "A": {**old["$defs"]["A"], "properties": {
        **old["$defs"]["A"]["properties"], "z": {"type": "string"}}}}}  # fmt: skip

    assert [] == breaks(old, added)
    assert ["A.y was removed", "A.x changed its type", "A.z became required", "E no longer knows 'b'",
            "E is closed and cannot gain 'c'"] == breaks(old, new)  # fmt: skip


def test_no_schema_of_an_event_has_a_field_for_a_name_or_a_number_to_call() -> None:
    """No event carries a caller's name or number."""
    names = {
        field
        for content in schemas().values()
        for definition in content["$defs"].values()
        for field in definition.get("properties", {})
    }

    assert set() == names & {
        "phone",
        "telephone",
        "mobile",
        "name",
        "caller_name",
        "bjdh",
        "bjrxm",
        "identity",
    }
    assert Path(ROOT, "shared", "contracts", "schemas", "call.v1.json").exists()
