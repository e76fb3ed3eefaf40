"""One redacted feed per department: its own units, the grid, no caller, no narrative, no place."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.notify.domain.view import FeedSaid, View, duty_of
from shared.contracts import ids
from shared.contracts.incident import Change, ChangeKind, Incident, IncidentState
from shared.contracts.notice import FeedAssignment, FeedEntry, FeedState

_KEPT_BACK = frozenset(
    {
        ChangeKind.REFUSED,
        ChangeKind.CALL_LINKED,
        ChangeKind.REVISED,
        ChangeKind.HELD,
        ChangeKind.HOLD_RELEASED,
    }
)
"""Changes that say nothing a department may know beyond the state itself."""

_ENCODER = msgspec.json.Encoder()


class Said(Struct, frozen=True):
    """One record for a department's feed; `entry` None is the tombstone that ends the key."""

    department: str
    aggregate: UUID
    version: int
    change: str
    entry: FeedEntry | None


class Feeds(Struct, frozen=True):
    """What is to be said, and the view that remembers it."""

    said: list[Said]
    view: View


def feeds_of(incident: Incident, changes: Sequence[Change], view: View) -> Feeds:
    """Return an entry for each department whose redacted state is another than its feed last said.

    A department that lost its last duty (or whose incident was merged away) hears so once, then
    the key ends with a tombstone; getting a unit in again opens it anew, versions going on.
    """
    said: list[Said] = []
    feeds = dict(view.feeds)
    for department in _departments(incident, view):
        before = feeds.get(department, FeedSaid(version=0, gone=True))
        entry = _entry(incident, department, changes, before.version + 1)
        ends = entry.feed_state is not FeedState.CURRENT or incident.purged
        if ends and before.gone:
            continue
        digest = _digest(entry)
        if digest == before.digest and not before.gone and not ends:
            continue
        key = ids.feed_id(incident.incident_id, department)
        change = _leading(entry)
        if not incident.purged:
            said.append(Said(department, key, entry.version, change, entry))
        version = entry.version - incident.purged
        if ends:
            version += 1
            said.append(Said(department, key, version, "ended", None))
        feeds[department] = FeedSaid(version=version, digest="" if ends else digest, gone=ends)
    return Feeds(said, view if feeds == view.feeds else replace(view, feeds=feeds))


def _departments(incident: Incident, view: View) -> list[str]:
    return sorted({a.department for a in incident.assignments} | view.feeds.keys())


def _entry(
    incident: Incident, department: str, changes: Sequence[Change], version: int
) -> FeedEntry:
    own = [a for a in incident.assignments if a.department == department]
    return FeedEntry(
        incident_id=incident.incident_id,
        number=incident.number,
        version=version,
        department=department,
        feed_state=_feed_state(incident, department),
        state=incident.state,
        line=incident.line,
        category=incident.category,
        severity=incident.severity,
        area=incident.scene.area,
        received_at=incident.received_at,
        assignments=tuple(
            FeedAssignment(assignment_id=a.assignment_id, unit=a.unit, role=a.role, state=a.state)
            for a in own
        ),
        changes=_redacted(changes, {a.assignment_id for a in own}),
        merged_into=incident.merged_into,
        exercise=incident.exercise,
    )


def _feed_state(incident: Incident, department: str) -> FeedState:
    if incident.merged_into is not None and incident.state is IncidentState.DUPLICATE:
        return FeedState.MERGED
    held = any(a.department == department and not duty_of(a).over for a in incident.assignments)
    return FeedState.CURRENT if held else FeedState.WITHDRAWN


def _redacted(changes: Sequence[Change], own: set[UUID]) -> tuple[Change, ...]:
    """Keep the incident's own changes and those of the department's units, without who and why."""
    return tuple(
        Change(kind=c.kind, at=c.at, assignment_id=c.assignment_id, unit=c.unit)
        for c in changes
        if c.kind not in _KEPT_BACK and (c.assignment_id is None or c.assignment_id in own)
    )


def _leading(entry: FeedEntry) -> str:
    if entry.feed_state is not FeedState.CURRENT:
        return entry.feed_state.value
    return entry.changes[0].kind.value if entry.changes else "changed"


def _digest(entry: FeedEntry) -> str:
    state = replace(entry, version=0, changes=())
    return blake2b(_ENCODER.encode(state), digest_size=8).hexdigest()
