"""A decision as the message that tells it."""

from __future__ import annotations

from datetime import datetime

from services.sla.domain.clock_set import Outcome
from shared.contracts import ids
from shared.contracts.envelope import Message
from shared.contracts.sla import ClockChangeKind
from shared.contracts.topics import lane_topic
from shared.contracts.values import Producer

_LEADING = (
    ClockChangeKind.BREACHED,
    ClockChangeKind.CORRECTED,
    ClockChangeKind.WARNED,
    ClockChangeKind.STARTED,
    ClockChangeKind.RESUMED,
    ClockChangeKind.REMATCHED,
    ClockChangeKind.MET,
    ClockChangeKind.VOIDED,
)
"""What names an event that says several things."""
_RANK = {kind: rank for rank, kind in enumerate(_LEADING)}


def said(outcome: Outcome, now: datetime) -> Message:
    """Return the message of *outcome*, named after its leading change; *now* is platform time, UTC."""
    clocks = outcome.clocks
    return Message(
        topic=lane_topic("sla", clocks.lane),
        key=ids.text(clocks.incident_id),
        producer=Producer.SLA,
        family="sla",
        change=min((change.kind for change in outcome.changes), key=_RANK.__getitem__),
        aggregate=clocks.incident_id,
        version=clocks.version,
        time=now,
        lane=clocks.lane,
        data=clocks.event(outcome.changes),
        trace=clocks.trace,
    )
