"""Keeps the live picture: hears events and facts, and says what became true."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.reports.domain.facts import Population
from services.reports.domain.live import Live
from services.reports.domain.live_calls import CallSeen, Taken
from services.reports.domain.live_open import seen
from services.reports.ports import LiveFacts
from shared.contracts import ids
from shared.contracts.call import Call, CallChange, CallEvent
from shared.contracts.envelope import Message
from shared.contracts.incident import IncidentEvent
from shared.contracts.stats import LiveFigure
from shared.contracts.values import Lane, Producer
from shared.runtime.events import Event

TOPIC = "stats.live.v1"
HEARD = ("call.urgent.v1", "call.ordinary.v1", "incident.urgent.v1", "incident.ordinary.v1")


def on_event(event: Event, live: Live, now: datetime) -> Taken | None:
    """Take the snapshot in *event*; None for a kind of event that says nothing here."""
    match event.data:
        case CallEvent() as said:
            withdrawn = said.change is CallChange.WITHDRAWN
            return live.call(call_seen(said.call, withdrawn=withdrawn), now)
        case IncidentEvent() as said:
            return live.incident(seen(said.incident))
        case _:
            return None


def call_seen(call: Call, *, withdrawn: bool) -> CallSeen:
    """Return what is counted of *call*."""
    return CallSeen(
        call.call_id,
        call.revision,
        call.line,
        call.place.area,
        call.received_at,
        Population.of(exercise=call.exercise),
        counts=not (withdrawn or call.test),
    )


async def heal(live: Live, facts: LiveFacts, now: datetime) -> None:
    """Tell *live* what the facts know; whatever it missed is put right. Raises Unavailable.

    Facts may lag behind what was heard: the higher version wins either way.
    """
    for call in await facts.calls(live.since(now)):
        live.call(call, now)
    for incident in await facts.incidents(live.incidents.ids()):
        live.incident(incident)


async def compare(live: Live, facts: LiveFacts, now: datetime) -> None:
    """Fit the baselines of *live* anew from the facts' history. Raises Unavailable."""
    for population in live.populations:
        live.learn(population, await facts.baseline(population, now))


def messages(figures: Iterable[LiveFigure], now: datetime, wall_ms: int) -> list[Message]:
    """Return the events that say *figures*, numbered by wall time.

    The picture keeps no counter over restarts: milliseconds grow, so the highest version is the
    newest all the same. Two windows of one figure in one millisecond get neighbouring numbers.
    """
    said: dict[str, int] = {}
    found = []
    for figure in figures:
        said[figure.name] = version = said.get(figure.name, wall_ms - 1) + 1
        found.append(
            Message(
                topic=TOPIC,
                key=figure.name,
                producer=Producer.REPORTS,
                family="live",
                change=figure.figure,
                aggregate=ids.figure_id(figure.region, figure.name),
                version=version,
                time=now,
                lane=Lane.ORDINARY,
                data=figure,
            )
        )
    return found
