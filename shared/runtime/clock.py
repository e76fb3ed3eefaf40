"""The one clock: the database's platform time, carried forward between look-ups."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from shared.runtime.database import Database
from shared.runtime.errors import Unavailable

RESYNC_S = 2.0
"""A clock that is set anew (a drill begins) is believed everywhere after this."""
_LOOK = "select origin, started, speed, clock_timestamp() as wall from platform.clock"


class Clock(Protocol):
    """Platform time."""

    speed: float

    def now(self) -> datetime:
        """Return platform time, UTC."""


class DatabaseClock:
    """`platform.now()` without a round trip: the database's wall clock plus our monotonic one.

    Tolerances of rules are `max(rule, 2 s of wall time x speed)` (`tolerance`).
    """

    name = "clock"

    def __init__(self, database: Database) -> None:
        self.waiting: str | None = "PostgreSQL"
        self.speed = 1.0
        self._database = database
        self._origin = self._started = datetime.now(UTC)
        self._wall = self._started
        self._monotonic = time.monotonic()

    async def sync(self) -> None:
        """Look at the database's clock; raises Unavailable."""
        before = time.monotonic()
        row = (await self._database.fetch(_LOOK))[0]
        after = time.monotonic()
        self._origin, self._started, self.speed = row["origin"], row["started"], row["speed"]
        self._wall, self._monotonic = row["wall"], (before + after) / 2
        self.waiting = None

    async def run(self) -> None:
        """Keep in step until cancelled."""
        while True:
            with contextlib.suppress(Unavailable):
                await self.sync()
            await asyncio.sleep(RESYNC_S if self.waiting is None else 0.2)

    def now(self) -> datetime:
        """Return platform time, UTC."""
        wall = self._wall + timedelta(seconds=time.monotonic() - self._monotonic)
        return self._origin + (wall - self._started) * self.speed

    def tolerance(self, rule: timedelta) -> timedelta:
        """Return *rule* or 2 s of wall time in platform time, whichever is longer."""
        return max(rule, timedelta(seconds=2 * self.speed))
