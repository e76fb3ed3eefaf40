"""What has become true of a running clock by itself: a warning, a breach."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from msgspec.structs import replace

from services.sla.domain.clock_set import ClockSet, Outcome
from services.sla.domain.judging import Judged, change
from shared.contracts.sla import Clock, ClockChange, ClockChangeKind, ClockState

FOUND_LATE = timedelta(seconds=10)
"""A breach found this long after it could be is marked so (*ours*); longer when time runs faster."""
FIRST_LEVEL = 1
"""Supervision level a breach opens (row 18): 催办 to the unit."""


def next_step(clock: Clock) -> datetime | None:
    """When *clock* wants to be fired next (UTC): its next warning, or due plus grace; None: never."""
    if clock.state is not ClockState.RUNNING or not clock.judged:
        return None
    said = clock.warned[-1] if clock.warned else 0.0
    for share in clock.warn_at:
        if share > said:
            return _moment(clock, share)
    return _given_up(clock)


def steps(clocks: ClockSet) -> list[tuple[datetime, Clock]]:
    """Return the open clocks of a set, each with its next step (UTC)."""
    found = ((next_step(clock), clock) for clock in clocks.clocks)
    return [(step, clock) for step, clock in found if step is not None]


def _given_up(clock: Clock) -> datetime:
    return clock.due + _length(clock.grace_s, 0.0)


def _moment(clock: Clock, share: float) -> datetime:
    # counted back from due, so that a pause moves the warnings with it
    return clock.due - _length(clock.limit_s, share)


@lru_cache(1024)
def _length(seconds: float, share: float) -> timedelta:
    """What is left of *seconds* after *share* of them; rules set a few limits, asked for each clock."""
    return timedelta(seconds=seconds * (1.0 - share))


def fire(before: ClockSet, now: datetime, late_after: timedelta = FOUND_LATE) -> Outcome:
    """Say what is due of *before* at *now* (the database's platform time, UTC), each clock once.

    After an outage a clock says only the last of what it missed, with its original moment, and a
    breach found more than *late_after* after it could be is marked.
    """
    clocks: list[Clock] = []
    said: list[ClockChange] = []
    for clock in before.clocks:
        step = next_step(clock)
        fired, changes = (
            (clock, ()) if step is None or step > now else _fire(clock, now, late_after)
        )
        clocks.append(fired)
        said += changes
    if not said:
        return Outcome(before)
    return Outcome(replace(before, version=before.version + 1, clocks=tuple(clocks)), tuple(said))


def _fire(clock: Clock, now: datetime, late_after: timedelta) -> Judged:
    if _given_up(clock) <= now:
        breached = replace(
            clock,
            state=ClockState.BREACHED,
            breached_at=now,
            found_late=now - _given_up(clock) > late_after,
        )
        said = change(breached, ClockChangeKind.BREACHED, clock.due, level=FIRST_LEVEL)
        return breached, (said,)
    share = max(share for share in clock.warn_at if _moment(clock, share) <= now)
    warned = replace(clock, warned=(*clock.warned, share))
    said = change(warned, ClockChangeKind.WARNED, _moment(clock, share), share=share)
    return warned, (said,)
