"""Timeliness of clocks due in a period: the "should" cohort, so that waiting improves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from services.reports.domain.facts import ClockFact
from services.reports.domain.quantities import Rate, Spread, rate, spread
from shared.contracts.sla import ClockState


class Cohort(Struct, frozen=True, kw_only=True):
    """Clocks due in the period and up to its cut: `should` = `on_time` + `late` + `open`.

    `open` ones were due and are not done: censored, not dropped, and never on time. Beside it, in
    no rate: `exempt` (an appeal was granted), `suspended` (挂账, the clock stands) and those due
    later in the period than its cut, `not_yet_due`, of them `done_early`. None: suppressed.
    """

    should: int | None
    done: int | None
    on_time: int | None
    late: int | None
    open: int | None
    rate: Rate | None
    spread: Spread | None
    exempt: int | None = 0
    suspended: int | None = 0
    not_yet_due: int | None = 0
    done_early: int | None = 0


_OUT = frozenset({ClockState.VOID, ClockState.CANCELLED})


def cohort(clocks: Iterable[ClockFact], cut: datetime) -> Cohort:
    """Judge *clocks* by event time as known at *cut* (UTC); void and unjudged ones do not count.

    On time: stopped ≤ due, whatever was known when it was due (a late-arriving stamp counts). What
    stopped after *cut* was open at it, however late the facts were read.
    """
    counted = [as_known(c, cut) for c in clocks if c.judged and c.state not in _OUT]
    judged = [c for c in counted if _counts(c)]
    due = [c for c in judged if c.due <= cut]
    later = [c for c in judged if c.due > cut]
    on_time = sum(is_on_time(c) for c in due)
    done = sum(c.stopped is not None for c in due)
    return cohort_of(
        on_time=on_time,
        late=done - on_time,
        still_open=len(due) - done,
        spread=spread(durations(due)),
        exempt=sum(c.exempt for c in counted),
        suspended=sum(c.state == ClockState.PAUSED and not c.exempt for c in counted),
        not_yet_due=len(later),
        done_early=sum(c.stopped is not None for c in later),
    )


def cohort_of(  # noqa: PLR0913 - a cohort's own counts, each by name
    *,
    on_time: int,
    late: int,
    still_open: int,
    spread: Spread,
    exempt: int,
    suspended: int,
    not_yet_due: int,
    done_early: int,
) -> Cohort:
    """Return the cohort of what was counted; `not_yet_due` has the `done_early` in it."""
    should = on_time + late + still_open
    return Cohort(
        should=should,
        done=on_time + late,
        on_time=on_time,
        late=late,
        open=still_open,
        rate=rate(on_time, should),
        spread=spread,
        exempt=exempt,
        suspended=suspended,
        not_yet_due=not_yet_due,
        done_early=done_early,
    )


def is_on_time(clock: ClockFact) -> bool:
    """Say whether it was done by its due time; a missing stamp is not on time."""
    return clock.stopped is not None and clock.stopped <= clock.due


def judged_and_due(clocks: Iterable[ClockFact], cut: datetime) -> list[ClockFact]:
    """Return the clocks that count and were due by *cut*, as known at it: the denominators."""
    return [as_known(c, cut) for c in clocks if _counts(c) and c.due <= cut]


def exempt_of(clocks: Iterable[ClockFact]) -> list[ClockFact]:
    """Return those that would count, whenever they are due, had no appeal been granted."""
    return [c for c in clocks if c.exempt and c.judged and c.state not in _OUT]


def as_known(clock: ClockFact, cut: datetime) -> ClockFact:
    """Return *clock* as it stood at *cut* (UTC): not stopped yet when it stopped later."""
    later = clock.stopped is not None and clock.stopped > cut
    return clock._replace(stopped=None) if later else clock


def _counts(clock: ClockFact) -> bool:
    out = clock.state in _OUT or clock.state == ClockState.PAUSED
    return clock.judged and not clock.exempt and not out


def durations(clocks: Iterable[ClockFact]) -> list[timedelta]:
    """Return how long the finished ones took from their start."""
    return [c.stopped - c.started for c in clocks if c.stopped is not None]


class Band(Struct, frozen=True):
    """Finished cases that took more than the band before and at most `up_to_s`; None: no end."""

    up_to_s: int | None
    count: int | None


def bands(lengths: Sequence[timedelta], limits_s: Sequence[int]) -> list[Band]:
    """Sort *lengths* into bands with the upper ends *limits_s* (rising, seconds) and an open one."""
    counts = [0] * (len(limits_s) + 1)
    for length in lengths:
        took = length.total_seconds()
        counts[sum(took > limit for limit in limits_s)] += 1
    return [Band(end, n) for end, n in zip([*limits_s, None], counts, strict=True)]
