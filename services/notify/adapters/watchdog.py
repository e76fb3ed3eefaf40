"""The watchdog: alarms the duty desk when sla's heartbeats stop (ARCHITECTURE §4.12)."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import msgspec
import structlog

from services.notify.adapters.ledger import NOTICE_ONCE, notice_row
from services.notify.adapters.sending import Senders
from services.notify.domain.line import Held
from services.notify.domain.notice import Occasion
from services.notify.domain.silence import silence_notices
from services.notify.ports import Clock
from shared.contracts import ids
from shared.contracts.pack import Pack
from shared.contracts.values import Lane
from shared.runtime import metrics
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work

NEVER = UUID(int=0)
"""Stands for the last heartbeat where none was ever heard."""

_LOOK = """
select lane, event_id, extract(epoch from clock_timestamp() - heard_at)::float8 as silent_s
from sla_heartbeat
"""
_ENCODER = msgspec.json.Encoder()
_log = structlog.get_logger()


class Watchdog:
    """A part: looks every sixth of the limit; all of it is wall time, whatever the platform's speed.

    Silence counts from this process's start at the earliest: what nobody was there to hear is not
    held against sla. The last heartbeat stands in the ledger's database, because only the instance
    that owns its partition hears it.
    """

    name = "watchdog"

    def __init__(
        self,
        pack: Pack,
        store: Store,
        senders: Senders,
        clock: Clock,
        *,
        owner: str,
        limit_s: float,
    ) -> None:
        self.waiting: str | None = None
        self._pack = pack
        self._store = store
        self._senders = senders
        self._clock = clock
        self._owner = owner
        self._limit_s = limit_s
        self._told: set[UUID] = set()

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
        rows = {row["lane"]: row for row in await self._store.database.fetch(_LOOK)}
        silences = {lane: _silence(rows.get(lane.number), up_s) for lane in Lane}
        metrics.SLA_SILENT.set(max(seconds for _, seconds in silences.values()))
        for lane, (last, seconds) in silences.items():
            cause = ids.silence_id(last, lane)
            if seconds > self._limit_s and cause not in self._told:
                await self._tell(cause, seconds, lane)
                self._told = {*self._told, cause} if len(self._told) < len(Lane) else {cause}

    async def _tell(self, cause: UUID, seconds: float, lane: Lane) -> None:
        _log.error("sla is silent", lane=lane, seconds=round(seconds))
        work = Work()
        held = []
        for notice in silence_notices(seconds, Occasion(self._pack, cause, self._clock.now())):
            body = _ENCODER.encode(notice.order)
            work.put(NOTICE_ONCE, *notice_row(notice, body, self._owner, None))
            held.append(Held(order=notice.order, cause=cause, body=body, queued=time.monotonic()))
        work.after(lambda: self._senders.accept(held))
        try:
            await self._store.commit(work)
        except GuardLost:
            return  # the other instance has told it


def _silence(row: Any, up_s: float) -> tuple[UUID, float]:
    if row is None:
        return NEVER, up_s
    return row["event_id"], min(row["silent_s"], up_s)
