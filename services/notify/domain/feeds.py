"""One redacted feed per department: its own units, the grid, no caller, no narrative, no place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.notify.domain.view import FeedSaid, View
from shared.contracts import ids
from shared.contracts.envelope import Message
from shared.contracts.incident import Change, ChangeKind, IncidentState
from shared.contracts.notice import FeedAssignment, FeedEntry, FeedState
from shared.contracts.topics import feed_topic
from shared.contracts.values import Lane, Producer

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

_ENDED = "ended"
_ENCODER = msgspec.json.Encoder()


class Said(Struct, frozen=True):
    """One record for a department's feed; `entry` None is the tombstone that ends the key."""

    department: str
    aggregate: UUID
    version: int
    change: str
    entry: FeedEntry | None
    at: datetime
    trace: str | None = None


class Feeds(Struct, frozen=True):
    """What is to be said, and the view that remembers it."""

    said: list[Said]
    view: View


def feeds_of(
    changes: Sequence[Change], view: View, *, at: datetime, trace: str | None = None
) -> Feeds:
    """Return an entry for each department whose redacted state is another than its feed last said.

    *view* is of the newest incident event (said *at*), *changes* lead to it. A department that lost its last
    duty (or whose incident was merged away) hears so once, then the key ends with a tombstone;
    getting a unit in again opens it anew, versions going on.
    """
    said: list[Said] = []
    feeds = dict(view.feeds)
    for department in _departments(view):
        before = feeds.get(department, FeedSaid(version=0, gone=True))
        entry = _entry(view, department, changes, before.version + 1)
        ends = entry.feed_state is not FeedState.CURRENT or view.purged
        if ends and before.gone:
            continue
        digest = _digest(entry)
        if digest == before.digest and not before.gone and not ends:
            continue
        key = ids.feed_id(view.incident_id, department)
        if not view.purged:
            said.append(Said(department, key, entry.version, _leading(entry), entry, at, trace))
        version = entry.version - view.purged
        if ends:
            version += 1
            said.append(Said(department, key, version, _ENDED, None, at, trace))
            feeds[department] = FeedSaid(version=version, gone=True, at=at, trace=trace)
        else:
            feeds[department] = FeedSaid(
                version=version, digest=digest, changes=entry.changes, at=at, trace=trace
            )
    return Feeds(said, view if feeds == view.feeds else replace(view, feeds=feeds))


def newest(view: View, department: str) -> Said | None:
    """Return the record that must stand last in the department's feed (§4.5), as it was first said.

    None where nothing was said, or the view is too old to say it again: the next event will.
    """
    last = view.feeds.get(department)
    if last is None or last.at is None:
        return None
    key = ids.feed_id(view.incident_id, department)
    if last.gone:
        return Said(department, key, last.version, _ENDED, None, last.at, last.trace)
    if view.received_at is None:
        return None
    entry = _entry(view, department, last.changes, last.version)
    return Said(department, key, last.version, _leading(entry), entry, last.at, last.trace)


def message(said: Said, view: View, lane: Lane) -> Message:
    """Return the event that says it: one version, one event id, one content, however often it is said."""
    return Message(
        topic=feed_topic(said.department),
        key=str(view.incident_id),
        producer=Producer.NOTIFY,
        family="feed",
        change=said.change,
        aggregate=said.aggregate,
        version=said.version,
        time=said.at,
        lane=lane,
        data=said.entry,
        trace=said.trace,
    )


def _departments(view: View) -> list[str]:
    return sorted({duty.department for duty in view.duties} | view.feeds.keys())


def _entry(view: View, department: str, changes: Sequence[Change], version: int) -> FeedEntry:
    if view.received_at is None:
        raise AssertionError("an entry is made of what router said")
    own = [duty for duty in view.duties if duty.department == department]
    return FeedEntry(
        incident_id=view.incident_id,
        number=view.number,
        version=version,
        department=department,
        feed_state=_feed_state(view, department),
        state=view.state,
        line=view.line,
        category=view.category or "",
        severity=view.severity or 0,
        area=view.scene.area,
        received_at=view.received_at,
        assignments=tuple(
            FeedAssignment(assignment_id=d.assignment_id, unit=d.unit, role=d.role, state=d.state)
            for d in own
        ),
        changes=_redacted(changes, {duty.assignment_id for duty in own}),
        merged_into=view.merged_into,
        exercise=view.exercise,
    )


def _feed_state(view: View, department: str) -> FeedState:
    if view.merged_into is not None and view.state is IncidentState.DUPLICATE:
        return FeedState.MERGED
    held = any(duty.department == department and not duty.over for duty in view.duties)
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
