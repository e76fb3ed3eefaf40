"""Keeps the number of parked records in sight."""

from __future__ import annotations

import asyncio

from shared.runtime import metrics
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable

LOOK_EVERY_S = 10.0


class ParkedWatch:
    """A part: counts feedback that waits for its call."""

    name = "parked"

    def __init__(self, database: Database) -> None:
        self.waiting: str | None = None
        self._database = database

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            try:
                row = (await self._database.fetch("select count(*) from parked_feedback"))[0]
                metrics.PARKED_FEEDBACK.set(row[0])
                self.waiting = None
            except Unavailable as error:
                self.waiting = str(error)
            await asyncio.sleep(LOOK_EVERY_S)
