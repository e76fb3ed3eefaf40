"""CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_` headers, JSON in the value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

import msgspec

from shared.contracts import ids
from shared.contracts.topics import FAMILIES
from shared.contracts.values import Lane

T = TypeVar("T")
Header = tuple[str, bytes]
Headers = Sequence[Header]

_ENCODER = msgspec.json.Encoder()
_DECODERS = {family: msgspec.json.Decoder(struct) for family, struct in FAMILIES.items()}
_PREFIX = "cn.liandong."
_SPEC: Header = ("ce_specversion", b"1.0")
_JSON: Header = ("content-type", b"application/json")
_WANTED = {
    "ce_id": "UUID",
    "ce_subject": "UUID",
    "ce_source": "printable text",
    "ce_sequence": "version (1 to 2^63 - 1)",
    "ce_time": "ISO 8601 time",
}
_MOST = 2**63 - 1


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
    source, kind, schema = _named(message.producer, message.family, message.change)
    headers = [
        _SPEC,
        ("ce_id", ids.text(message.event_id).encode()),
        source,
        kind,
        ("ce_subject", ids.text(message.aggregate).encode()),
        ("ce_time", message.time.isoformat().encode()),
        ("ce_sequence", str(message.version).encode()),
        schema,
        _JSON,
    ]
    if message.trace is not None:
        headers.append(("traceparent", message.trace.encode()))
    value = None if message.data is None else _ENCODER.encode(message.data)
    return message.key.encode(), headers, value


@lru_cache(1024)
def _named(producer: str, family: str, change: str) -> tuple[Header, Header, Header]:
    """Return the headers that say who speaks of what: the same few, made once."""
    return (
        ("ce_source", f"/liandong/{producer}".encode()),
        ("ce_type", f"{_PREFIX}{family}.{change}.v1".encode()),
        ("ce_dataschema", f"urn:liandong:schema:{family}:v1".encode()),
    )


def decode(headers: Headers, value: bytes | None) -> Envelope:
    """Return the event in *headers* and *value*, or raise InvalidEnvelope with its reason."""
    raw = dict(headers)
    kind = _header(raw, "ce_type", str)
    event_id, aggregate = _header(raw, "ce_id", _uuid), _header(raw, "ce_subject", _uuid)
    producer = _header(raw, "ce_source", _printable).rsplit("/", 1)[-1]
    version = _header(raw, "ce_sequence", _version)
    time = _header(raw, "ce_time", datetime.fromisoformat)
    family = kind.removeprefix(_PREFIX).split(".", 1)[0]
    decoder = _DECODERS.get(family) if kind.startswith(_PREFIX) and kind.endswith(".v1") else None
    if decoder is None:
        raise InvalidEnvelope(
            "unknown_type",
            f"ce_type ({len(raw['ce_type'])} bytes) is not a type this version reads",
        )
    if time.tzinfo is None:
        raise InvalidEnvelope("naive_time", "ce_time has no offset")
    try:
        data = decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
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


def _header(raw: dict[str, bytes], name: str, read: Callable[[str], T]) -> T:
    """Return header *name* as *read* understands it.

    Who writes what is no event may write anything there, a caller's number too: the refusal names
    the header, what it should be and how long it is, never what it holds.
    """
    value = raw.get(name)
    if value is None:
        raise InvalidEnvelope("not_an_event", f"header {name} is missing")
    try:
        return read(value.decode())
    except ValueError:
        wanted = _WANTED.get(name, "text in UTF-8")
        text = f"header {name} ({len(value)} bytes) is no {wanted}"
        raise InvalidEnvelope("not_an_event", text) from None


def _uuid(text: str) -> UUID:
    # seven times as fast as UUID(text), twice in every record
    return msgspec.convert(text, UUID)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError
    return text


def _version(text: str) -> int:
    version = int(text)
    if not 0 < version <= _MOST:
        raise ValueError
    return version


def _without_values(error: Exception) -> str:
    # msgspec names the path and the expected type; an unknown enum value would echo content
    return str(error).split("'", 1)[0][:200]
