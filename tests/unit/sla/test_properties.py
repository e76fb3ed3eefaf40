"""What holds of clocks whatever happens: order, late news, firings in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.sla.domain.clock_set import ClockSet
from services.sla.domain.firing import fire, next_step
from shared.contracts.incident import Assignment, Relation, Stamp, StampKind
from shared.contracts.sla import Clock, ClockState
from tests.unit.sla.snapshots import (
    T0,
    a_duty,
    an_incident,
    derived,
    fired_at,
    minutes,
    stamped,
)

MOMENTS = st.integers(0, 60 * 30).map(minutes)
REPORTED = st.sampled_from(
    [
        StampKind.ACKED,
        StampKind.TURNED_OUT,
        StampKind.ASSEMBLED,
        StampKind.ARRIVED,
        StampKind.PROGRESS,
        StampKind.ENDED,
        StampKind.FED_BACK,
    ]
)
RELATIONS = st.sampled_from(list(Relation))
REPORTS = st.lists(st.tuples(REPORTED, MOMENTS, MOMENTS), max_size=7, unique_by=lambda r: r[0])
LOOKS = st.lists(MOMENTS, max_size=4)


def histories(
    relation: Relation, reports: list[tuple[StampKind, timedelta, timedelta]]
) -> list[Assignment]:
    """Return the duty after each report, in the order they were recorded (never before they happened)."""
    duties = [a_duty(relation=relation)]
    for kind, happened, delay in sorted(reports, key=lambda r: r[1] + r[2]):
        stamp = Stamp(kind=kind, occurred_at=T0 + happened, recorded_at=T0 + happened + delay)
        duties.append(stamped(duties[-1], stamp))
    return duties


def judged(kept: ClockSet) -> set[tuple[object, ...]]:
    """Return what is judged of each clock, without when it was found out."""
    return {(c.clock_id, c.state, c.started, c.due, c.stopped, c.rule) for c in kept.clocks}


@given(RELATIONS, REPORTS, LOOKS)
def test_only_the_newest_snapshot_is_needed(
    relation: Relation,
    reports: list[tuple[StampKind, timedelta, timedelta]],
    looks: list[timedelta],
) -> None:
    """§3, §4: a lost event heals with the next; firings in between change no judgement."""
    duties = histories(relation, reports)
    horizon = T0 + timedelta(days=9)
    every: ClockSet | None = None
    for version, duty in enumerate(duties, 1):
        now = duty.stamps[-1].recorded_at
        if every is not None:
            seen = sorted(T0 + look for look in looks if T0 + look <= now)
            every = fired_at(every, *seen)
        every = derived(an_incident(duty, version=version), every, now).clocks
    newest = derived(an_incident(duties[-1], version=len(duties))).clocks
    assert every is not None

    assert judged(fired_at(newest, horizon)) == judged(fired_at(every, horizon))


@given(RELATIONS, REPORTS)
def test_a_clock_starts_at_its_stamp_and_never_moves(
    relation: Relation, reports: list[tuple[StampKind, timedelta, timedelta]]
) -> None:
    """§4: started is when it happened; no later record resets it."""
    kept: ClockSet | None = None
    for version, duty in enumerate(histories(relation, reports), 1):
        before = {c.clock_id: c.started for c in kept.clocks} if kept else {}
        kept = derived(an_incident(duty, version=version), kept).clocks
        stamps = {T0, *(s.occurred_at for s in duty.stamps)}

        assert before.items() <= {c.clock_id: c.started for c in kept.clocks}.items()
        assert all(c.started in stamps for c in kept.clocks)


@given(RELATIONS, REPORTS)
def test_one_clock_of_a_kind_runs_at_a_time(
    relation: Relation, reports: list[tuple[StampKind, timedelta, timedelta]]
) -> None:
    """§4: two running clocks of one kind on one duty would warn and breach twice."""
    kept: ClockSet | None = None
    for version, duty in enumerate(histories(relation, reports), 1):
        kept = derived(an_incident(duty, version=version), kept).clocks
        running = [(c.assignment_id, c.kind) for c in kept.clocks if c.state is ClockState.RUNNING]

        assert len(running) == len(set(running))


@given(RELATIONS, st.lists(MOMENTS, min_size=1, max_size=8))
def test_each_step_is_said_once_and_never_early(relation: Relation, looks: list[timedelta]) -> None:
    """§4.12: none twice, none early, whenever the timers are looked at."""
    kept = derived(an_incident(a_duty(relation=relation))).clocks
    heard: list[tuple[object, ...]] = []
    for now in sorted(T0 + look for look in looks):
        outcome = fire(kept, now)
        assert all(change.at <= now for change in outcome.changes)
        heard += [(c.clock_id, c.kind, c.share) for c in outcome.changes]
        kept = outcome.clocks

    assert len(heard) == len(set(heard))
    assert not [c for c in kept.clocks if _overdue(c, T0 + max(looks))]


def _overdue(clock: Clock, now: datetime) -> bool:
    step = next_step(clock)
    return step is not None and step <= now


@given(RELATIONS, REPORTS, LOOKS)
def test_a_breach_is_never_deleted(
    relation: Relation,
    reports: list[tuple[StampKind, timedelta, timedelta]],
    looks: list[timedelta],
) -> None:
    """Row 19: a later stamp corrects, the mark stays."""
    kept = fired_at(
        derived(an_incident(a_duty(relation=relation))).clocks, *(T0 + look for look in looks)
    )
    breached = {c.clock_id: c.breached_at for c in kept.clocks if c.breached_at}
    duty = histories(relation, reports)[-1]
    after = derived(an_incident(duty, version=2), kept).clocks

    assert breached.items() <= {c.clock_id: c.breached_at for c in after.clocks}.items()
