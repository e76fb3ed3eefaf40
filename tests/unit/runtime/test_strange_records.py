"""What somebody else wrote on a topic is set aside whatever it holds."""

from __future__ import annotations

import pytest

from shared.runtime.bus import Partition, Record
from shared.runtime.events import InvalidEnvelope, decode, pack_headers, unpack_headers
from shared.runtime.offsets import Position
from shared.runtime.store import dead_letter_row


@pytest.mark.parametrize("header", ["ce_id", "ce_type", "ce_time", "ce_source", "ce_sequence"])
def test_nul_in_a_header_reaches_no_text_column(header: str) -> None:
    """PostgreSQL refuses NUL in text: its dead-letter row and offset could never be written."""
    named = {
        "ce_id": b"00000000-0000-0000-0000-000000000001",
        "ce_subject": b"00000000-0000-0000-0000-000000000002",
        "ce_type": b"cn.liandong.call.received.v1",
        "ce_time": b"2026-11-22T10:00:00+00:00",
        "ce_source": b"/liandong/intake",
        "ce_sequence": b"1",
    }
    headers = tuple({**named, header: named[header] + b"\x00"}.items())
    record = Record(Partition("call.urgent.v1", 0), 7, b"k", b"{}", headers)
    with pytest.raises(InvalidEnvelope) as refused:
        decode(record)
    row = dead_letter_row(
        "router.urgent", record, refused.value.reason, "decode", str(refused.value)
    )
    texts = [
        each
        for each in (*row, *Position(7).past(record, dead=True, window=9))
        if isinstance(each, str)
    ]

    assert not [text for text in texts if "\x00" in text]


def test_a_null_header_value_does_not_stop_the_relay_at_the_dead_twin() -> None:
    """Kafka allows it: what was set aside is published again, by a relay that all others wait for."""
    strange: list[tuple[str, bytes]] = [("ce_id", None), ("other", b"x")]  # type: ignore[list-item]

    assert [("ce_id", b""), ("other", b"x")] == unpack_headers(pack_headers(strange))
