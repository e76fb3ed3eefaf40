"""Alarms to the duty desk: their rows, their notices in the same statement, and the digest's timer."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.notify.adapters.ledger import NOTICE_ONCE, notice_row
from services.notify.adapters.sending import Senders
from services.notify.domain.alarm import (
    Alarm,
    Fault,
    Report,
    alarm_id,
    alarm_notices,
    digested,
    raised,
)
from services.notify.domain.line import Held
from services.notify.domain.notice import Occasion
from services.notify.ports import Clock
from shared.contracts.pack import Pack
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work, guarded

ALARM = guarded("alarm", "alarm_id", {"doc": "bytea"})
MOST = 500
"""Alarms looked at for one digest; there are a few for each consumer."""
_LOOK_S = 30.0
_AGAIN = 5

_SOME = """
select clock_timestamp() as now, a.doc from (select 1) one
left join alarm a on a.alarm_id = any($1::uuid[])
"""
_ALL = """
select clock_timestamp() as now, a.doc from (select 1) one
left join (select doc from alarm order by alarm_id limit $1) a on true
"""
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Alarm)


class Alarms:
    """A part: tells the desk of faults at once or in the digest of the pack's `digest_after_s` (wall time)."""

    name = "alarms"

    def __init__(
        self, pack: Pack, store: Store, senders: Senders, clock: Clock, *, owner: str
    ) -> None:
        self.waiting: str | None = None
        self._pack = pack
        self._store = store
        self._senders = senders
        self._clock = clock
        self._owner = owner
        self._period = timedelta(seconds=pack.notices.digest_after_s)

    async def run(self) -> None:
        """Send digests until cancelled; every instance looks, one of them wins the rows."""
        while True:
            await asyncio.sleep(min(_LOOK_S, self._period.total_seconds() / 6))
            try:
                await self._digest()
                self.waiting = None
            except GuardLost:
                self.waiting = None
            except Unavailable as error:
                self.waiting = str(error)

    async def tell(self, faults: Sequence[Fault]) -> None:
        """Raise *faults* by a statement of their own; raises Unavailable."""
        for _ in range(_AGAIN):
            work = Work()
            await self.put(faults, work)
            try:
                await self._store.commit(work)
            except GuardLost:
                continue  # another process raised it: look what is left to say
            return

    async def put(self, faults: Iterable[Fault], work: Work) -> None:
        """Put the alarms of *faults* and, where people are told at once, their notices into *work*."""
        by_alarm: dict[UUID, list[Fault]] = defaultdict(list)
        for fault in faults:
            by_alarm[alarm_id(fault.kind, fault.subject)].append(fault)
        now, known = await self._load(_SOME, sorted(by_alarm))
        for key, mine in sorted(by_alarm.items()):
            before = known.get(key) or Alarm(mine[0].kind, mine[0].subject)
            after, report = raised(before, mine, now, self._period)
            if after is not before:
                _put(work, after)
            if report is not None:
                self._notify(work, [report], after.cause, digest=False)

    async def _digest(self) -> None:
        now, known = await self._load(_ALL, MOST)
        told, reports = digested(known.values(), now, self._period)
        if not told:
            return
        work = Work()
        for alarm in told:
            _put(work, alarm)
        self._notify(work, reports, told[0].cause, digest=True)
        await self._store.commit(work)

    async def _load(self, sql: str, argument: Any) -> tuple[datetime, dict[UUID, Alarm]]:
        rows = await self._store.database.fetch(sql, argument)
        alarms = [_DECODER.decode(row["doc"]) for row in rows if row["doc"] is not None]
        return rows[0]["now"], {alarm.alarm_id: alarm for alarm in alarms}

    def _notify(self, work: Work, reports: Sequence[Report], cause: UUID, *, digest: bool) -> None:
        occasion = Occasion(self._pack, cause, self._clock.now())
        held = []
        for notice in alarm_notices(reports, occasion, digest=digest):
            body = _ENCODER.encode(notice.order)
            work.put(NOTICE_ONCE, *notice_row(notice, body, self._owner, None))
            held.append(Held(order=notice.order, cause=cause, body=body, queued=time.monotonic()))
        work.after(lambda: self._senders.accept(held))


def _put(work: Work, alarm: Alarm) -> None:
    work.put(ALARM, alarm.alarm_id, alarm.version - 1, alarm.version, _ENCODER.encode(alarm))
