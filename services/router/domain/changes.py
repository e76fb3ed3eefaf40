"""Changes in few words."""

from __future__ import annotations

from datetime import datetime

from shared.contracts.incident import Assignment, Change, ChangeKind


def change(kind: ChangeKind, at: datetime, *, by: str, reason: str | None = None) -> Change:
    """Return a change of the incident itself."""
    return Change(kind=kind, at=at, by=by, reason=reason or None)


def change_of(
    duty: Assignment, kind: ChangeKind, at: datetime, *, by: str, reason: str | None = None
) -> Change:
    """Return a change of one assignment."""
    return Change(
        kind=kind,
        at=at,
        by=by,
        reason=reason or None,
        assignment_id=duty.assignment_id,
        unit=duty.unit,
    )
