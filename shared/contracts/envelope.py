"""CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_` headers, JSON in the value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts import ids
from shared.contracts.topics import FAMILIES
from shared.contracts.values import Lane

Headers = Sequence[tuple[str, bytes]]

_ENCODER = msgspec.json.Encoder()
_DECODERS = {family: msgspec.json.Decoder(struct) for family, struct in FAMILIES.items()}
_PREFIX = "cn.liandong."


class InvalidEnvelope(ValueError):
    """Bytes that are not one of our events; `reason` is a short stable word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An event to say: `version` is +1 per event of *aggregate*, numbered by *producer*."""

    topic: str
    key: str
    producer: str
    family: str
    change: str
    aggregate: UUID
    version: int
    time: datetime
    lane: Lane
    data: msgspec.Struct | None
    trace: str | None = None

    @property
    def event_id(self) -> UUID:
        """The id a replay would make again."""
        return ids.event_id(self.producer, self.aggregate, self.version)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded event: who said it, of what, which version, when (UTC), and its data."""

    event_id: UUID
    producer: str
    type: str
    family: str
    aggregate: UUID
    version: int
    time: datetime
    data: msgspec.Struct
    trace: str | None = None


def encode(message: Message) -> tuple[bytes, list[tuple[str, bytes]], bytes | None]:
    """Return key, headers and value of *message*; a message without data is a tombstone."""
    kind = f"{_PREFIX}{message.family}.{message.change}.v1"
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(message.event_id).encode()),
        ("ce_source", f"/liandong/{message.producer}".encode()),
        ("ce_type", kind.encode()),
        ("ce_subject", str(message.aggregate).encode()),
        ("ce_time", message.time.isoformat().encode()),
        ("ce_sequence", str(message.version).encode()),
        ("ce_dataschema", f"urn:liandong:schema:{message.family}:v1".encode()),
        ("content-type", b"application/json"),
    ]
    if message.trace is not None:
        headers.append(("traceparent", message.trace.encode()))
    value = None if message.data is None else _ENCODER.encode(message.data)
    return message.key.encode(), headers, value


def decode(headers: Headers, value: bytes | None) -> Envelope:
    """Return the event in *headers* and *value*, or raise InvalidEnvelope with its reason."""
    raw = dict(headers)
    try:
        kind = raw["ce_type"].decode()
        event_id, aggregate = UUID(raw["ce_id"].decode()), UUID(raw["ce_subject"].decode())
        producer = raw["ce_source"].decode().rsplit("/", 1)[-1]
        version, time = int(raw["ce_sequence"]), datetime.fromisoformat(raw["ce_time"].decode())
    except (KeyError, ValueError) as error:
        raise InvalidEnvelope("not_an_event", f"header missing or malformed: {error}") from None
    family = kind.removeprefix(_PREFIX).split(".", 1)[0]
    decoder = _DECODERS.get(family) if kind.startswith(_PREFIX) and kind.endswith(".v1") else None
    if decoder is None:
        raise InvalidEnvelope("unknown_type", f"{kind} is not a type this version reads")
    if time.tzinfo is None:
        raise InvalidEnvelope("naive_time", "ce_time has no offset")
    try:
        data = decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEnvelope("malformed_data", _without_values(error)) from None
    trace = raw.get("traceparent")
    return Envelope(
        event_id=event_id,
        producer=producer,
        type=kind,
        family=family,
        aggregate=aggregate,
        version=version,
        time=time,
        data=data,
        trace=trace.decode("ascii", "replace") if trace else None,
    )


def _without_values(error: Exception) -> str:
    # msgspec names the path and the expected type; an unknown enum value would echo content
    return str(error).split("'", 1)[0][:200]
