"""What an outage made late becomes one digest per recipient and channel; each row it replaces is named and settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from services.notify.adapters.ledger import DIGEST, notice_row
from services.notify.adapters.sending import Senders
from services.notify.adapters.settling import RESULT
from services.notify.domain.lateness import Overdue, digest_of, groups
from services.notify.domain.line import Held
from services.notify.domain.notice import Occasion, Pointless
from services.notify.domain.proof import Proof, proof_message
from services.notify.ports import Clock
from shared.contracts.notice import NoticeState
from shared.contracts.order import Order
from shared.contracts.pack import Pack
from shared.runtime import metrics
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work, Write

PATIENCE_S = 60.0
"""A backlog is read in many batches: what is late is gathered while more comes, never longer than this."""
MOST = 2000
"""Rows looked at in one round; more go into a second digest."""

SINGLY = Write(
    "notice_singly",
    (("incident_id", "uuid"), ("notice_id", "uuid"), ("version", "bigint")),
    """
notice_singly_set as (
  update notice n set late = false, placed_at = clock_timestamp() from notice_singly_in i
  where n.incident_id = i.incident_id and n.notice_id = i.notice_id and n.version = i.version
    and n.state = 'queued' and n.late
  returning 1),
notice_singly as (select 1 from notice_singly_set)""",
)
"""One alone needs no digest: it goes as it is, by whoever claims it."""

_LATE = """
select cause, version, attempts, pointless, trace, doc, extract(epoch from now - placed_at) as age
from notice, (select clock_timestamp() as now) as t
where state = 'queued' and owner = '' and late order by seq limit $1
"""
_DECODER = msgspec.json.Decoder(Order)
_ENCODER = msgspec.json.Encoder()
_log = structlog.get_logger()


class Digesting:
    """A part: looks once a second; every instance does, one of them wins the rows."""

    name = "digest"

    def __init__(
        self,
        pack: Pack,
        store: Store,
        senders: Senders,
        clock: Clock,
        *,
        owner: str,
        quiet_s: float,
    ) -> None:
        self.waiting: str | None = None
        self._pack = pack
        self._store = store
        self._senders = senders
        self._clock = clock
        self._owner = owner
        self._quiet_s = quiet_s

    async def run(self) -> None:
        """Gather and send until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, self._quiet_s))
            try:
                await self._once()
                self.waiting = None
            except GuardLost:
                self.waiting = None  # another instance did it, or a row was overtaken meanwhile
            except Unavailable as error:
                self.waiting = str(error)

    async def _once(self) -> None:
        rows = await self._store.database.fetch(_LATE, MOST)
        if not rows or not self._gathered(rows):
            return
        overdue = [_overdue(row) for row in rows]
        pointless = [each for each in overdue if each.pointless is not None]
        if pointless:
            work = Work()
            for each in pointless:
                self._settle(each, each.pointless or "", work)
            await self._store.commit(work)
        for group in groups(each for each in overdue if each.pointless is None):
            await self._tell(group)

    def _gathered(self, rows: Sequence[Any]) -> bool:
        ages = [float(row["age"]) for row in rows]
        return min(ages) >= self._quiet_s or max(ages) >= PATIENCE_S or len(rows) == MOST

    async def _tell(self, group: Sequence[Overdue]) -> None:
        work = Work()
        if len(group) == 1:
            order = group[0].order
            work.put(SINGLY, order.incident_id, order.notice_id, group[0].version)
            await self._store.commit(work)
            return
        occasion = Occasion(self._pack, group[0].cause, self._clock.now())
        digest = digest_of(group, occasion)
        body = _ENCODER.encode(digest.order)
        row = notice_row(digest, body, self._owner, None)
        work.put(DIGEST, *row, ",".join(str(each.order.notice_id) for each in group))
        for each in group:
            self._settle(each, Pointless.DIGESTED, work)
        held = Held(order=digest.order, cause=digest.cause, body=body, queued=time.monotonic())
        work.after(lambda: self._senders.accept([held]))
        await self._store.commit(work)
        metrics.NOTICES.labels(digest.order.channel, NoticeState.SUPERSEDED.value).inc(len(group))
        _log.warning(
            "late notices digested", recipient=digest.order.recipient,
            channel=digest.order.channel, replaced=len(group),
        )  # fmt: skip

    def _settle(self, each: Overdue, reason: str, work: Work) -> None:
        now, state, version = self._clock.now(), NoticeState.SUPERSEDED, each.version + 1
        work.put(
            RESULT, each.order.incident_id, each.order.notice_id, "", each.version, version,
            state.value, each.attempts, 0.0, now, None, reason,
        )  # fmt: skip
        proof = Proof(
            order=each.order,
            cause=each.cause,
            version=version,
            state=state,
            attempts=each.attempts,
            at=now,
            reason=reason,
            trace=each.trace,
        )
        work.publish(proof_message(proof, region=self._pack.region.code, now=now))


def _overdue(row: Any) -> Overdue:
    return Overdue(
        order=_DECODER.decode(row["doc"]),
        cause=row["cause"],
        version=row["version"],
        attempts=row["attempts"],
        trace=row["trace"],
        pointless=row["pointless"],
    )
