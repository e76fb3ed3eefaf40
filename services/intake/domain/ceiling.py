"""The outbox has a ceiling: past it the door refuses, ordinary calls first, urgent ones later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.values import Lane


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one lane's outbox holds: rows, and wall seconds of the oldest."""

    rows: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How much may wait before a lane is refused."""

    rows: int
    age_s: float

    def passed(self, waiting: Waiting) -> bool:
        """Say whether *waiting* is above it."""
        return waiting.rows > self.rows or waiting.age_s > self.age_s


def admits(lane: Lane, waiting: Mapping[Lane, Waiting], ordinary: Ceiling, urgent: Ceiling) -> bool:
    """Say whether a call of *lane* is taken in.

    An ordinary call is refused as soon as either lane passes the *ordinary* ceiling; an urgent
    one only when its own lane passes the *urgent* one.
    """
    if lane is Lane.URGENT:
        return not urgent.passed(waiting[Lane.URGENT])
    return not any(ordinary.passed(each) for each in waiting.values())
