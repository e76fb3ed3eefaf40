"""How clocks end: by event time, a breach never deleted, no reset."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec.structs import replace

from shared.contracts.incident import Incident, IncidentState, Origin, StampKind
from shared.contracts.sla import ClockChangeKind, ClockKind, ClockState
from tests.unit.sla.snapshots import (
    T0,
    a_duty,
    a_stamp,
    an_incident,
    derived,
    fired_at,
    following,
    hours,
    minutes,
    said,
    stamped,
    the,
)

SENT = an_incident(a_duty())


def arriving(after: float, recorded: float | None = None, version: int = 2) -> Incident:
    """Return the incident once the unit reported its arrival (minutes after T0)."""
    at = T0 + minutes(after)
    stamp = a_stamp(StampKind.ARRIVED, at, T0 + minutes(recorded or after))
    return an_incident(stamped(a_duty(), stamp), version=version)


def test_stopping_exactly_when_due_is_met() -> None:
    """R01: ≤ 20 minutes; the twentieth minute is still in time."""
    outcome = derived(arriving(20), derived(SENT).clocks)

    assert [ClockChangeKind.MET] == said(outcome.changes, ClockKind.ARRIVAL)


def test_an_arrival_after_due_that_no_firing_had_seen_is_a_breach_found_late() -> None:
    """§4: a feed that is polled brings the stamp before the clock was ever fired."""
    outcome = derived(arriving(20.1), derived(SENT).clocks, now=T0 + minutes(25))
    clock = the(ClockKind.ARRIVAL, outcome.clocks)

    assert [ClockChangeKind.BREACHED, ClockChangeKind.MET] == said(
        outcome.changes, ClockKind.ARRIVAL
    )
    assert (ClockState.BREACHED, True, 6.0) == (
        clock.state,
        clock.found_late,
        round(clock.overdue_s, 3),
    )


def test_a_breach_opens_the_first_level_of_supervision() -> None:
    """Row 18: event + supervision level 1."""
    outcome = derived(arriving(30), derived(SENT).clocks)

    assert [1] == [
        c.level
        for c in outcome.changes
        if c.kind is ClockChangeKind.BREACHED and c.clock is ClockKind.ARRIVAL
    ]


def test_doing_it_late_ends_a_breach_without_deleting_it() -> None:
    """Row 18: the unit acted; the clock stays breached, its overdue is known."""
    breached = fired_at(derived(SENT).clocks, T0 + minutes(21))
    outcome = derived(arriving(26), breached)
    clock = the(ClockKind.ARRIVAL, outcome.clocks)

    assert [ClockChangeKind.MET] == said(outcome.changes, ClockKind.ARRIVAL)
    assert (ClockState.BREACHED, T0 + minutes(26), 360.0) == (
        clock.state,
        clock.stopped,
        clock.overdue_s,
    )


def test_a_stamp_that_comes_late_corrects_the_breach_it_disproves() -> None:
    """Row 19: judged by when it happened; the mark of the breach stays visible."""
    breached = fired_at(derived(SENT).clocks, T0 + minutes(21))
    outcome = derived(arriving(12, recorded=40), breached)
    clock = the(ClockKind.ARRIVAL, outcome.clocks)

    assert [ClockChangeKind.CORRECTED] == said(outcome.changes, ClockKind.ARRIVAL)
    assert (ClockState.MET, True, T0 + minutes(21)) == (
        clock.state,
        clock.corrected,
        clock.breached_at,
    )


def test_a_unit_on_its_way_has_acknowledged() -> None:
    """Row 6: a feed without the acknowledgement's own stamp; turning out cannot come before it."""
    turned_out = stamped(a_duty(), a_stamp(StampKind.TURNED_OUT, T0 + minutes(2)))
    kept = following(a_duty(), turned_out)

    assert ClockState.MET is the(ClockKind.ACK, kept).state


def test_a_sheet_before_the_end_does_not_end_handling() -> None:
    """R08 双反馈, row 10: HANDLE ends with the end of handling."""
    sheet = stamped(a_duty(), a_stamp(StampKind.FED_BACK, T0 + hours(1)))
    kept = derived(an_incident(sheet)).clocks

    assert ClockState.RUNNING is the(ClockKind.HANDLE, kept).state
    assert ClockState.MET is the(ClockKind.FEEDBACK, kept).state


@pytest.mark.parametrize(
    "end",
    [StampKind.RELEASED, StampKind.RETURNED, StampKind.REASSIGNED, StampKind.REDUNDANT],
)
def test_a_duty_taken_off_a_unit_leaves_its_clocks_void(end: StampKind) -> None:
    """Rows 7, 22-24: void if before due."""
    kept = following(a_duty(), stamped(a_duty(), a_stamp(end, T0 + minutes(2))))

    assert {ClockState.VOID} == {c.state for c in kept.clocks if c.assignment_id}


def test_what_was_overdue_before_the_duty_moved_stays_with_the_first_unit() -> None:
    """Row 23: the first one's overdue stays with it."""
    moved = stamped(a_duty(), a_stamp(StampKind.REASSIGNED, T0 + minutes(10)))
    kept = following(a_duty(), moved)

    assert ClockState.BREACHED is the(ClockKind.ACK, kept).state
    assert ClockState.VOID is the(ClockKind.ARRIVAL, kept).state


def test_reassigning_resets_no_clock() -> None:
    """§4: never reset by reassignment; the next unit's duty has clocks of its own."""
    moved = stamped(a_duty(), a_stamp(StampKind.REASSIGNED, T0 + minutes(2)))
    other = a_duty(T0 + minutes(2), unit="xj-militia", assignment_id=UUID(int=7))
    before = derived(SENT).clocks
    after = derived(an_incident(moved, other, version=2), before).clocks
    started = {c.clock_id: c.started for c in before.clocks}

    assert started.items() <= {c.clock_id: c.started for c in after.clocks}.items()
    assert len(before.clocks) + 4 == len(after.clocks)


@pytest.mark.parametrize(
    "state",
    [IncidentState.CANCELLED, IncidentState.INVALID, IncidentState.TRANSFERRED],
)
def test_an_incident_with_nothing_to_handle_stops_every_clock(state: IncidentState) -> None:
    """Rows 3, 4, 21: all void."""
    over = an_incident(a_duty(), version=2, state=state, ended=T0 + minutes(1))
    kept = derived(over, derived(SENT).clocks).clocks

    assert {ClockState.VOID} == {c.state for c in kept.clocks if c.assignment_id}
    assert not [c for c in kept.clocks if c.state is ClockState.RUNNING]


def test_a_waived_arrival_voids_the_journey_only() -> None:
    """Row 10: handled remotely with a reason; R01 is not judged."""
    waived = stamped(a_duty(), a_stamp(StampKind.ARRIVAL_WAIVED, T0 + minutes(4)))
    kept = following(a_duty(), replace(waived, state=a_duty().state))

    assert ClockState.VOID is the(ClockKind.ARRIVAL, kept).state
    assert ClockState.RUNNING is the(ClockKind.HANDLE, kept).state


def test_rework_resumes_handling_and_does_not_reset_it() -> None:
    """Row 14: the two hours between the end and the rework do not count."""
    ended = stamped(a_duty(), a_stamp(StampKind.ENDED, T0 + hours(1)))
    again = replace(ended, state=a_duty().state, rework=1, reworked_at=T0 + hours(3))
    kept = following(a_duty(), ended, again)
    clock = the(ClockKind.HANDLE, kept)

    assert (ClockState.RUNNING, T0, T0 + hours(6)) == (clock.state, clock.started, clock.due)


def test_a_reopened_incident_gets_a_new_handling_clock() -> None:
    """Row 17: new HANDLE with its whole limit; a rework after it resumes that one (row 14)."""
    ended = stamped(a_duty(), a_stamp(StampKind.ENDED, T0 + hours(1)))
    reopened = replace(ended, state=a_duty().state, reworked_at=T0 + hours(30))
    done = stamped(reopened, a_stamp(StampKind.ENDED, T0 + hours(31)))
    reworked = replace(done, state=a_duty().state, rework=1, reworked_at=T0 + hours(36))
    kept = derived(an_incident(ended)).clocks
    for version, duty in enumerate((reopened, done, reworked), 2):
        kept = derived(replace(an_incident(duty, version=version), reopened=1), kept).clocks
    first, second = (c for c in kept.clocks if c.kind is ClockKind.HANDLE)

    assert (ClockState.MET, T0 + hours(1)) == (first.state, first.stopped)
    assert (ClockState.RUNNING, T0 + hours(30)) == (second.state, second.started)
    assert T0 + hours(30 + 4 + 5) == second.due


def test_a_worse_severity_rematches_running_clocks_and_keeps_the_old_due_time() -> None:
    """§3: a severity (or kind) change re-matches rules for running clocks only."""
    before = derived(an_incident(a_duty(), category="utility.power")).clocks
    after = derived(an_incident(a_duty(), version=2), before).clocks
    clock = the(ClockKind.HANDLE, after)

    assert ("HANDLE", T0 + hours(4)) == (clock.rule, clock.due)
    assert (T0 + hours(72),) == clock.earlier_due


def test_a_settled_clock_is_not_rematched() -> None:
    """§3: running clocks only."""
    acked = stamped(a_duty(), a_stamp(StampKind.ACKED, T0 + minutes(9)))
    before = derived(an_incident(acked, category="utility.power")).clocks
    after = derived(an_incident(acked, version=2), before).clocks

    assert "ACK-ORDINARY" == the(ClockKind.ACK, after).rule


def test_a_shorter_limit_that_has_already_passed_is_not_applied() -> None:
    """Ours: nobody can meet a limit that is set after it has passed."""
    before = derived(an_incident(a_duty(), category="utility.power")).clocks
    after = derived(an_incident(a_duty(), version=2), before, now=T0 + minutes(10)).clocks

    assert "ACK-ORDINARY" == the(ClockKind.ACK, after).rule


def test_an_older_snapshot_changes_nothing() -> None:
    """§3: the newest snapshot counts, whatever comes after it (here: one without the duty)."""
    newest = derived(arriving(5, version=3)).clocks

    assert () == derived(an_incident(version=2), newest).changes


def test_an_answer_that_comes_by_a_slower_way_counts_all_the_same() -> None:
    """Row 19: turning out was recorded first, the earlier acknowledgement after it."""
    on_the_way = stamped(a_duty(), a_stamp(StampKind.TURNED_OUT, T0 + minutes(4)))
    acked = stamped(on_the_way, a_stamp(StampKind.ACKED, T0 + minutes(1), T0 + minutes(6)))
    clock = the(ClockKind.ACK, following(a_duty(), on_the_way, acked))

    assert (ClockState.MET, T0 + minutes(1), True) == (clock.state, clock.stopped, clock.corrected)


def test_a_release_before_due_that_is_learnt_late_corrects_the_breach() -> None:
    """Rows 19, 22: released at minute 2, known at minute 30; nobody was late."""
    breached = fired_at(derived(SENT).clocks, T0 + minutes(21))
    freed = stamped(a_duty(), a_stamp(StampKind.RELEASED, T0 + minutes(2), T0 + minutes(30)))
    clock = the(ClockKind.ARRIVAL, derived(an_incident(freed, version=2), breached).clocks)

    assert (ClockState.VOID, True) == (clock.state, clock.corrected)


def test_a_duty_that_is_no_longer_part_of_the_incident_leaves_no_running_clock() -> None:
    """Row 24 and later merges: what a clock hung on is gone."""
    kept = derived(an_incident(version=2), derived(SENT).clocks).clocks

    assert not [c for c in kept.clocks if c.state is ClockState.RUNNING]


def test_standing_by_and_leaving_again_says_nothing() -> None:
    """Row 26: released without ever being active."""
    waiting = a_duty(None, origin=Origin.STANDBY)
    freed = stamped(waiting, a_stamp(StampKind.RELEASED, T0 + minutes(5)))
    before = derived(an_incident(waiting)).clocks

    assert () == derived(an_incident(freed, version=2), before).changes


def test_a_purge_changes_no_clock() -> None:
    """DOMAIN §7: text and place go; even a set that is long deleted is not started again."""
    purged = replace(an_incident(a_duty(), version=9), state=IncidentState.CLOSED, purged=True)

    assert () == derived(purged, derived(SENT).clocks).changes
    assert () == derived(purged).changes
