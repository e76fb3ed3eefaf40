"""From an incident's newest snapshot to its clocks: level-triggered, so a lost event heals."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from msgspec.structs import replace

from services.sla.domain.clock_set import ZERO, ClockSet, Outcome
from services.sla.domain.judging import Judged, change, judge, rematch, resume, void
from services.sla.domain.reasons import Reason
from services.sla.domain.rules import Limit, Rules
from services.sla.domain.spans import Span, spans
from shared.contracts import ids
from shared.contracts.incident import Incident
from shared.contracts.sla import Clock, ClockChange, ClockChangeKind, ClockState

_NONE = timedelta()
_ids_of = lru_cache(2048)(ids.ClockIds)
"""An incident's events follow closely on one another."""


def derive(
    before: ClockSet | None,
    incident: Incident,
    rules: Rules,
    now: datetime,
    trace: str | None = None,
) -> Outcome:
    """Return the clocks that stand by *incident* and what changed since *before*.

    Judges by event times only; *now* (platform time, UTC) marks when something was found. What is
    merely overdue is left to the firing, which asks the database's clock. A snapshot older than
    the one *before* was derived from changes nothing, nor does a purged one: all was judged. *trace*
    is the `traceparent` of the snapshot's event.
    """
    before = before or _empty(incident)
    if incident.purged or incident.version <= before.incident_version:
        return Outcome(before)
    # by number: hashing a UUID costs ten times as much
    standing = {clock.clock_id.int: clock for clock in before.clocks}
    kinds = {clock.kind for clock in before.clocks}
    said: list[ClockChange] = []
    asked: set[int] = set()
    made = _ids_of(incident.incident_id)
    for span in spans(incident, now):
        limit = rules.limit(incident, span)
        if limit is None and span.kind not in kinds:
            continue
        clock_id = made.of(span.assignment_id, span.kind, span.ordinal)
        asked.add(number := clock_id.int)
        if (clock := standing.get(number)) is not None:
            standing[number], changes = _follow(clock, span, limit, now)
        elif limit is not None:
            day = rules.is_day(span.started)
            standing[number], changes = _begin(clock_id, span, limit, day=day, now=now)
            kinds.add(span.kind)
        else:
            continue
        said += changes
    for clock in before.clocks:
        if clock.state is ClockState.RUNNING and clock.clock_id.int not in asked:
            standing[clock.clock_id.int], changes = void(clock, now, Reason.GONE)
            said += changes
    if not said:
        return Outcome(before)
    after = replace(
        before,
        version=before.version + 1,
        incident_version=incident.version,
        clocks=tuple(standing.values()),
        trace=trace or before.trace,
    )
    return Outcome(after, tuple(said))


def _empty(incident: Incident) -> ClockSet:
    return ClockSet(
        incident_id=incident.incident_id,
        number=incident.number,
        version=0,
        incident_version=0,
        region=incident.region,
        lane=incident.lane,
        exercise=incident.exercise,
    )


def _follow(clock: Clock, span: Span, limit: Limit | None, now: datetime) -> Judged:
    """Resume, re-match and judge a clock that stands."""
    running = clock.state is ClockState.RUNNING
    clock, said = resume(clock, span)
    if running:
        clock, more = rematch(clock, limit, now)
        said += more
    clock, more = judge(clock, span, now)
    return clock, said + more


def _begin(clock_id: UUID, span: Span, limit: Limit, *, day: bool, now: datetime) -> Judged:
    """Start a clock at its span's own moment, however late that moment was learnt, and judge it."""
    duty, pause = span.assignment, span.pause
    gap = max(_NONE, pause.until - pause.since) if pause else _NONE
    clock = Clock(
        clock_id=clock_id,
        kind=span.kind,
        rule=limit.id,
        rule_version=limit.stamp,
        assignment_id=duty.assignment_id if duty else None,
        unit=duty.unit if duty else None,
        started=span.started,
        due=span.started + limit.length + gap,
        limit_s=limit.limit_s,
        state=ClockState.RUNNING,
        judged=limit.judged,
        day=day,
        exempt=duty is not None and span.kind in duty.exempt,
        warn_at=limit.warn_at,
        grace_s=limit.grace_s,
        paused_s=gap.total_seconds() or ZERO,
        resumed_at=pause.until if pause else None,
    )
    started = change(clock, ClockChangeKind.STARTED, clock.started)
    clock, said = judge(clock, span, now)
    return clock, (started, *said)
