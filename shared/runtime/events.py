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


_HEADERS = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]])
_PACK = msgspec.msgpack.Encoder()


def pack_headers(headers: envelope.Headers) -> bytes:
    """Return headers as the outbox keeps them."""
    return _PACK.encode(headers)


def unpack_headers(packed: bytes) -> list[tuple[str, bytes]]:
    """Return headers as the broker takes them; a null value, which Kafka allows, becomes an empty one."""
    return [(name, value or b"") for name, value in _HEADERS.decode(packed)]


__all__ = ["Event", "InvalidEnvelope", "decode", "pack_headers", "unpack_headers"]
