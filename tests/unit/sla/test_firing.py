"""Warnings and breaches: each once, by the moment they fell due."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from services.sla.domain.firing import fire, next_step
from shared.contracts.incident import StampKind
from shared.contracts.sla import ClockChangeKind, ClockKind, ClockState
from tests.unit.sla.snapshots import (
    T0,
    a_duty,
    a_stamp,
    an_incident,
    derived,
    fired_at,
    following,
    minutes,
    said,
    stamped,
    the,
)

KEPT = derived(an_incident(stamped(a_duty(), a_stamp(StampKind.ACKED, T0)))).clocks


def test_a_clock_warns_at_half_and_at_four_fifths_of_its_limit() -> None:
    """§4: warn_at 50 %, 80 %."""
    first = fire(KEPT, T0 + minutes(10))
    second = fire(first.clocks, T0 + minutes(16))

    assert [0.5, 0.8] == [c.share for c in (*first.changes, *second.changes)]


def test_nothing_is_said_before_its_moment() -> None:
    """§4: never early."""
    assert () == fire(KEPT, T0 + minutes(10) - timedelta(microseconds=1)).changes


def test_nothing_is_said_twice() -> None:
    """§4: each step once."""
    warned = fired_at(KEPT, T0 + minutes(10))

    assert () == fire(warned, T0 + minutes(10)).changes


def test_a_breach_is_said_when_due_with_level_one() -> None:
    """Row 18."""
    warned = fired_at(KEPT, T0 + minutes(10), T0 + minutes(16))
    breach = next(c for c in fire(warned, T0 + minutes(20)).changes if c.clock is ClockKind.ARRIVAL)

    assert (ClockChangeKind.BREACHED, T0 + minutes(20), 1) == (breach.kind, breach.at, breach.level)


def test_after_an_outage_a_clock_fires_once_with_its_own_due_time_and_a_mark() -> None:
    """§4: warnings that were missed are not said behind the breach."""
    outcome = fire(KEPT, T0 + minutes(55))
    clock = the(ClockKind.ARRIVAL, outcome.clocks)

    assert [ClockChangeKind.BREACHED] == said(outcome.changes, ClockKind.ARRIVAL)
    assert (T0 + minutes(20), True) == (outcome.changes[0].at, clock.found_late)


def test_a_breach_found_in_time_is_not_marked_late() -> None:
    """§4: the mark is for what was found late."""
    assert not the(ClockKind.ARRIVAL, fired_at(KEPT, T0 + minutes(20.1))).found_late


def test_of_several_warnings_that_were_missed_only_the_last_is_said() -> None:
    """§4: after an outage every due clock fires once."""
    outcome = fire(KEPT, T0 + minutes(17))

    assert [0.8] == [c.share for c in outcome.changes]
    assert T0 + minutes(20) == next_step(the(ClockKind.ARRIVAL, outcome.clocks))


def test_grace_delays_the_firing_and_not_the_judgement() -> None:
    """§4.12: a polled feed brings the stamp a little later; it is judged by event time all the same."""
    patient = replace(
        KEPT, clocks=tuple(replace(c, grace_s=60.0, warned=(0.5, 0.8)) for c in KEPT.clocks)
    )
    waited = fire(patient, T0 + minutes(20.9))
    arrived = stamped(
        a_duty(), a_stamp(StampKind.ACKED, T0), a_stamp(StampKind.ARRIVED, T0 + minutes(20.5))
    )
    judged = derived(an_incident(arrived, version=2), patient)

    assert () == waited.changes
    assert ClockState.BREACHED is the(ClockKind.ARRIVAL, judged.clocks).state


def test_a_settled_clock_has_nothing_more_to_say() -> None:
    """§4: met and void clocks leave the timers."""
    arrived = stamped(a_duty(), a_stamp(StampKind.ARRIVED, T0 + minutes(5)))

    assert next_step(the(ClockKind.ARRIVAL, following(a_duty(), arrived))) is None
