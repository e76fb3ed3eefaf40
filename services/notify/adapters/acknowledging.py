"""Says `acknowledged` of delivered notices whose unit has taken the duty since; off the way to the gateways."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import msgspec

from services.notify.domain.proof import Proof, proof_message
from services.notify.ports import Clock
from shared.contracts.notice import NoticeState
from shared.contracts.order import Order
from shared.contracts.pack import Pack
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work, Write

BATCH = 200
LOOK_S = 0.5
EVERYBODYS = 20
"""One look in so many takes rows of other processes too: those of an earlier life, or of one that is dead."""

ACKNOWLEDGED = Write(
    "notice_acknowledged",
    (("incident_id", "uuid"), ("notice_id", "uuid"), ("base", "bigint")),
    """
notice_acknowledged_lock as materialized (
  select n.incident_id, n.notice_id
  from notice n join notice_acknowledged_in i using (incident_id, notice_id)
  where n.state = 'delivered' and n.version = i.base order by n.notice_id for update of n),
notice_acknowledged_set as (
  update notice n set state = 'acknowledged', version = n.version + 1
  from notice_acknowledged_lock l
  where n.incident_id = l.incident_id and n.notice_id = l.notice_id returning 1),
notice_acknowledged as (select 1 from notice_acknowledged_set)""",
)
# once the text is purged nobody asks for proof any more, and there is no order to speak of
_TAKEN = """
select cause, version, attempts, provider_ref, acknowledged_at, trace, doc from notice
where state = 'delivered' and acknowledged_at is not null and doc is not null
  and ($2 or owner = $3)
order by notice_id limit $1
"""
_DECODER = msgspec.json.Decoder(Order)


class Acknowledging:
    """A part: the handler notes when a unit took its order, this says so once the order is delivered."""

    name = "acknowledge"

    def __init__(self, pack: Pack, store: Store, clock: Clock, *, owner: str) -> None:
        self.waiting: str | None = None
        self._owner = owner
        self._pack = pack
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled: after its own rows, so that instances do not race for them."""
        for look in count():
            done = 0
            try:
                done = await self._once(everybodys=look % EVERYBODYS == 0)
                self.waiting = None
            except GuardLost:
                self.waiting = None
            except Unavailable as error:
                self.waiting = str(error)
            if done < BATCH:
                await asyncio.sleep(LOOK_S)

    async def _once(self, *, everybodys: bool) -> int:
        rows = await self._store.database.fetch(_TAKEN, BATCH, everybodys, self._owner)
        work = Work()
        for row in rows:
            self._say(row, work)
        if rows:
            await self._store.commit(work)
        return len(rows)

    def _say(self, row: Any, work: Work) -> None:
        order = _DECODER.decode(row["doc"])
        work.put(ACKNOWLEDGED, order.incident_id, order.notice_id, row["version"])
        proof = Proof(
            order=order,
            cause=row["cause"],
            version=row["version"] + 1,
            state=NoticeState.ACKNOWLEDGED,
            attempts=row["attempts"],
            at=row["acknowledged_at"],
            ref=row["provider_ref"],
            trace=row["trace"],
        )
        work.publish(proof_message(proof, region=self._pack.region.code, now=self._clock.now()))
