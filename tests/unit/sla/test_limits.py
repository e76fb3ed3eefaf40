"""Which clocks stand on a duty, and how long they run (R01-R04, R07)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from services.sla.domain.firing import next_step
from shared.contracts.incident import Origin, Relation, StampKind, StampOrigin
from shared.contracts.sla import ClockKind, ClockState
from tests.unit.sla.snapshots import (
    NIGHT,
    T0,
    a_duty,
    a_stamp,
    an_incident,
    derived,
    fired_at,
    following,
    hours,
    kinds_of,
    minutes,
    stamped,
    the,
)

ALWAYS = {ClockKind.ACK, ClockKind.HANDLE, ClockKind.FEEDBACK}


@pytest.mark.parametrize(
    ("relation", "start", "kind", "rule", "limit"),
    [
        (Relation.COUNTY_TOWN, T0, ClockKind.ARRIVAL, "R01", 20),
        (Relation.OWN_SEAT, T0, ClockKind.ARRIVAL, "R01", 20),
        (Relation.COUNTY_TOWN, NIGHT, ClockKind.ARRIVAL, "R02", 30),
        (Relation.OWN_SEAT, NIGHT, ClockKind.ARRIVAL, "R02", 30),
        (Relation.TOWN_TO_TOWNSHIP, T0, ClockKind.ASSEMBLY, "R03", 15),
        (Relation.TOWN_TO_TOWNSHIP, NIGHT, ClockKind.ASSEMBLY, "R04", 25),
    ],
)
def test_the_relation_of_base_and_scene_chooses_the_limit(
    relation: Relation, start: datetime, kind: ClockKind, rule: str, limit: float
) -> None:
    """R01-R04: arrival within the town and at the own seat, assembly when leaving it, never both."""
    kept = derived(an_incident(a_duty(start, relation), received=start)).clocks
    clock = the(kind, kept)

    assert (rule, start + minutes(limit)) == (clock.rule, clock.due)
    assert ALWAYS | {kind} == kinds_of(kept)


@pytest.mark.parametrize(
    "relation",
    [Relation.OWN_TOWNSHIP_OUTSIDE_SEAT, Relation.TOWNSHIP_TO_TOWNSHIP, Relation.UNKNOWN],
)
def test_no_limit_is_invented_where_the_source_sets_none(relation: Relation) -> None:
    """R01-R04, traps: the own township outside its seat and township to township are not judged."""
    assert ALWAYS == kinds_of(derived(an_incident(a_duty(T0, relation))).clocks)


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        (NIGHT - timedelta(microseconds=1), "R01"),
        (NIGHT, "R02"),
        (T0 - hours(1) - timedelta(microseconds=1), "R02"),
        (T0 - hours(1), "R01"),
    ],
)
def test_day_and_night_are_decided_by_the_start_and_fixed(start: datetime, rule: str) -> None:
    """R01, R02: 08:00-20:00 is day; a clock that runs into the night keeps the day's limit."""
    sent = a_duty(start)
    arrived = stamped(sent, a_stamp(StampKind.ARRIVED, start + minutes(19)))

    assert rule == the(ClockKind.ARRIVAL, following(sent, arrived)).rule


def test_feedback_runs_a_day_from_the_first_dispatch() -> None:
    """R07: 24 hours from the order, not from the incident's receipt."""
    kept = derived(an_incident(a_duty(T0 + minutes(3)))).clocks

    assert T0 + minutes(3) + hours(24) == the(ClockKind.FEEDBACK, kept).due


def test_a_progress_sheet_stops_feedback_and_opens_the_next_day() -> None:
    """R07: handling still open, a progress sheet with a reason opens the next 24 hours."""
    sheet = a_stamp(StampKind.PROGRESS, T0 + hours(23))
    kept = following(a_duty(), stamped(a_duty(), sheet))
    first, second = (c for c in kept.clocks if c.kind is ClockKind.FEEDBACK)

    assert (ClockState.MET, T0 + hours(23)) == (first.state, first.stopped)
    assert (ClockState.RUNNING, T0 + hours(47)) == (second.state, second.due)


def test_a_formal_sheet_ends_the_chain_of_feedback() -> None:
    """R07: after the formal sheet no further day is opened."""
    sheets = (
        a_stamp(StampKind.PROGRESS, T0 + hours(20)),
        a_stamp(StampKind.FED_BACK, T0 + hours(30)),
    )
    kept = derived(an_incident(stamped(a_duty(), *sheets))).clocks

    assert [ClockState.MET] * 2 == [c.state for c in kept.clocks if c.kind is ClockKind.FEEDBACK]


def test_a_unit_standing_by_has_no_clock() -> None:
    """Row 26: STANDBY is a backup named at dispatch; no clock runs on it."""
    assert set() == kinds_of(derived(an_incident(a_duty(None, origin=Origin.STANDBY))).clocks)


def test_a_standby_that_takes_the_duty_is_measured_from_its_own_ack() -> None:
    """Row 26: clocks start at ACK; nobody waits for an answer that is already there."""
    waiting = a_duty(None, origin=Origin.STANDBY)
    acked = stamped(waiting, a_stamp(StampKind.ACKED, T0 + minutes(6)))
    kept = following(waiting, acked)

    assert T0 + minutes(26) == the(ClockKind.ARRIVAL, kept).due
    assert ClockKind.ACK not in kinds_of(kept)


def test_a_standby_first_heard_from_the_scene_has_no_journey_to_judge() -> None:
    """Row 26: it took the duty itself; router stamps order and report with the same moment."""
    there = stamped(
        a_duty(None, origin=Origin.STANDBY),
        replace(a_stamp(StampKind.SENT, T0 + minutes(6)), origin=StampOrigin.AUTOMATIC),
        a_stamp(StampKind.ARRIVED, T0 + minutes(6)),
    )

    assert {ClockKind.HANDLE, ClockKind.FEEDBACK} == kinds_of(derived(an_incident(there)).clocks)


def test_a_standby_called_by_the_desk_must_answer() -> None:
    """Row 26: activated by the desk it is ordered like any other."""
    called = stamped(a_duty(None, origin=Origin.STANDBY), a_stamp(StampKind.SENT, T0 + minutes(5)))

    assert T0 + minutes(8) == the(ClockKind.ACK, derived(an_incident(called)).clocks).due


def test_a_self_dispatched_unit_owes_no_answer() -> None:
    """双轨制 (P12): nobody sent it, its journey and feedback count from its first record."""
    went = stamped(
        a_duty(None, origin=Origin.SELF_DISPATCHED), a_stamp(StampKind.TURNED_OUT, T0 + minutes(2))
    )
    kept = derived(an_incident(went)).clocks

    assert T0 + minutes(22) == the(ClockKind.ARRIVAL, kept).due
    assert ClockKind.ACK not in kinds_of(kept)


def test_a_unit_first_heard_from_the_scene_has_no_journey_to_judge() -> None:
    """双轨制 (P12): an arrival that is the first record would be met in no time at all."""
    there = stamped(
        a_duty(None, origin=Origin.SELF_DISPATCHED), a_stamp(StampKind.ARRIVED, T0 + minutes(9))
    )

    assert {ClockKind.HANDLE, ClockKind.FEEDBACK} == kinds_of(derived(an_incident(there)).clocks)


def test_a_target_that_is_only_shown_never_fires() -> None:
    """R05, VERIFY (ours): `judged: false` is displayed, it neither warns nor breaches."""
    verifying = derived(replace(an_incident(a_duty()), handled_at=T0)).clocks
    clock = the(ClockKind.VERIFY, verifying)

    assert next_step(clock) is None
    assert ClockState.RUNNING is the(ClockKind.VERIFY, fired_at(verifying, T0 + hours(90))).state
