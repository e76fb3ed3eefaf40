"""Chance that a seed decides: the same seed and the same name always draw the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import TypeVar

from shared.contracts.pack import Delay

T = TypeVar("T")

_Z95 = 1.6448536269514722
"""Standard normal quantile at 0.95: turns median and P95 into a log-normal's sigma."""


def stream(seed: int, *names: object) -> Random:
    """Return the generator of *names*; streams with different names do not disturb each other."""
    return Random("/".join(str(part) for part in (seed, *names)))


def drawn(delay: Delay, chance: Random) -> timedelta:
    """Draw from the log-normal distribution with this median and 95th percentile (seconds)."""
    sigma = math.log(max(delay.p95_s / delay.median_s, 1.0)) / _Z95
    return timedelta(seconds=delay.median_s * math.exp(sigma * chance.gauss(0.0, 1.0)))


def picked(items: Sequence[T], weights: Sequence[float], chance: Random) -> T:
    """Pick one of *items* by weight."""
    return chance.choices(items, weights)[0]


def happens(share: float, chance: Random) -> bool:
    """Say whether something of this probability happens; always consumes one draw."""
    return chance.random() < share
