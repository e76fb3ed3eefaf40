"""From records to events and back: what a handler sees of the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.contracts import envelope
from shared.contracts.envelope import InvalidEnvelope
from shared.runtime.bus import Record
from shared.runtime.tracing import trace_id


@dataclass(frozen=True, slots=True)
class Event:
    """One event with the record it came in; `time` is platform time, UTC."""

    event_id: UUID
    producer: str
    type: str
    family: str
    aggregate: UUID
    version: int
    time: datetime
    data: Any
    trace: str | None
    record: Record


def decode(record: Record) -> Event:
    """Return *record* as an event or raise InvalidEnvelope with the reason it is none."""
    if record.flaw is not None:
        raise InvalidEnvelope("unreadable_header", record.flaw)
    found = envelope.decode(record.headers, record.value)
    return Event(
        found.event_id,
        found.producer,
        found.type,
        found.family,
        found.aggregate,
        found.version,
        found.time,
        found.data,
        found.trace,
        record,
    )


def ids_of(record: Record) -> dict[str, str]:
    """Return what *record* is about, for a log: ids only, never a header as it is; nothing of no event."""
    try:
        event = decode(record)
    except Exception:  # noqa: BLE001 - whoever logs a failure must not fail over the same record
        return {}
    ids = {"event_id": str(event.event_id), event.family: str(event.aggregate)}
    if isinstance(incident := getattr(event.data, "incident_id", None), UUID):
        ids["incident"] = str(incident)
    if (trace := trace_id(event.trace)) is not None:
        ids["trace"] = trace
    return ids


_HEADERS = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]])
_PACK = msgspec.msgpack.Encoder()


def pack_headers(headers: envelope.Headers) -> bytes:
    """Return headers as the outbox keeps them."""
    return _PACK.encode(headers)


def unpack_headers(packed: bytes) -> list[tuple[str, bytes]]:
    """Return headers as the broker takes them; a null value, which Kafka allows, becomes an empty one."""
    return [(name, value or b"") for name, value in _HEADERS.decode(packed)]


__all__ = ["Event", "InvalidEnvelope", "decode", "ids_of", "pack_headers", "unpack_headers"]
