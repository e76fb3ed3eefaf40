"""The watchdog: alarms the duty desk when sla's heartbeats stop (ARCHITECTURE §4.12)."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import structlog

from services.notify.adapters.alarms import Alarms
from services.notify.domain.alarm import AlarmKind, Fault
from shared.contracts import ids
from shared.contracts.values import Lane
from shared.runtime import metrics
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable

NEVER = UUID(int=0)
"""Stands for the last heartbeat where none was ever heard."""

_LOOK = """
select lane, event_id, extract(epoch from clock_timestamp() - heard_at)::float8 as silent_s
from sla_heartbeat
"""
_log = structlog.get_logger()


class Watchdog:
    """A part: looks every sixth of the limit; all of it is wall time, whatever the platform's speed.

    Silence counts from this process's start at the earliest: what nobody was there to hear is not
    held against sla. The last heartbeat stands in the ledger's database, because only the instance
    that owns its partition hears it.
    """

    name = "watchdog"

    def __init__(
        self, database: Database, alarms: Alarms, *, limit_s: float, again_s: float
    ) -> None:
        self.waiting: str | None = None
        self._database = database
        self._alarms = alarms
        self._limit_s = limit_s
        self._again_s = again_s
        self._told: dict[Lane, str] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        started = time.monotonic()
        while True:
            await asyncio.sleep(self._limit_s / 6)
            try:
                await self._look(time.monotonic() - started)
                self.waiting = None
            except Unavailable as error:
                self.waiting = str(error)

    async def _look(self, up_s: float) -> None:
        rows = {row["lane"]: row for row in await self._database.fetch(_LOOK)}
        silences = {lane: _silence(rows.get(lane.number), up_s) for lane in Lane}
        metrics.SLA_SILENT.set(max(seconds for _, seconds in silences.values()))
        for lane, (last, seconds) in silences.items():
            if seconds > self._limit_s:
                await self._tell(last, seconds, lane)

    async def _tell(self, last: UUID, seconds: float, lane: Lane) -> None:
        """Tell it once, and once more each time the silence has gone on for another period."""
        which = str(ids.silence_id(last, lane))
        silence = f"{which}/{int(seconds // self._again_s)}"
        if self._told.get(lane) != silence:
            _log.error("sla is silent", lane=lane, seconds=round(seconds))
            reason = f"{seconds:.0f}秒"
            fault = Fault(AlarmKind.SLA_SILENT, lane.value, reason, silence, which)
            await self._alarms.tell([fault])
            self._told[lane] = silence


def _silence(row: Any, up_s: float) -> tuple[UUID, float]:
    if row is None:
        return NEVER, up_s
    return row["event_id"], min(row["silent_s"], up_s)
