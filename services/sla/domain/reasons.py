"""Why a clock ended without being judged, and other named reasons of sla."""

from __future__ import annotations

from enum import StrEnum

from shared.contracts.incident import AssignmentState, IncidentState


class Reason(StrEnum):
    """Stands in the change, the log and the door's answer."""

    RELEASED = "released"
    RETURNED = "returned"
    REASSIGNED = "reassigned"
    REDUNDANT = "redundant"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    TRANSFERRED = "transferred"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    ARRIVAL_WAIVED = "arrival_waived"
    NO_LIMIT = "no_limit"
    """The facts changed and no rule sets a limit any more."""
    GONE = "gone"
    """The duty or the step it hung on is no longer part of the incident."""
    RULE_CHANGED = "rule_changed"
    PROGRESS = "progress"
    """A progress sheet stopped it and opened the next (R07)."""
    LATE = "late"
    """Done, after it was due."""
    RESTATED = "restated"
    """A later record moved the moment it was done; the judgement stays."""
    REWORK = "rework"
    SHOWN_BY_STAMP = "shown_by_stamp"
    """A breach nobody had seen before the late stamp arrived."""


ENDED_ASSIGNMENT = {
    AssignmentState.RELEASED: Reason.RELEASED,
    AssignmentState.RETURNED: Reason.RETURNED,
    AssignmentState.REASSIGNED: Reason.REASSIGNED,
    AssignmentState.REDUNDANT: Reason.REDUNDANT,
}
"""States of an assignment whose unit has no duty any more (DOMAIN §3, rows 7, 22-24)."""

ENDED_INCIDENT = {
    IncidentState.INVALID: Reason.INVALID,
    IncidentState.DUPLICATE: Reason.DUPLICATE,
    IncidentState.TRANSFERRED: Reason.TRANSFERRED,
    IncidentState.CANCELLED: Reason.CANCELLED,
    IncidentState.CLOSED: Reason.CLOSED,
}
"""States of an incident in which no clock runs (DOMAIN §3, rows 3, 4, 13, 21)."""
