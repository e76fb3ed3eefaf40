"""Reads a fetched record batch byte by byte: names what the client library's parser gives up on.

The library decodes header names as UTF-8 and refuses a whole fetch for one that is not, without saying
where; so one strange record, from whoever may write to a topic, would stop a lane. Here that record
comes with its `flaw`, the others as they are, and a batch that cannot be trusted is `Unreadable`.
Format: record batch v2, the only one Kafka 4 keeps (Kafka protocol guide, "Record Batch").
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from aiokafka import codec
from aiokafka.record.default_records import DefaultRecordBase
from aiokafka.record.util import calc_crc32c, decode_varint

from shared.runtime.bus import Partition, Record, Unreadable

_HEADER = DefaultRecordBase.HEADER_STRUCT
_FRONT = struct.Struct(">qi")
"""Base offset and the length of what follows."""
_MAGIC = 2
_Decompress = Callable[[bytes], bytes]
_CODECS: dict[int, tuple[str, Callable[[], bool], _Decompress]] = {
    1: ("gzip", codec.has_gzip, codec.gzip_decode),
    2: ("snappy", codec.has_snappy, codec.snappy_decode),
    3: ("lz4", codec.has_lz4, codec.lz4_decode),
    4: ("zstd", codec.has_zstd, codec.zstd_decode),
}


class Batch(NamedTuple):
    """Records of one batch from the wanted offset on, and the offset that follows the batch."""

    records: list[Record]
    following: int


def first_batch(partition: Partition, raw: bytes, at: int) -> Batch | None:
    """Return the first batch of *raw* that has something at offset *at* or past it.

    None when *raw* holds no such batch to its end; raises Unreadable when one cannot be trusted.
    """
    place = 0
    while len(raw) - place >= _FRONT.size:
        base, length = _FRONT.unpack_from(raw, place)
        end = place + _FRONT.size + length
        if length < _HEADER.size - _FRONT.size:
            raise Unreadable(partition, at, None, "its length is too small for a batch")
        if end > len(raw):
            if place == 0:  # the broker gives at least one whole batch
                raise Unreadable(partition, at, None, "its length is more than the broker gave")
            return None
        found = _batch(partition, raw[place:end], at, base)
        if found.following > at:
            return found
        place = end
    return None


def _batch(partition: Partition, raw: bytes, at: int, base: int) -> Batch:
    header = _HEADER.unpack_from(raw)
    magic, crc, attributes, last_delta, count = (header[n] for n in (3, 4, 5, 6, 12))
    following = base + last_delta + 1
    if magic != _MAGIC:
        raise Unreadable(partition, at, None, f"it is in format {magic}, not {_MAGIC}")
    if crc != calc_crc32c(raw[DefaultRecordBase.ATTRIBUTES_OFFSET :]):
        past = following if base <= at < following else None
        raise Unreadable(partition, at, past, "its checksum (CRC) does not match")
    if attributes & DefaultRecordBase.CONTROL_MASK:
        return Batch([], following)
    try:
        body = _decompressed(raw[_HEADER.size :], attributes & DefaultRecordBase.CODEC_MASK)
        records = _records(partition, base, body, count)
    except Exception as error:  # a decompressor raises its own kinds
        why = f"its records cannot be read ({type(error).__name__})"
        raise Unreadable(partition, at, following, why) from error
    return Batch([record for record in records if record.offset >= at], following)


def _decompressed(body: bytes, kind: int) -> bytes:
    if not kind:
        return body
    name, installed, decompress = _CODECS[kind]
    if not installed():
        raise ModuleNotFoundError(name)
    return decompress(body)


def _records(partition: Partition, base: int, body: bytes, count: int) -> list[Record]:
    cursor = _Cursor(body)
    return [_record(partition, base, cursor) for _ in range(count)]


class _Cursor:
    """Reads numbers and byte strings one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = bytearray(body)
        self.at = 0

    def number(self) -> int:
        value, self.at = decode_varint(self._body, self.at)
        return value

    def sized(self) -> bytes | None:
        """Return the bytes whose length stands before them; a negative length is null."""
        size = self.number()
        if size < 0:
            return None
        piece = bytes(self._body[self.at : self.at + size])
        if len(piece) < size:
            raise ValueError("a length points past the end of the batch")
        self.at += size
        return piece


def _record(partition: Partition, base: int, cursor: _Cursor) -> Record:
    length = cursor.number()
    end = cursor.at + length
    for _ in ("attributes", "timestamp"):
        cursor.number()
    offset = base + cursor.number()
    key, value = cursor.sized(), cursor.sized()
    headers: list[tuple[str, bytes]] = []
    flaw = None
    for number in range(1, cursor.number() + 1):
        name = cursor.sized() or b""
        try:
            text = name.decode()
        except UnicodeDecodeError:
            text = name.decode(errors="backslashreplace")
            flaw = f"the name of header {number} ({len(name)} bytes) is not UTF-8"
        headers.append((text, cursor.sized()))  # type: ignore[arg-type]  # null as the library gives it
    if cursor.at != end:
        raise ValueError("a record is not as long as it says")
    return Record(partition, offset, key, value, tuple(headers), flaw)
