"""A drill's day: deterministic, shaped like the pack says, faulty only on purpose."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.drill.domain.plan import AGAIN, ONCE, REFUSED, Answered, Feed, Send
from services.drill.domain.scenario import Window, played, whole_day
from shared.contracts.pack import Malformed, Pack
from shared.runtime.packs import load_pack

DAY = date(2026, 11, 23)
REGION = Path(__file__).parents[3] / "deploy" / "regions" / "xianju"


@pytest.fixture(scope="module")
def pack() -> Pack:
    """Load xianju."""
    return load_pack(REGION)


@pytest.fixture(scope="module")
def day(pack: Pack) -> tuple[Send, ...]:
    """Play a whole day."""
    return played(pack, 7, DAY, whole_day(pack, DAY))


def valid(sends: tuple[Send, ...]) -> list[Send]:
    """Leave out what is faulty, sent a second time, or a unit's record."""
    calls = [s for s in sends if s.feed is Feed.CALLS and s.malformed is None]
    return [s for s in calls if not s.name.endswith("-again")]


def main_number(send: Send) -> str | None:
    """Return the number of the record that *send* says it repeats."""
    body = json.loads(send.body)
    found = body.get("zjjdbh") or body.get("zgdbh")
    return str(found) if found else None


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**31))
def test_same_seed_same_sequence(pack: Pack, seed: int) -> None:
    """Same pack, seed and day: the same requests, byte for byte and in the same order."""
    window = whole_day(pack, DAY)

    assert played(pack, seed, DAY, window) == played(pack, seed, DAY, window)


def test_another_seed_is_another_day(pack: Pack, day: tuple[Send, ...]) -> None:
    """The seed decides: two seeds do not give the same day."""
    assert played(pack, 8, DAY, whole_day(pack, DAY)) != day


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(0, 23), hours=st.integers(1, 24))
def test_a_shorter_window_plays_its_part_of_the_day(
    pack: Pack, day: tuple[Send, ...], start: int, hours: int
) -> None:
    """`SECONDS=` plays less of the same day, under the same numbers; nothing of calls not played."""
    begin = whole_day(pack, DAY).start + timedelta(hours=start)
    window = Window(begin, begin + timedelta(hours=hours))

    inside = [s for s in day if window.holds(s.at)]
    called = {s.number for s in inside if s.feed is Feed.CALLS}

    assert tuple(s for s in inside if s.number in called) == played(pack, 7, DAY, window)


def test_the_day_has_as_many_calls_as_the_pack_says(pack: Pack, day: tuple[Send, ...]) -> None:
    """Valid calls number `calls_per_day`; those sent again right at midnight may fall out."""
    assert pack.drill.calls_per_day == len(valid(day))


def test_calls_follow_the_hours(pack: Pack, day: tuple[Send, ...]) -> None:
    """The busiest hours carry most: 07:00 to 22:00 local more than 80 % of the day."""
    hours = Counter(s.at.astimezone(pack.region.zone).hour for s in day)

    assert sum(hours[h] for h in range(7, 22)) > 0.8 * sum(hours.values())


def test_every_line_and_every_fault_is_played(pack: Pack, day: tuple[Send, ...]) -> None:
    """All hotlines and all kinds of malformed input of the pack come up in a day."""
    assert {source.id for source in pack.sources} == {s.source for s in day}
    assert set(Malformed) == {s.malformed for s in day} - {None}


def test_what_an_answer_may_be(day: tuple[Send, ...]) -> None:
    """Faults must be refused, unknown codes accepted; only what is sent twice may be a repeat."""
    for send in day:
        if send.malformed not in (None, Malformed.UNKNOWN_CODE):
            assert REFUSED == send.allowed
        elif Answered.REPEATED in send.allowed:
            assert AGAIN == send.allowed
        else:
            assert ONCE == send.allowed


def test_a_record_sent_again_is_the_same_word_for_word(day: tuple[Send, ...]) -> None:
    """Sent twice means the same bytes under the same number, later."""
    by_name = {s.name: s for s in day}
    twice = [s for s in day if s.name.endswith("-again")]

    assert twice
    for again in twice:
        first = by_name[again.name.removesuffix("-again")]
        assert (first.body, first.number) == (again.body, again.number)
        assert first.at < again.at


def test_a_chain_names_a_record_that_was_sent_before(day: tuple[Send, ...]) -> None:
    """`zjjdbh` (an order's `zgdbh`) is the number of an earlier record of the same source."""
    sent = {s.number: s for s in valid(day)}
    chained = [(s, main) for s in valid(day) if (main := main_number(s))]

    assert len(chained) > 20
    for send, main in chained:
        assert sent[main].at < send.at
        assert sent[main].source == send.source


def test_callers_numbers_belong_to_nobody(day: tuple[Send, ...]) -> None:
    """No mobile number of mainland China begins with 12."""
    for send in valid(day):
        body = json.loads(send.body)
        assert (body.get("bjdh") or body.get("lxdh")).startswith("1200")


def test_times_are_written_local(pack: Pack, day: tuple[Send, ...]) -> None:
    """`bjsj` is local time without a zone, in one of the two spellings of FEEDS §1."""
    for send in valid(day):
        body = json.loads(send.body)
        if "bjsj" in body:
            spelling = "%Y-%m-%d %H:%M:%S" if "-" in body["bjsj"] else "%Y%m%d%H%M%S"
            written = datetime.strptime(body["bjsj"], spelling).replace(tzinfo=pack.region.zone)
            assert send.at == written.astimezone(UTC)


def test_some_units_report_that_nobody_sent_and_some_before_their_call(
    day: tuple[Send, ...],
) -> None:
    """P12 双轨制: a squad's record names a call of the day, and may come before it."""
    called = {s.number: s.at for s in valid(day)}
    told = [s for s in day if s.feed is Feed.HANDLING]

    assert len(told) > 6
    assert {s.number for s in told} <= set(called)
    assert any(s.at < called[s.number] for s in told)
    assert any(s.at > called[s.number] for s in told)
