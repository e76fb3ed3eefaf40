"""What the played SMS gateway and webhook receiver do wrong, decided from the seed and the notice."""

from __future__ import annotations

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
