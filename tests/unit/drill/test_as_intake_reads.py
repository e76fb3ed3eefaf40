"""What the drill writes is what intake reads: every record of a day, the faulty ones too."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.drill.domain.faults_in_records import BODY_LIMIT
from services.drill.domain.gcj02 import gcj02
from services.drill.domain.plan import Answered, Feed, Send
from services.drill.domain.scenario import played, whole_day
from services.intake.adapters.body import BadBody, parse
from services.intake.domain.call_record import read_call
from services.intake.domain.coordinates import to_wgs84
from services.intake.domain.faults import Refused
from services.intake.domain.handling import HandlingReading, read_handling
from services.intake.domain.order import read_order
from services.intake.domain.reading import Hotline, Reading
from services.intake.domain.times import Horizon
from shared.contracts.pack import CoordinateSystem, Malformed, metres
from tests.unit.drill.stage import PACK

DAY = date(2026, 11, 23)
SENDS = played(PACK, 7, DAY, whole_day(PACK, DAY))


def read(send: Send) -> Reading | Refused | HandlingReading | BadBody:
    """Read the request as intake does behind its gate."""
    source = PACK.source_by_id[send.source]
    hotline = Hotline(source, PACK, PACK.region.zone)
    horizon = Horizon(send.at, timedelta(minutes=24))
    try:
        body = parse(send.body, source.charset)
    except BadBody as bad:
        return bad
    if send.feed is Feed.HANDLING:
        return read_handling(body, hotline, horizon)
    return (read_order if hotline.keeps_orders else read_call)(body, hotline, horizon)


def test_every_valid_record_is_read_as_it_was_meant() -> None:
    """Number, time, kind and place come out as the scenario put them in; no code is unknown."""
    for send in SENDS:
        if send.malformed or send.feed is Feed.HANDLING or send.name.endswith("-again"):
            continue
        reading = read(send)

        assert isinstance(reading, Reading)
        assert send.number == reading.source_id
        assert send.at == reading.received_at
        assert () == reading.unknown_codes
        assert reading.place.area is not None
        assert reading.kind.category in {kind.category for kind in PACK.drill.kinds}


def test_every_units_record_is_read() -> None:
    """A handling record names a unit of the pack, and its stamps."""
    for send in SENDS:
        if send.feed is Feed.HANDLING:
            reading = read(send)
            assert isinstance(reading, HandlingReading)
            assert reading.unit in PACK.unit_by_id
            assert len(reading.stamps) in (2, 4)


@pytest.mark.parametrize("kind", list(Malformed))
def test_each_fault_gets_its_class_of_answer(kind: Malformed) -> None:
    """FEEDS §5: what intake refuses is refused, an unknown code is kept raw and accepted."""
    found = [send for send in SENDS if send.malformed is kind]

    assert found
    for send in found:
        reading = read(send)
        by_its_content = isinstance(reading, (Refused, BadBody))
        refused = by_its_content or not send.own_key or len(send.body) > BODY_LIMIT
        assert refused == (Answered.REJECTED in send.allowed)


def test_an_unknown_code_is_told_as_one() -> None:
    """Accepted, but counted: the kind of a call record is unclassified."""
    for send in SENDS:
        if send.malformed is Malformed.UNKNOWN_CODE:
            reading = read(send)
            assert isinstance(reading, Reading)
            assert reading.unknown_codes


def test_positions_survive_the_national_datum() -> None:
    """WGS-84 to GCJ-02 and back: within a metre at every place of the pack."""
    for place in PACK.drill.places:
        there = gcj02(place.lon, place.lat)
        back = to_wgs84(*there, CoordinateSystem.GCJ02)

        assert metres(place.lon, place.lat, *there) > 100
        assert metres(place.lon, place.lat, *back) < 1
