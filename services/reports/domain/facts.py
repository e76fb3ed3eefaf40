"""Facts: what the figures are computed from, scalar columns of each aggregate's newest snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.reports.domain.later_facts import (
    AppealFact,
    CallBackFact,
    DeferralFact,
    RepeatFact,
    RosterFact,
    SupervisionFact,
    UpwardReportFact,
)
from services.reports.domain.period import Period


class Population(StrEnum):
    """Whom a figure is of: never mixed (FIGURES)."""

    REAL = "real"
    EXERCISE = "exercise"

    @classmethod
    def of(cls, *, exercise: bool) -> Population:
        """Return the population a fact with this flag belongs to."""
        return cls.EXERCISE if exercise else cls.REAL


class CallFact(NamedTuple):
    """One call; `opens` is the id of the incident it would open, enumerations as their words."""

    call_id: UUID
    version: int
    opens: UUID
    source: str
    line: str
    lane: str
    received_at: datetime
    recorded_at: datetime
    category: str
    severity: int
    area: str | None
    withdrawn: bool
    exercise: bool
    test: bool
    rang_at: datetime | None = None
    answered_at: datetime | None = None


class LinkFact(NamedTuple):
    """A call that joined an incident another call had opened."""

    call_id: UUID
    incident_id: UUID


class IncidentFact(NamedTuple):
    """One incident; times UTC."""

    incident_id: UUID
    version: int
    number: str
    line: str
    lane: str
    state: str
    affair: str
    category: str
    severity: int
    area: str | None
    received_at: datetime
    accepted_at: datetime | None
    dispatched_at: datetime | None
    on_scene_at: datetime | None
    handled_at: datetime | None
    ended_at: datetime | None
    merged_into: UUID | None
    rework: int
    reopened: int
    pack_version: str
    exercise: bool
    test: bool


class AssignmentFact(NamedTuple):
    """One unit's duty as one incident shows it; `*_by` is a stamp's origin, times UTC."""

    assignment_id: UUID
    incident_id: UUID
    version: int
    unit: str
    department: str
    unit_kind: str
    role: str
    origin: str
    state: str
    relation: str
    sent_at: datetime | None
    acked_at: datetime | None
    turned_out_at: datetime | None
    assembled_at: datetime | None
    arrived_at: datetime | None
    arrived_by: str | None
    arrived_late_told: bool
    ended_at: datetime | None
    ended_by: str | None
    ended_late_told: bool
    waived_at: datetime | None
    fed_back_at: datetime | None
    released_at: datetime | None
    rework: int
    exempt: str
    exercise: bool
    test: bool


class ClockFact(NamedTuple):
    """One time limit as one incident shows it; times UTC, the limit in seconds."""

    clock_id: UUID
    kind: str
    rule: str
    rule_version: str
    assignment_id: UUID | None
    unit: str | None
    started: datetime
    due: datetime
    limit_s: float
    state: str
    judged: bool
    day: bool
    stopped: datetime | None
    breached_at: datetime | None
    found_late: bool
    corrected: bool
    exempt: bool
    incident_id: UUID
    version: int
    exercise: bool


class NoticeFact(NamedTuple):
    """One notice to one recipient on one channel; times UTC."""

    notice_id: UUID
    version: int
    incident_id: UUID
    cause: UUID
    assignment_id: UUID | None
    recipient: str
    channel: str
    purpose: str
    state: str
    attempts: int
    queued_at: datetime
    at: datetime
    reason: str | None
    exercise: bool


class RejectionFact(NamedTuple):
    """One refused body: who sent it and the named reasons, blank between them."""

    rejection_id: UUID
    version: int
    source: str
    reasons: str
    body_bytes: int
    rejected_at: datetime


@dataclass(frozen=True)
class Facts:
    """Facts of a period and what they refer to, of both populations.

    `calls` were received in it, `clocks` are due in it; `incidents` and `assignments` are those
    they speak of; `rejections` were refused in it; `repeats` followed its calls. `call_backs` were made in it, `supervisions`
    opened in it, `reports` due in it (without a limit: made in it), `rosters` touch it; `appeals`
    were asked in it or, like `deferrals`, are of its assignments. `heard` is the newest event time
    by population, `read_at` platform time when they were read: `cut` says what they are used for.
    """

    calls: Sequence[CallFact] = ()
    incidents: Sequence[IncidentFact] = ()
    links: Sequence[LinkFact] = ()
    assignments: Sequence[AssignmentFact] = ()
    clocks: Sequence[ClockFact] = ()
    rejections: Sequence[RejectionFact] = ()
    repeats: Sequence[RepeatFact] = ()
    call_backs: Sequence[CallBackFact] = ()
    appeals: Sequence[AppealFact] = ()
    deferrals: Sequence[DeferralFact] = ()
    reports: Sequence[UpwardReportFact] = ()
    supervisions: Sequence[SupervisionFact] = ()
    rosters: Sequence[RosterFact] = ()
    heard: Mapping[Population, datetime] = field(default_factory=dict)
    read_at: datetime | None = None

    def cut(self, period: Period, population: Population) -> datetime:
        """Return the instant up to which *period* is judged, UTC.

        Its end once that has passed; until then the newest event of the population, so that the
        same facts always give the same figures.
        """
        if self.read_at is not None and self.read_at >= period.end:
            return period.end
        return min(self.heard.get(population, period.start), period.end)
