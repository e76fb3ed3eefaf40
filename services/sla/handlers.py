"""What sla does with an incident event, and with the clocks whose moment has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from services.sla.domain.clock_set import ClockSet
from services.sla.domain.deriving import derive
from services.sla.domain.firing import FOUND_LATE, fire
from services.sla.domain.messages import said
from services.sla.domain.rules import Rules
from services.sla.ports import Alarm, Clock, ClockSets, Due, DueClocks, Firing, Tally
from shared.contracts.incident import IncidentEvent
from shared.contracts.sla import ClockChange
from shared.runtime.errors import InvalidEvent
from shared.runtime.events import Event
from shared.runtime.store import Work


async def on_incidents(
    events: Sequence[Event],
    work: Work,
    *,
    sets: ClockSets,
    rules: Rules,
    clock: Clock,
    alarm: Alarm,
    tally: Tally,
) -> None:
    """Bring the clocks of each incident to what its newest snapshot asks for."""
    kept = await sets.load({event.aggregate for event in events})
    now = clock.now()
    newest: dict[UUID, ClockSet] = dict(kept)
    changes: list[ClockChange] = []
    for event in events:
        if not isinstance(event.data, IncidentEvent):
            raise InvalidEvent("not_an_incident", f"family {event.family}", event=event)
        incident = event.data.incident
        outcome = derive(newest.get(incident.incident_id), incident, rules, now, event.trace)
        if outcome.changes:
            newest[incident.incident_id] = outcome.clocks
            work.publish(said(outcome, now))
            changes += outcome.changes
    steps = [
        sets.save(work, kept.get(incident_id), after)
        for incident_id, after in newest.items()
        if after is not kept.get(incident_id)
    ]
    if changes:
        work.after(partial(tally, changes))
    if (first := min(filter(None, steps), default=None)) is not None:
        work.after(partial(alarm.expect, first))


@dataclass(frozen=True)
class Fired:
    """What one look at the timers came to: sets due, written, and left to another instance."""

    due: Due
    written: tuple[Firing, ...]
    left: int


async def fire_due(clocks: DueClocks, clock: Clock, *, skip: bool = False) -> Fired:
    """Fire what is due by the database's clock; what another instance takes is left to it."""
    due = await clocks.due(skip=skip)
    late_after = clock.tolerance(FOUND_LATE)
    firings = [
        Firing(before, outcome)
        for before in due.sets
        if (outcome := fire(before, due.now, late_after)).changes
    ]
    if not firings:
        return Fired(due, (), 0)
    won = await clocks.store(firings, due.now)
    written = tuple(f for f in firings if f.before.incident_id in won)
    return Fired(due, written, len(firings) - len(written))
