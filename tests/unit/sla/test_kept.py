"""What is kept of an incident's clocks is read as it was written, and as it was written before."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from services.sla.adapters.kept import decoded, encoded
from services.sla.domain.clock_set import ClockSet
from shared.contracts.sla import Clock
from tests.unit.sla.snapshots import T0, a_duty, an_incident, derived, fired_at, hours, minutes

KEPT = replace(
    fired_at(derived(an_incident(a_duty())).clocks, T0 + minutes(2), T0 + minutes(25)),
    exercise=True,
    trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
MOMENTS = st.datetimes().map(lambda naive: naive.replace(microsecond=0, tzinfo=T0.tzinfo))


@given(st.builds(Clock, started=MOMENTS, due=MOMENTS, stopped=st.none() | MOMENTS,
    breached_at=st.none() | MOMENTS, resumed_at=st.none() | MOMENTS,
    earlier_due=st.lists(MOMENTS, max_size=2).map(tuple),
    limit_s=st.floats(0, 1e6), overdue_s=st.floats(0, 1e6), grace_s=st.floats(0, 1e6),
    paused_s=st.floats(0, 1e6), unit=st.none() | st.text(), assignment_id=st.none() | st.uuids(),
    corrected=st.booleans(), exempt=st.booleans()))  # fmt: skip
def test_a_clock_is_read_as_it_was_written(clock: Clock) -> None:
    """§4.1: PostgreSQL is the record; nothing of a clock may be lost on the way there and back."""
    kept = replace(KEPT, clocks=(clock, *KEPT.clocks))

    assert kept == decoded(encoded(kept))
    assert {Clock} == {type(each) for each in decoded(encoded(kept)).clocks}


def test_a_set_written_before_is_read_on() -> None:
    """0002 carries no document over: the JSON of before is read until the set is written again."""
    assert KEPT == decoded(msgspec.json.encode(KEPT))


def test_what_is_said_of_a_set_read_back_is_the_same_bytes() -> None:
    """§3: an event carries the whole set, however it was kept in between."""
    assert msgspec.json.encode(KEPT.event(())) == msgspec.json.encode(
        decoded(encoded(KEPT)).event(())
    )


def test_a_field_more_is_added_at_the_end_of_a_clock() -> None:
    """Clocks are kept by position: one put elsewhere would be read out of what others wrote."""
    kept = [
        "clock_id",
        "kind",
        "rule",
        "rule_version",
        "assignment_id",
        "unit",
        "started",
        "due",
        "limit_s",
        "state",
        "judged",
        "day",
        "warned",
        "stopped",
        "breached_at",
        "found_late",
        "corrected",
        "exempt",
        "overdue_s",
        "warn_at",
        "grace_s",
        "paused_s",
        "resumed_at",
        "earlier_due",
    ]

    assert kept == [field.name for field in fields(Clock)][: len(kept)]


def test_a_set_is_kept_shorter_than_it_is_said() -> None:
    """Every event writes it whole, into the log of PostgreSQL too."""
    usual: ClockSet = derived(an_incident(a_duty(), received=T0 + hours(1) / 7)).clocks

    assert len(encoded(usual)) < 0.6 * len(msgspec.json.encode(usual))
    assert timedelta() < usual.clocks[0].due - usual.clocks[0].started
