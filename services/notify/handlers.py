"""What notify does with a batch of events: load, decide, store; senders are handed the rest after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.notify.domain import lateness, pointless
from services.notify.domain.feeds import Said, feeds_of
from services.notify.domain.feeds import message as feed_message
from services.notify.domain.line import Held
from services.notify.domain.notice import Key, Notice, Occasion, OpenNotice
from services.notify.domain.orders import notices_of
from services.notify.domain.reminders import reminders_of, speaks
from services.notify.domain.taking import proven, taken
from services.notify.domain.view import View, known_by_clocks, seen
from services.notify.ports import Clock, Known, Ledger, Office
from shared.contracts.envelope import Message
from shared.contracts.incident import Change, IncidentEvent
from shared.contracts.pack import Pack
from shared.contracts.sla import Heartbeat, SlaEvent
from shared.contracts.values import Lane
from shared.runtime.events import Event
from shared.runtime.store import Work

_ENCODER = msgspec.json.Encoder()


class Listener:
    """Hears `incident.*` and `sla.*` of both lanes; one batch, one select, one statement."""

    def __init__(
        self,
        pack: Pack,
        ledger: Ledger,
        office: Office,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pack = pack
        self._ledger = ledger
        self._office = office
        self._clock = clock
        self._monotonic = monotonic
        self._speed = 1.0

    async def on_events(self, events: Sequence[Event], work: Work) -> None:
        """Queue what people must be told, say what departments' feeds must show, remember the rest."""
        self._hear_heartbeats(events, work)
        cases = [e for e in events if _matters(e)]
        if not cases:
            return
        known = await self._ledger.load({_incident_of(e) for e in cases}, _opened(cases))
        folds = {key: _Fold(key, found) for key, found in known.items()}
        now = self._clock.now()
        # a drill that is brought to a stand has not been away: what it said stays as young as it was
        self._speed = max(self._speed, self._clock.speed)
        for event in cases:
            fold = folds[_incident_of(event)]
            occasion = Occasion(self._pack, event.event_id, now, event.trace)
            fold.take(event, occasion, self._speed)
        for fold in folds.values():
            self._store(fold, work)
        reminders = [r for fold in folds.values() for r in fold.reminders()]
        self._queue(folds.values(), await self._ledger.standing(reminders), work)

    def _hear_heartbeats(self, events: Sequence[Event], work: Work) -> None:
        newest: dict[Lane, UUID] = {}
        for event in events:
            if isinstance(event.data, Heartbeat):
                newest[_lane_of(event)] = event.event_id
        for lane, event_id in newest.items():
            self._ledger.heard(work, lane, event_id)

    def _store(self, fold: _Fold, work: Work) -> None:
        said, view = fold.closed()
        if view is not None and view != fold.known.view:
            self._ledger.save_view(work, view, fold.known.version)
        for each in said:
            work.publish(fold.message(each))
        if view is not None and view.purged:
            self._ledger.purge(work, fold.incident_id)
        # one row cannot be changed twice in one statement; what is overtaken proves nothing, and
        # nobody asks for proof once the text is purged
        if fold.taken and not fold.purged:
            self._ledger.taken(work, fold.incident_id, fold.taken, fold.overtaken)

    def _queue(self, folds: Iterable[_Fold], standing: Container[UUID], work: Work) -> None:
        """Put the rows, hand over what this process sends.

        *standing* notices have a row already, settled or in somebody's hands: events of sla handled
        again, after offsets were set back or marks are gone. Writing the row would change nothing,
        and handing it over would send it a second time: they are left to the row. Looked up only for
        reminders, by primary key, off the way of an order: an incident's event that is handled again
        stops at the version of the view, or at its guard, and the view is kept for good. Whoever writes
        the row between the look and our commit has moved the offset as well, and that guard is lost.
        """
        mine: list[Held] = []
        overtaken: dict[UUID, str] = {}
        has_room = self._office.has_room
        for fold in folds:
            stored = {n.notice_id for n in fold.known.queued if n.pointless is None or fold.purged}
            if mine_over := {key: why for key, why in fold.overtaken.items() if key in stored}:
                self._ledger.overtake(work, fold.incident_id, mine_over)
                overtaken |= mine_over
            holders = {
                Key(n.channel, fold.incident_id, n.recipient): n
                for n in fold.known.queued
                if not n.late
            }
            for notice in fold.notices:
                if notice.order.notice_id in standing:
                    continue
                held = self._row(notice, fold, holders.get(notice.key), has_room, work)
                if held is not None:
                    mine.append(held)
        if overtaken:
            work.after(lambda: self._office.overtake(overtaken))
        if mine:
            work.after(lambda: self._office.accept(mine))

    def _row(
        self,
        notice: Notice,
        fold: _Fold,
        before: OpenNotice | None,
        has_room: bool,  # noqa: FBT001 - decided once for the batch
        work: Work,
    ) -> Held | None:
        """Write the ledger row; return the notice if this process is to send it right away.

        Who still holds an earlier one of the same line gets this one too: nothing overtakes. A
        holder that does not know of it yet (another process, or our own row whose commit was
        never answered) finds it in the ledger within a second.
        """
        body = _ENCODER.encode(notice.order)
        why = fold.overtaken.get(notice.order.notice_id)
        at_once = has_room and not notice.late
        owner = self._ledger.owner if at_once else ""
        if before is not None and not notice.late:
            owner = before.owner
            at_once = owner == self._ledger.owner and before.notice_id in self._office
        self._ledger.queue(work, notice, body, owner, why)
        if not at_once:
            return None
        return Held(
            order=notice.order,
            cause=notice.cause,
            body=body,
            queued=self._monotonic(),
            trace=notice.trace,
            pointless=why,
        )


class _Fold:
    """One incident through one batch: its events in order, feeds said once for all of them."""

    def __init__(self, incident_id: UUID, known: Known) -> None:
        self.incident_id = incident_id
        self.known = known
        self.notices: list[Notice] = []
        self.overtaken: dict[UUID, str] = {}
        self.taken: dict[UUID, datetime] = {}
        self._last: Event | None = None
        self._view = known.view
        self._heard: Event | None = None
        self._changes: list[Change] = []

    def take(self, event: Event, occasion: Occasion, speed: float) -> None:
        self._last = event
        before = len(self.notices)
        found_late: frozenset[UUID] = frozenset()
        if isinstance(event.data, IncidentEvent):
            self._incident_changed(event.data, occasion)
        else:
            self._clocks_changed(event.data, occasion)
            found_late = frozenset(c.clock_id for c in event.data.clocks if c.found_late)
        self.notices[before:] = lateness.marked(
            self.notices[before:],
            event.time,
            found_late,
            now=occasion.now,
            speed=speed,
            cutoff_s=occasion.pack.notices.digest_after_s,
        )

    def reminders(self) -> list[Notice]:
        """Return what sla's events have people told."""
        return [notice for notice in self.notices if notice.clock_id is not None]

    @property
    def purged(self) -> bool:
        """Whether place and text must go: then every queued notice is marked so, that it goes too."""
        return self._view is not None and self._view.purged

    def _incident_changed(self, event: IncidentEvent, occasion: Occasion) -> None:
        if self._view is not None and event.incident.version <= self._view.incident_version:
            return  # a replay after the marks are gone: it must not bring back what was purged
        found = taken(self._view, event.incident)
        self.taken |= found
        self.notices = proven(self.notices, found) + notices_of(event, self._view, occasion)
        self._view = seen(self._view, event.incident)
        self._heard = self._last
        self._changes += event.changes
        self.overtaken |= pointless.by_incident(self._view, self._queued())

    def _clocks_changed(self, event: SlaEvent, occasion: Occasion) -> None:
        reminded = reminders_of(event, self._view or known_by_clocks(event), occasion)
        self._view = reminded.view
        self.overtaken |= pointless.by_clocks(event, self._queued())
        self.notices += reminded.notices

    def closed(self) -> tuple[list[Said], View | None]:
        """Return what the feeds must show after the whole batch, and the view to store."""
        if self._heard is None or self._view is None:
            return [], self._view
        last = self._heard
        feeds = feeds_of(self._changes, self._view, at=last.time, trace=last.trace)
        self._view = feeds.view
        return feeds.said, feeds.view

    def message(self, said: Said) -> Message:
        """Return the feed's event."""
        if self._heard is None or self._view is None:
            raise AssertionError("a feed speaks of an event")
        return feed_message(said, self._view, _lane_of(self._heard))

    def _queued(self) -> list[OpenNotice]:
        return [*self.known.queued, *map(pointless.as_open, self.notices)]


def _matters(event: Event) -> bool:
    if isinstance(event.data, SlaEvent):
        return speaks(event.data)
    return isinstance(event.data, IncidentEvent)


def _incident_of(event: Event) -> UUID:
    data = event.data
    found: UUID = data.incident.incident_id if isinstance(data, IncidentEvent) else data.incident_id
    return found


def _opened(cases: Iterable[Event]) -> set[UUID]:
    """Return the incidents that begin with the first of *cases* to speak of them."""
    first: dict[UUID, bool] = {}
    for event in cases:
        begins = isinstance(event.data, IncidentEvent) and event.data.incident.version == 1
        first.setdefault(_incident_of(event), begins)
    return {incident for incident, begins in first.items() if begins}


def _lane_of(event: Event) -> Lane:
    return Lane.URGENT if f".{Lane.URGENT}." in event.record.partition.topic else Lane.ORDINARY
