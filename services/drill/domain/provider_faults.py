"""What the played SMS gateway and webhook receiver do wrong, decided from the seed and the notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.drill.domain.chance import stream


class Fault(StrEnum):
    """How a provider treats an order the first time it sees it."""

    NONE = "none"
    REFUSED_FOR_NOW = "refused_for_now"
    SLOW = "slow"
    ANSWER_LOST = "answer_lost"


_SHARES = ((Fault.REFUSED_FOR_NOW, 0.010), (Fault.SLOW, 0.005), (Fault.ANSWER_LOST, 0.005))


def fault_of(seed: int, notice: UUID) -> Fault:
    """Return what goes wrong at the first attempt of *notice*; a second attempt always goes well.

    ANSWER_LOST is the nasty one: accepted, but the platform never hears so and must ask again
    under the same key (ARCHITECTURE §4.11).
    """
    draw = stream(seed, "provider", notice).random()
    for fault, share in _SHARES:
        if draw < share:
            return fault
        draw -= share
    return Fault.NONE


OUTAGE = timedelta(minutes=20)
"""Platform time the SMS gateway refuses everybody once a day: 1.7 s of wall time at speed 720."""


@dataclass(frozen=True, slots=True)
class Outage:
    """`[start, end)`, platform, UTC."""

    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        return self.start <= at < self.end


def outage(seed: int, start: datetime, end: datetime) -> Outage:
    """Return when the SMS gateway is away: once, somewhere in the middle half of the play."""
    share = stream(seed, "outage").uniform(0.25, 0.75)
    begins = start + (end - start) * share
    return Outage(begins, begins + OUTAGE)
