"""Who holds which rows: a lease per process, rows of the dead taken over, forgotten own ones found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from services.notify.adapters.sending import Senders
from services.notify.domain.lateness import DIGESTED
from services.notify.domain.line import Held
from shared.contracts.order import Order
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable

LEASE_S = 6.0
SWEEP_S = 1.0
CLAIM = 500
_LOCK = "notify.claim"

_RENEW = """
insert into holder (owner, alive_until) values ($1, clock_timestamp() + make_interval(secs => $2))
on conflict (owner) do update set alive_until = excluded.alive_until
"""

# Rows of nobody, of holders whose lease ran out, and of this instance's own earlier life. One that
# stands behind an earlier row of a living holder stays: nothing overtakes in its line.
_HEIRLESS = """
with heirless as materialized (
  select '' as owner
  union all
  select h.owner from holder h where h.owner <> $1 and (
    h.alive_until < (select clock_timestamp()) or h.owner like $2 escape '\\'))"""
_CLAIM = f"""{_HEIRLESS},
found as materialized (
  select n.incident_id, n.notice_id from notice n
  where n.state = 'queued' and not n.late and n.owner = any(array(select owner from heirless))
    and not exists (
      select 1 from notice e
      where e.incident_id = n.incident_id and e.state = 'queued' and e.recipient = n.recipient
        and e.channel = n.channel and e.seq < n.seq and e.owner <> $1
        and e.owner <> all(array(select owner from heirless)))
  order by n.seq limit $3 for update of n skip locked)
update notice n set owner = $1 from found f
where n.incident_id = f.incident_id and n.notice_id = f.notice_id returning n.seq
"""
# What lay there past the cut-off while nobody was up to send it: left for its recipient's digest.
_LAY_TOO_LONG = f"""{_HEIRLESS},
found as materialized (
  select n.incident_id, n.notice_id from notice n
  where n.state = 'queued' and not n.late and n.owner = any(array(select owner from heirless))
    and n.attempts = 0 and n.purpose = any($4::text[])
    and n.placed_at < (select clock_timestamp()) - make_interval(secs => $5)
  order by n.seq limit $3 for update of n skip locked)
update notice n set late = true, owner = '' from found f
where n.incident_id = f.incident_id and n.notice_id = f.notice_id
"""
_READ = """
select seq, notice_id, cause, version, attempts, pointless, trace, doc,
  greatest(0, extract(epoch from next_at - clock_timestamp()))::float8 as wait_s
from notice where seq = any($1::bigint[]) and state = 'queued' and owner = $2 order by seq
"""
_OURS = "select seq, notice_id from notice where state = 'queued' and owner = $1 order by seq limit 2000"
_STILL_OURS = """
select notice_id from notice where state = 'queued' and owner = $1 and notice_id = any($2::uuid[])
"""
_FORGET_HOLDERS = """
delete from holder h where h.alive_until < clock_timestamp() - interval '1 day'
  and not exists (select 1 from notice n where n.state = 'queued' and n.owner = h.owner)
"""

_KINDS = [purpose.value for purpose in DIGESTED]
_DECODER = msgspec.json.Decoder(Order)


class Custody:
    """A part: keeps this process's lease and takes over what nobody else sends."""

    name = "custody"

    def __init__(
        self,
        database: Database,
        senders: Senders,
        *,
        instance: str,
        owner: str,
        digest_after_s: float,
        lease_s: float = LEASE_S,
    ) -> None:
        self.waiting: str | None = "its lease"
        self._database = database
        self._senders = senders
        self._owner = owner
        self._earlier_lives = _like(instance) + "/%"
        self._digest_after_s = float(digest_after_s)
        self._lease_s = lease_s
        self._renewed = float("-inf")
        self._suspects: set[int] = set()
        self._renewing = asyncio.Lock()

    async def open(self) -> None:
        """Take the lease: no row may be written under this name before. Raises Unavailable."""
        await self._renew()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self._renew()
                await self._take_over()
                await self._find_forgotten()
                self.waiting = None
            except Unavailable as error:
                self.waiting = str(error)
            await asyncio.sleep(SWEEP_S)

    async def ensure(self) -> None:
        """Await before a request. A process that was stopped past its lease looks first what is left to it.

        With PostgreSQL away nobody can have taken the rows over either: the orders go out.
        """
        if time.monotonic() - self._renewed < self._lease_s:
            return
        async with self._renewing:
            if time.monotonic() - self._renewed < self._lease_s:
                return
            try:
                await self._renew()
            except Unavailable:
                return

    async def _renew(self) -> None:
        lapsed = time.monotonic() - self._renewed >= self._lease_s
        before = time.monotonic()
        await self._database.write(_RENEW, self._owner, self._lease_s)
        if lapsed and (held := self._senders.held()):
            rows = await self._database.fetch(_STILL_OURS, self._owner, held)
            for notice_id in set(held) - {row["notice_id"] for row in rows}:
                self._senders.forget(notice_id)
        self._renewed = before

    async def _take_over(self) -> None:
        if not self._senders.has_room:
            return
        async with self._database.connection(writing=True) as lent, lent.transaction():
            # one at a time, in a statement of its own: the next one sees what another has claimed
            await lent.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", _LOCK)
            heirs = (self._owner, self._earlier_lives, CLAIM)
            await lent.execute(_LAY_TOO_LONG, *heirs, _KINDS, self._digest_after_s)
            rows = await lent.fetch(_CLAIM, *heirs)
        if rows:
            await self._adopt([row["seq"] for row in rows])
        else:
            await self._database.write(_FORGET_HOLDERS)

    async def _find_forgotten(self) -> None:
        """Adopt own rows no sender knows, seen so twice: one may just be on its way to the sender.

        That happens when a commit went through but its answer was lost, or when another process
        queued a row behind one of ours.
        """
        rows = await self._database.fetch(_OURS, self._owner)
        unknown = {row["seq"] for row in rows if row["notice_id"] not in self._senders}
        again = unknown & self._suspects
        self._suspects = unknown - again
        if again:
            await self._adopt(sorted(again))

    async def _adopt(self, places: Sequence[int]) -> None:
        """Hand own rows, named by their `seq`, to the senders."""
        rows = await self._database.fetch(_READ, list(places), self._owner)
        self._senders.accept([_held(row) for row in rows if row["notice_id"] not in self._senders])


def _held(row: Any) -> Held:
    now = time.monotonic()
    return Held(
        order=_DECODER.decode(row["doc"]),
        cause=row["cause"],
        body=row["doc"],
        queued=now,
        trace=row["trace"],
        version=row["version"],
        attempts=row["attempts"],
        due=now + row["wait_s"],
        pointless=row["pointless"],
    )


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
