"""Which clocks should stand by an incident's newest snapshot: from when, until when, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from services.sla.domain.reasons import ENDED_ASSIGNMENT, ENDED_INCIDENT, Reason
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Incident,
    IncidentState,
    Origin,
    StampKind,
    StampOrigin,
)
from shared.contracts.sla import ClockKind


class Ending(msgspec.Struct, frozen=True):
    """The duty ended without being done: when and why."""

    at: datetime
    reason: Reason


class Pause(msgspec.Struct, frozen=True):
    """Time that does not count: done once, then taken up again."""

    since: datetime
    until: datetime


class Span(msgspec.Struct, frozen=True):
    """One clock that should stand: `stopped` when what it limits was done, `ending` when it need not be."""

    kind: ClockKind
    ordinal: int
    started: datetime
    stopped: datetime | None
    ending: Ending | None
    assignment: Assignment | None = None
    progress: bool = False
    pause: Pause | None = None

    @property
    def assignment_id(self) -> UUID | None:
        """The duty it hangs on; None for a clock of the incident itself."""
        return self.assignment.assignment_id if self.assignment else None


_S = StampKind
_TAKEN_ON = frozenset({_S.SENT, _S.ACKED})
_AFTER_TURNOUT = frozenset({_S.ASSEMBLED, _S.ARRIVED, _S.ENDED, _S.FED_BACK})
# the moment itself, else the earliest later one that cannot happen without it
_DONE_BY: dict[ClockKind, tuple[StampKind, frozenset[StampKind]]] = {
    ClockKind.ACK: (_S.ACKED, _AFTER_TURNOUT | {_S.TURNED_OUT}),
    ClockKind.TURNOUT: (_S.TURNED_OUT, frozenset({_S.ASSEMBLED, _S.ARRIVED})),
    ClockKind.ARRIVAL: (_S.ARRIVED, frozenset()),
    ClockKind.ASSEMBLY: (_S.ASSEMBLED, frozenset({_S.ARRIVED})),
}
_JOURNEY = (ClockKind.TURNOUT, ClockKind.ARRIVAL, ClockKind.ASSEMBLY)


def spans(incident: Incident, now: datetime) -> Iterator[Span]:
    """List every clock *incident* asks for, whether or not a rule limits it.

    *now* (UTC) stands in for an ending whose moment nobody recorded.
    """
    over = _over(incident, now)
    yield from _of_incident(incident, over)
    for assignment in incident.assignments:
        yield from _of_assignment(assignment, incident.reopened, over, now)


def _over(incident: Incident, now: datetime) -> Ending | None:
    reason = ENDED_INCIDENT.get(incident.state)
    return Ending(incident.ended_at or now, reason) if reason else None


def _of_incident(incident: Incident, over: Ending | None) -> Iterator[Span]:
    """ACCEPT, DISPATCH (DOMAIN §3, rows 1-5) and VERIFY (12-14; a rework opens the next)."""
    dispatched = incident.dispatched_at
    accepted = incident.accepted_at or dispatched
    yield Span(ClockKind.ACCEPT, 1, incident.received_at, accepted, over)
    if accepted is not None:
        yield Span(ClockKind.DISPATCH, 1, accepted, dispatched, over)
    if incident.handled_at is not None:
        closed = incident.ended_at if incident.state is IncidentState.CLOSED else None
        ordinal = 1 + incident.rework + incident.reopened
        yield Span(ClockKind.VERIFY, ordinal, incident.handled_at, closed, over)


def _of_assignment(
    duty: Assignment, reopened: int, over: Ending | None, now: datetime
) -> Iterator[Span]:
    first = _first(duty)
    begin = _begin(duty, first)
    if begin is None:
        return
    ordered = _ordered(duty)
    ending = _ending(duty, now) or over
    if ordered:
        yield Span(ClockKind.ACK, 1, begin, _done(first, ClockKind.ACK), ending, duty)
    travel = (_waived(duty) if _S.ARRIVAL_WAIVED in first else None) or ending
    for kind in _JOURNEY:
        done = _done(first, kind)
        # a unit that first reported from the scene has no journey to be judged
        if ordered or done is None or done > begin:
            yield Span(kind, 1, begin, done, travel, duty)
    yield _handling(duty, begin, ending, reopened)
    yield from _feedback(duty, begin, first.get(_S.FED_BACK), ending)


def _first(duty: Assignment) -> dict[StampKind, datetime]:
    """The earliest of several stamps of a kind counts: a correction can prove a breach wrong (row 19)."""
    first: dict[StampKind, datetime] = {}
    for stamp in duty.stamps:
        kind, at = stamp.kind, stamp.occurred_at
        if kind not in first or at < first[kind]:
            first[kind] = at
    return first


def _begin(duty: Assignment, first: dict[StampKind, datetime]) -> datetime | None:
    """When the duty began: with the order, or with a standby's own ACK or the desk's call (row 26).

    A self-dispatched unit's (双轨制) with its first record: the first recorded, so that it never moves.
    """
    if duty.state is AssignmentState.STANDBY:
        return None
    if duty.origin is Origin.SELF_DISPATCHED:
        return duty.stamps[0].occurred_at if duty.stamps else None
    if duty.origin is Origin.STANDBY:
        return _earliest(first, _TAKEN_ON)
    return next((stamp.occurred_at for stamp in duty.stamps if stamp.kind is _S.SENT), None)


def _ordered(duty: Assignment) -> bool:
    """Say whether somebody told the unit to go and so waits for its answer.

    A standby that takes the duty itself gets its order stamped automatically, afterwards.
    """
    if duty.origin is Origin.STANDBY:
        sent = duty.stamp(_S.SENT)
        return sent is not None and sent.origin is not StampOrigin.AUTOMATIC
    return duty.origin is not Origin.SELF_DISPATCHED


def _earliest(first: dict[StampKind, datetime], kinds: frozenset[StampKind]) -> datetime | None:
    if kinds.isdisjoint(first):
        return None
    return min(first[kind] for kind in kinds if kind in first)


def _done(first: dict[StampKind, datetime], kind: ClockKind) -> datetime | None:
    itself, implied = _DONE_BY[kind]
    return first.get(itself) or _earliest(first, implied)


def _handling(duty: Assignment, begin: datetime, ending: Ending | None, reopened: int) -> Span:
    """HANDLE ends with the end of handling (row 10), not with a sheet that came first (R08).

    A rework resumes it, the time between does not count (row 14); a reopening begins a new one (17).
    """
    ends = [stamp for stamp in duty.stamps if stamp.kind is _S.ENDED]
    again = duty.reworked_at
    if again is None:
        done = ends[-1].occurred_at if ends else None
        return Span(ClockKind.HANDLE, 1, begin, done, ending, duty)
    before = [stamp for stamp in ends if stamp.recorded_at < again]
    now = [stamp for stamp in ends if stamp.recorded_at >= again]
    done = now[-1].occurred_at if now else None
    if reopened:
        return Span(ClockKind.HANDLE, 1 + reopened, again, done, ending, duty)
    pause = Pause(before[-1].occurred_at, again) if before else None
    return Span(ClockKind.HANDLE, 1, begin, done, ending, duty, pause=pause)


def _feedback(
    duty: Assignment, begin: datetime, formal: datetime | None, ending: Ending | None
) -> Iterator[Span]:
    """R07: 24 h from the first dispatch until the formal sheet; a progress sheet opens the next 24 h."""
    started, ordinal = begin, 1
    for stamp in duty.stamps:
        if stamp.kind is _S.FED_BACK:
            break
        if stamp.kind is _S.PROGRESS:
            # in the order they were recorded: an older sheet that comes late moves nothing back
            reported = max(started, stamp.occurred_at)
            yield Span(ClockKind.FEEDBACK, ordinal, started, reported, ending, duty, progress=True)
            started, ordinal = reported, ordinal + 1
    yield Span(ClockKind.FEEDBACK, ordinal, started, formal, ending, duty)


def _ending(duty: Assignment, now: datetime) -> Ending | None:
    reason = ENDED_ASSIGNMENT.get(duty.state)
    if reason is None:
        return None
    stamp = duty.stamp(StampKind(duty.state))
    return Ending(stamp.occurred_at if stamp else now, reason)


def _waived(duty: Assignment) -> Ending | None:
    """Row 10: handled remotely, so nobody travels."""
    stamp = duty.stamp(_S.ARRIVAL_WAIVED)
    return Ending(stamp.occurred_at, Reason.ARRIVAL_WAIVED) if stamp else None
