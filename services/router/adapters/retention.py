"""Looks for what is past its retention and has it purged, a few at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.router.ports import Due
from services.router.retention_handlers import Retention
from shared.contracts.values import Lane
from shared.runtime import metrics
from shared.runtime.database import Database
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work

BATCH = 100
PAUSE_S = 0.5
"""Between two batches: whatever has gathered, a few hundred incidents a second at most."""
ROUND_S = 60.0
OVERDUE = timedelta(days=1)
COUNTED = 10_000
"""Gauges count no further: at that many somebody has to look anyway."""
TRIES = 5

_DUE = """
select platform.now() as now, array(
  select incident_id from incident
  where lane = $1 and over_since <= (select platform.now()) - $2::interval
  order by over_since, incident_id limit $3) as incidents
"""
_PARKED = """
with old as materialized (
  select feedback_id from parked_feedback where parked_at <= (select platform.now()) - $1::interval
  order by parked_at, feedback_id limit $2 for update skip locked)
delete from parked_feedback p using old o where p.feedback_id = o.feedback_id returning 1
"""
_STANDING = """
select (select count(*) from (select 1 from incident where held limit $2) as h) as held,
  (select count(*) from (select 1 from incident where lane in (0, 1)
    and over_since <= (select platform.now()) - $1::interval limit $2) as o) as overdue
"""


class RetainedRows:
    """Keeps what `ports.Retained` promises; the database's platform time decides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, lane: Lane, retention: timedelta) -> Due:
        """Return the oldest that are due."""
        row = (await self._database.fetch(_DUE, lane.number, retention, BATCH))[0]
        return Due(row["now"], row["incidents"])

    async def drop_parked(self, retention: timedelta) -> int:
        """Delete the oldest; rows another instance is at are skipped."""
        return len(await self._database.write(_PARKED, retention, BATCH))

    async def standing(self, retention: timedelta) -> tuple[int, int]:
        """Return how many are held, and how many should have gone a day ago."""
        row = (await self._database.fetch(_STANDING, retention + OVERDUE, COUNTED))[0]
        return row["held"], row["overdue"]


class RetentionSweep:
    """A part: one round a minute. Two instances may be at the same rows: one of them loses the guard."""

    name = "retention"

    def __init__(self, store: Store, retention: Retention, rows: RetainedRows) -> None:
        self.waiting: str | None = None
        self._store = store
        self._retention = retention
        self._rows = rows
        for kind in ("incident", "feedback"):  # shown as 0 until it happens
            metrics.PURGED.labels(kind)

    async def run(self) -> None:
        """Sweep until cancelled; a round that meets a missing database is left for the next one."""
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                await self.once()
                self.waiting = None
            except Unavailable as error:
                self.waiting = str(error)

    async def once(self) -> int:
        """Purge all that is due now, the urgent lane first; return how many. Raises Unavailable."""
        gone = 0
        for lane in Lane:
            while due := await self._batch(lane):
                gone += due
                await asyncio.sleep(PAUSE_S if due == BATCH else 0)
        while dropped := await self._retention.drop_parked():
            metrics.PURGED.labels("feedback").inc(dropped)
            await asyncio.sleep(PAUSE_S if dropped == BATCH else 0)
        held, overdue = await self._rows.standing(self._retention.period)
        metrics.ON_HOLD.set(held)
        metrics.OVERDUE_PURGE.labels("incident").set(overdue)
        return gone

    async def _batch(self, lane: Lane) -> int:
        """Purge one batch; what another changed meanwhile is looked at anew."""
        for _ in range(TRIES):
            work = Work()
            purged = await self._retention.purge(lane, work)
            try:
                await self._store.commit(work)
            except GuardLost as lost:
                metrics.GUARD_LOST.labels(lost.guard).inc()
            else:
                metrics.PURGED.labels("incident").inc(purged)
                return purged
        return 0
