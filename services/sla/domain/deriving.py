"""From an incident's newest snapshot to its clocks: level-triggered, so a lost event heals."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from msgspec.structs import replace

from services.sla.domain.clock_set import ClockSet, Outcome
from services.sla.domain.judging import Judged, change, judge, rematch, resume, void
from services.sla.domain.reasons import Reason
from services.sla.domain.rules import Rules
from services.sla.domain.spans import Span, spans
from shared.contracts import ids
from shared.contracts.incident import Incident
from shared.contracts.pack import ClockRule
from shared.contracts.sla import Clock, ClockChange, ClockChangeKind, ClockState

_clock_id = lru_cache(16384)(ids.clock_id)
"""An incident's events follow closely on one another and ask for the same ids each time."""


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
    standing = {clock.clock_id: clock for clock in before.clocks}
    said: list[ClockChange] = []
    asked: set[UUID] = set()
    for span in spans(incident, now):
        clock_id = _clock_id(incident.incident_id, span.assignment_id, span.kind, span.ordinal)
        asked.add(clock_id)
        judged = _follow(standing.get(clock_id), clock_id, span, incident, rules, now)
        if judged is not None:
            standing[clock_id], changes = judged
            said += changes
    for clock in before.clocks:
        if clock.clock_id not in asked and clock.state is ClockState.RUNNING:
            standing[clock.clock_id], changes = void(clock, now, Reason.GONE)
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


def _follow(
    clock: Clock | None,
    clock_id: UUID,
    span: Span,
    incident: Incident,
    rules: Rules,
    now: datetime,
) -> Judged | None:
    """Start, re-match, resume and judge one clock; None where no rule limits the span."""
    if clock is not None and clock.state is not ClockState.RUNNING:
        resumed, said = resume(clock, span)
        judged, more = judge(resumed, span, now)
        return judged, (*said, *more)
    rule = rules.limit(incident, span)
    if clock is None:
        if rule is None:
            return None
        clock, said = _start(clock_id, span, rule, rules)
    else:
        resumed, said = resume(clock, span)
        clock, more = rematch(resumed, rule, now)
        said = (*said, *more)
    judged, more = judge(clock, span, now)
    return judged, (*said, *more)


def _start(clock_id: UUID, span: Span, rule: ClockRule, rules: Rules) -> Judged:
    """Start a clock at its span's own moment, however late that moment was learnt."""
    pause = span.pause
    gap = max(timedelta(), pause.until - pause.since) if pause else timedelta()
    clock = Clock(
        clock_id=clock_id,
        kind=span.kind,
        rule=rule.id,
        rule_version=rule.stamp,
        assignment_id=span.assignment_id,
        unit=span.unit,
        started=span.started,
        due=span.started + rule.limit + gap,
        limit_s=rule.limit.total_seconds(),
        state=ClockState.RUNNING,
        judged=rule.judged,
        day=rules.is_day(span.started),
        exempt=_exempt(span),
        warn_at=rule.warn_at,
        grace_s=float(rule.grace_s),
        paused_s=gap.total_seconds(),
        resumed_at=pause.until if pause else None,
    )
    return clock, (change(clock, ClockChangeKind.STARTED, clock.started),)


def _exempt(span: Span) -> bool:
    return span.assignment is not None and span.kind in span.assignment.exempt
