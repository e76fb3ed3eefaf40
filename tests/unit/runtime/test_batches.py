"""What the client library's parser gives up on is read byte by byte, or named."""

from __future__ import annotations

import struct

import pytest
from aiokafka.record.default_records import DefaultRecordBase, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.batches import first_batch
from shared.runtime.bus import Partition, Record, Unreadable
from shared.runtime.events import InvalidEnvelope, decode

PLACE = Partition("call.urgent.v1", 3)
Content = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]

contents = st.tuples(
    st.none() | st.binary(max_size=200),
    st.none() | st.binary(max_size=200),
    st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=20)), max_size=4),
)


def batch(*records: Content, base: int = 0, codec: int = 0) -> bytes:
    """Return the records as a producer packs them, placed at *base* as the broker does."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for number, (key, value, headers) in enumerate(records):
        builder.append(number, 1, key, value, headers)
    packed = bytearray(builder.build())
    struct.pack_into(">q", packed, 0, base)
    return bytes(packed)


def checked(packed: bytes) -> bytes:
    """Return *packed* with the checksum it should have."""
    body = bytearray(packed)
    crc = calc_crc32c(body[DefaultRecordBase.ATTRIBUTES_OFFSET :])
    struct.pack_into(">I", body, DefaultRecordBase.CRC_OFFSET, crc)
    return bytes(body)


def plain(name: str = "h") -> Content:
    """Return a small record with one header."""
    return b"k", b"v", [(name, b"1")]


@given(st.lists(contents, min_size=1, max_size=5), st.integers(0, 1 << 40), st.sampled_from([0, 1]))
def test_what_a_producer_packed_is_read_as_it_was(
    records: list[Content], base: int, codec: int
) -> None:
    """The same bytes as the library gives, compressed or not."""
    found = first_batch(PLACE, batch(*records, base=base, codec=codec), base)

    assert found is not None
    assert base + len(records) == found.following
    assert found.records == [
        Record(PLACE, base + n, key, value, tuple(headers))  # type: ignore[arg-type]
        for n, (key, value, headers) in enumerate(records)
    ]


def test_a_header_name_that_is_no_text_marks_its_record_alone() -> None:
    """§4.6: the one record is set aside with its reason; the others are events as ever."""
    packed = batch(plain(), plain("NAME"), plain(), base=7)
    found = first_batch(PLACE, checked(packed.replace(b"NAME", b"\xff\xfe\xfd\xfc")), 7)

    assert found is not None
    assert [None, "the name of header 1 (4 bytes) is not UTF-8", None] == [
        record.flaw for record in found.records
    ]
    strange = found.records[1]
    assert ((r"\xff\xfe\xfd\xfc", b"1"),) == strange.headers
    with pytest.raises(InvalidEnvelope) as refused:
        decode(strange)
    assert "unreadable_header" == refused.value.reason


def test_a_wrong_checksum_names_the_place_and_the_end_of_the_batch() -> None:
    """A person who goes past it must know how many records that loses."""
    packed = batch(plain(), plain(), base=40).replace(b"v", b"w", 1)
    with pytest.raises(Unreadable, match="checksum") as found:
        first_batch(PLACE, packed, 40)

    assert (PLACE, 40, 42) == (found.value.partition, found.value.offset, found.value.past)


@given(st.data())
def test_one_changed_byte_never_passes_for_something_else(data: st.DataObject) -> None:
    """Past the base offset, which the broker writes: CRC, or a length that does not fit."""
    packed = bytearray(batch(plain(), plain("other"), plain(), base=9))
    place = data.draw(st.integers(8, len(packed) - 1))
    epoch = range(12, 16)  # partition leader epoch: outside the checksum, not read here
    packed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = first_batch(PLACE, bytes(packed), 9)
    except Unreadable:
        return

    assert place in epoch
    assert found == first_batch(PLACE, batch(plain(), plain("other"), plain(), base=9), 9)


def test_a_batch_begins_before_the_wanted_offset() -> None:
    """A consumer stopped in mid-batch goes on with what it has not handled."""
    found = first_batch(PLACE, batch(plain(), plain(), plain(), base=5), 6)

    assert found is not None
    assert [6, 7] == [record.offset for record in found.records]
    assert 8 == found.following


def test_batches_before_the_wanted_offset_are_passed_over() -> None:
    """And a last one that was cut off by the size of the answer is left for the next."""
    raw = batch(plain(), base=0) + batch(plain(), base=1) + batch(plain(), base=2)[:-1]

    assert 1 == first_batch(PLACE, raw, 1).records[0].offset  # type: ignore[union-attr]
    assert first_batch(PLACE, raw, 2) is None


def test_a_codec_that_is_not_installed_is_named() -> None:
    """A foreign producer may compress with what this service has no library for."""
    packed = bytearray(batch(plain(), base=3))
    packed[DefaultRecordBase.ATTRIBUTES_OFFSET + 1] = 4  # zstd
    with pytest.raises(Unreadable, match="cannot be read") as found:
        first_batch(PLACE, checked(bytes(packed)), 3)

    assert 4 == found.value.past
