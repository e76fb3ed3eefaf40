"""How a clock stands once its span is known: judged by event time, a breach never deleted."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from services.sla.domain.clock_set import ZERO
from services.sla.domain.reasons import Reason
from services.sla.domain.rules import Limit
from services.sla.domain.spans import Pause, Span
from shared.contracts.sla import Clock, ClockChange, ClockChangeKind, ClockKind, ClockState

Judged = tuple[Clock, tuple[ClockChange, ...]]
"""A clock and what is to be said of it."""


def change(
    clock: Clock,
    kind: ClockChangeKind,
    at: datetime,
    *,
    reason: Reason | None = None,
    share: float | None = None,
    level: int | None = None,
) -> ClockChange:
    """Return a change of *clock*; *at* is when it became true (UTC), not when it was found."""
    return ClockChange(
        kind=kind,
        clock_id=clock.clock_id,
        clock=clock.kind,
        at=at,
        assignment_id=clock.assignment_id,
        unit=clock.unit,
        share=share,
        level=level,
        reason=reason,
    )


def judge(clock: Clock, span: Span, now: datetime) -> Judged:
    """Compare *clock* with what *span* says now; *now* (UTC) is when a breach is found by it.

    Stopped exactly when due is met. A duty that ended before its due time leaves the clock void.
    """
    done = span.stopped
    if done is not None and (span.ending is None or done <= span.ending.at):
        return _done(clock, span, done, now)
    if span.ending is not None:
        return _ended(clock, span.ending.at, span.ending.reason, now)
    return clock, ()


def void(clock: Clock, at: datetime, reason: Reason) -> Judged:
    """End *clock* unjudged, whether or not it was due: what it hung on no longer stands."""
    ended = replace(clock, state=ClockState.VOID, stopped=at)
    return ended, (change(ended, ClockChangeKind.VOIDED, at, reason=reason),)


def _done(clock: Clock, span: Span, done: datetime, now: datetime) -> Judged:
    if clock.stopped == done and clock.state in (ClockState.MET, ClockState.BREACHED):
        return clock, ()
    late = max(0.0, (done - clock.due).total_seconds())
    if late and clock.judged:
        return _late(clock, done, late, now)
    met = replace(clock, state=ClockState.MET, stopped=done, overdue_s=late or ZERO)
    if clock.state is ClockState.BREACHED:
        met = replace(met, corrected=True)
        return met, (change(met, ClockChangeKind.CORRECTED, done),)
    if clock.state is ClockState.MET:
        reason: Reason | None = Reason.RESTATED
    else:
        reason = Reason.PROGRESS if span.progress else None
    return met, (change(met, ClockChangeKind.MET, done, reason=reason),)


def _late(clock: Clock, done: datetime, late: float, now: datetime) -> Judged:
    breached, said = _breached(clock, now)
    stopped = replace(breached, stopped=done, overdue_s=late)
    return stopped, (*said, change(stopped, ClockChangeKind.MET, done, reason=Reason.LATE))


def _ended(clock: Clock, at: datetime, reason: Reason, now: datetime) -> Judged:
    """A breach stands although the duty ended after it (row 23); before due nothing is left to judge."""
    ended_before = clock.state is ClockState.BREACHED and clock.stopped is not None
    if clock.state is ClockState.VOID or ended_before:
        return clock, ()
    late = max(0.0, (at - clock.due).total_seconds())
    if late and clock.judged:
        breached, said = _breached(clock, now)
        stopped = replace(breached, stopped=at, overdue_s=late)
        return stopped, (*said, change(stopped, ClockChangeKind.VOIDED, at, reason=reason))
    ended = replace(clock, state=ClockState.VOID, stopped=at, overdue_s=ZERO)
    if clock.state is ClockState.BREACHED:
        ended = replace(ended, corrected=True)
        return ended, (change(ended, ClockChangeKind.CORRECTED, at, reason=reason),)
    return ended, (change(ended, ClockChangeKind.VOIDED, at, reason=reason),)


def _breached(clock: Clock, now: datetime) -> Judged:
    """A breach that a record proves and no firing had found yet."""
    if clock.state is ClockState.BREACHED:
        return clock, ()
    breached = replace(
        clock,
        state=ClockState.BREACHED,
        breached_at=clock.breached_at or now,
        found_late=True,
        corrected=False,
    )
    reason = Reason.SHOWN_BY_STAMP
    return breached, (
        change(breached, ClockChangeKind.BREACHED, breached.due, reason=reason, level=1),
    )


def resume(clock: Clock, span: Span) -> Judged:
    """Let *clock* go on after a rework (row 14): the time between does not count against it.

    A breach keeps its due time: what was late stays late.
    """
    pause = span.pause or _taken_up_again(clock, span)
    if pause is None or clock.resumed_at == pause.until or clock.state is ClockState.VOID:
        return clock, ()
    gap = max(timedelta(), pause.until - pause.since)
    breached = clock.state is ClockState.BREACHED
    again = replace(
        clock,
        state=ClockState.BREACHED if breached else ClockState.RUNNING,
        stopped=None,
        overdue_s=ZERO,
        due=clock.due if breached else clock.due + gap,
        paused_s=clock.paused_s + gap.total_seconds() or ZERO,
        resumed_at=pause.until,
    )
    return again, (change(again, ClockChangeKind.RESUMED, pause.until, reason=Reason.REWORK),)


def _taken_up_again(clock: Clock, span: Span) -> Pause | None:
    """A reopened duty's own clock (row 17) that a rework has taken up after it was stopped."""
    if clock.stopped is None or span.kind is not ClockKind.HANDLE or span.started <= clock.started:
        return None
    return Pause(clock.stopped, span.started)


def rematch(clock: Clock, limit: Limit | None, now: datetime) -> Judged:
    """Put a running *clock* under the *limit* that fits the changed facts, from its own start.

    Old due times are kept beside. A shorter limit that would already be over at *now* (UTC) is not
    applied: nobody can meet what is set after it has passed (*ours*).
    """
    if clock.state is not ClockState.RUNNING or (limit and limit.id == clock.rule):
        return clock, ()
    if limit is None:
        return void(clock, now, Reason.NO_LIMIT)
    due = clock.started + limit.length + timedelta(seconds=clock.paused_s)
    if due <= now:
        return clock, ()
    moved = replace(
        clock,
        rule=limit.id,
        rule_version=limit.stamp,
        due=due,
        limit_s=limit.limit_s,
        judged=limit.judged,
        warn_at=limit.warn_at,
        grace_s=limit.grace_s,
        earlier_due=(*clock.earlier_due, clock.due),
    )
    return moved, (change(moved, ClockChangeKind.REMATCHED, now, reason=Reason.RULE_CHANGED),)
