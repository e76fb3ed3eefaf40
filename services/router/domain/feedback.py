"""A unit's record that came by a hotline's feed: all its stamps are one decision (rows 6 to 12)."""

from __future__ import annotations

from datetime import datetime

from services.router.domain import duties
from services.router.domain.changes import change, change_of
from services.router.domain.commands import AskReturn, Command, Report, SelfDispatch
from services.router.domain.machine import step, versioned
from services.router.domain.outcome import Decided, Outcome, Refused
from services.router.domain.policy import Policy
from shared.contracts.call import FeedbackKind, FeedbackStamp, UnitFeedback
from shared.contracts.incident import (
    Assignment,
    Change,
    ChangeKind,
    Incident,
    StampKind,
    StampOrigin,
)
from shared.contracts.refusals import Refusal

_KINDS = [
    FeedbackKind.RETURNED,
    FeedbackKind.ACKED,
    FeedbackKind.TURNED_OUT,
    FeedbackKind.ASSEMBLED,
    FeedbackKind.ARRIVED,
    FeedbackKind.ENDED,
    FeedbackKind.FED_BACK,
    FeedbackKind.UNKNOWN,
]
"""The order in which the stamps of one record are applied, whatever order they stand in."""


def apply_feedback(
    incident: Incident, feedback: UnitFeedback, now: datetime, policy: Policy
) -> Outcome:
    """Apply every stamp that can be; one that cannot is said as REFUSED, since a feed gets no 409.

    A unit nobody assigned gets a self-dispatched duty (双轨制). Refused as a whole only for a unit
    the pack does not know. Of a purged incident nothing is applied, the record is said as refused.
    """
    by = f"feed:{feedback.source}"
    decided = Decided(incident)
    if incident.purged:
        return versioned(incident, decided.then(incident, _too_late(incident, feedback, now, by)))
    if duties.duty_of_unit(incident, feedback.unit) is None:
        begun = step(incident, SelfDispatch(by=by, unit=feedback.unit), now, policy)
        if isinstance(begun, Refused):
            return begun
        decided = begun
    for stamp in sorted(_stamps(feedback), key=lambda s: _KINDS.index(s.kind)):
        duty = duties.duty_of_unit(decided.incident, feedback.unit)
        if duty is None:
            raise AssertionError("the unit has a duty by now")
        command = _command(duty, stamp, feedback, by)
        outcome = step(decided.incident, command, now, policy)
        if isinstance(outcome, Refused):
            said = change_of(
                duty, ChangeKind.REFUSED, stamp.occurred_at, by=by, reason=outcome.reason
            )
            decided = decided.then(decided.incident, said)
        else:
            decided = decided.then(outcome.incident, *outcome.changes)
    return versioned(incident, decided)


def _too_late(incident: Incident, feedback: UnitFeedback, now: datetime, by: str) -> Change:
    duty = duties.duty_of_unit(incident, feedback.unit)
    if duty:
        return change_of(duty, ChangeKind.REFUSED, now, by=by, reason=Refusal.PURGED)
    return change(ChangeKind.REFUSED, now, by=by, reason=Refusal.PURGED)


def _stamps(feedback: UnitFeedback) -> list[FeedbackStamp]:
    """Return the record's stamps; a sheet without its stamp counts from its recording."""
    stamps = list(feedback.stamps)
    if feedback.sheet and all(s.kind is not FeedbackKind.FED_BACK for s in stamps):
        stamps.append(FeedbackStamp(kind=FeedbackKind.FED_BACK, occurred_at=feedback.recorded_at))
    return stamps


def _command(duty: Assignment, stamp: FeedbackStamp, feedback: UnitFeedback, by: str) -> Command:
    if stamp.kind is FeedbackKind.RETURNED:
        return AskReturn(
            by=by,
            assignment_id=duty.assignment_id,
            occurred_at=stamp.occurred_at,
            reason="returned_by_feed",
        )
    return Report(
        by=by,
        assignment_id=duty.assignment_id,
        kind=StampKind(stamp.kind),
        occurred_at=stamp.occurred_at,
        origin=StampOrigin.FEED,
        sheet=feedback.sheet if stamp.kind is FeedbackKind.FED_BACK else None,
    )
