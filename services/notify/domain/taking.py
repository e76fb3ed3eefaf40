"""Which duties a unit has taken by now: its own ACK proves that the order reached it (row 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from services.notify.domain.notice import Notice
from services.notify.domain.view import View
from shared.contracts.incident import Assignment, AssignmentState, Incident, StampKind, StampOrigin
from shared.contracts.notice import Purpose

PROVEN = (Purpose.DISPATCH, Purpose.STANDBY, Purpose.WIDEN)
"""Notices that ask the unit to take the duty up; a reminder or a release is proved by no ACK."""

_NOT_YET = frozenset({AssignmentState.SENT, AssignmentState.STANDBY})
_BY_ITSELF = (
    StampKind.ACKED,
    StampKind.TURNED_OUT,
    StampKind.ASSEMBLED,
    StampKind.ARRIVED,
    StampKind.ENDED,
)
"""Whoever reports a later step had the order as well; the first stamp counts."""
_OF_THE_UNIT = frozenset({StampOrigin.UNIT, StampOrigin.FEED})
"""What the desk or a rule stamps in the unit's place proves nothing about the message."""


def taken(before: View | None, incident: Incident) -> dict[UUID, datetime]:
    """Return assignment id to when its unit took it (platform time, UTC), of those taken since *before*."""
    found = {}
    for assignment in incident.assignments:
        known = before.duty(assignment.assignment_id) if before else None
        if known is not None and known.state not in _NOT_YET:
            continue
        at = _taken_at(assignment)
        if at is not None:
            found[assignment.assignment_id] = at
    return found


def proven(notices: Iterable[Notice], duties: Mapping[UUID, datetime]) -> list[Notice]:
    """Return *notices*, not written yet, with the time at which their unit took one of *duties*.

    For those said by earlier events of the same batch: an order goes out after the ACK that brings
    it about (row 26), which proves nothing about it.
    """

    def proof(notice: Notice) -> datetime | None:
        duty = notice.order.assignment_id
        return duties.get(duty) if duty and notice.order.purpose in PROVEN else None

    return [
        replace(notice, acknowledged_at=at)
        if notice.acknowledged_at is None and (at := proof(notice)) is not None
        else notice
        for notice in notices
    ]


def _taken_at(assignment: Assignment) -> datetime | None:
    stamps = (assignment.stamp(kind) for kind in _BY_ITSELF)
    return next((s.occurred_at for s in stamps if s is not None and s.origin in _OF_THE_UNIT), None)
