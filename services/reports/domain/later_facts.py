"""Facts of what follows the handling: call-backs, appeals, deferrals, upward reports, supervision."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class RepeatFact(NamedTuple):
    """A call that was followed by another of the same caller, 8 min to 72 h later; no hash is kept."""

    call_id: UUID
    again_id: UUID


class CallBackFact(NamedTuple):
    """One caller called back in one round; `at` is the last attempt, UTC; None: not said."""

    call_back_id: UUID
    incident_id: UUID
    version: int
    call_id: UUID
    assignment_id: UUID | None
    unit: str | None
    again: int
    attempts: int
    at: datetime
    reached: bool
    responded: bool | None
    resolved: bool | None
    satisfied: bool | None
    after: str
    exercise: bool
    test: bool


class AppealFact(NamedTuple):
    """One appeal about one duty; `about` names what it would exempt, blank between; times UTC."""

    appeal_id: UUID
    incident_id: UUID
    version: int
    assignment_id: UUID
    unit: str | None
    about: str
    ground: str
    state: str
    asked_at: datetime
    decided_at: datetime | None
    exercise: bool
    test: bool


class DeferralFact(NamedTuple):
    """One suspension 挂账 or extension 延期 of one duty; times UTC."""

    deferral_id: UUID
    incident_id: UUID
    version: int
    assignment_id: UUID
    unit: str | None
    kind: str
    state: str
    approvals: int
    asked_at: datetime
    decided_at: datetime | None
    until: datetime | None
    resumed_at: datetime | None
    exercise: bool
    test: bool


class UpwardReportFact(NamedTuple):
    """One report upward, owed or made; times UTC; `carries`: which fields it had, blank between."""

    report_id: UUID
    incident_id: UUID
    version: int
    stage: str
    sequence: int
    level: str
    unit: str | None
    medium: str | None
    due: datetime | None
    submitted_at: datetime | None
    carries: str
    supersedes: UUID | None
    fault: str | None
    exercise: bool
    test: bool


class SupervisionFact(NamedTuple):
    """One supervision 督办 of one incident; `level` is the highest rung reached; times UTC."""

    supervision_id: UUID
    incident_id: UUID
    version: int
    kind: str
    level: int
    clock_id: UUID | None
    assignment_id: UUID | None
    unit: str | None
    opened_at: datetime
    due: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    exercise: bool


class RosterFact(NamedTuple):
    """One unit's span on the duty roster 值班表, `[begins, ends)` UTC, with its strength; imported."""

    roster_id: UUID
    version: int
    unit: str
    begins: datetime
    ends: datetime
    people: int


LaterFact = (
    RepeatFact
    | CallBackFact
    | AppealFact
    | DeferralFact
    | UpwardReportFact
    | SupervisionFact
    | RosterFact
)
