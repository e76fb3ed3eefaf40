"""Calls and the incidents that speak of them in PostgreSQL: who keeps what, and its clearing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.intake.domain.cases import Case, CaseState
from services.intake.ports import Kept
from shared.contracts.call import Call
from shared.runtime import metrics
from shared.runtime.database import Database
from shared.runtime.store import Work, Write, guarded

BATCH = 200

_CASE = Write(
    "case_put",  # not `call_case`: the other parts of the statement would read it for the table
    (("call_id", "uuid"), ("incident_id", "uuid"), ("state", "text")),
    """
case_set as (
  insert into call_case as c (call_id, incident_id, state)
  select i.call_id, i.incident_id, i.state from case_put_in i order by i.call_id, i.incident_id
  on conflict (call_id, incident_id) do update set state = excluded.state
    where c.state = 'open' and excluded.state = 'purged' returning 1),
case_put as (select 1 from case_set)""",
    guard=False,
)
_CASES_CLOSED = Write(
    "case_closed",
    (("call_id", "uuid"),),
    """
case_closing as (
  update call_case c set state = 'cleared' from case_closed_in i
  where c.call_id = i.call_id and c.state = 'purged' returning 1),
case_closed as (select 1 from case_closing)""",
    guard=False,
)
# a version of its own: a revision decided on before it loses its guard and meets the purge
_CALL_CLEARED = guarded(
    "calls", "call_id", {"purged": "boolean", "doc": "bytea"}, name="call_cleared"
)
_RECORDS_CLEARED = Write(
    "records_cleared",
    (("call_id", "uuid"),),
    """
records_gone as (
  update feedback f set doc = null from records_cleared_in i
  where f.call_id = i.call_id and f.doc is not null returning 1),
records_cleared as (select 1 from records_gone)""",
    guard=False,
)
_CONTACT_DESTROYED = Write(
    "contact_destroyed",
    (("token", "uuid"),),
    """
contact_gone as (
  update contact c set wrapped_key = null, sealed = null, destroyed_at = clock_timestamp()
  from contact_destroyed_in i where c.token = i.token and c.wrapped_key is not null
  returning c.token, c.call_id),
contact_told as (
  insert into contact_access (token, call_id, who, what, reason)
  select token, call_id, 'intake', 'destroyed', 'retention_ended' from contact_gone returning 1),
contact_destroyed as (select 1 from contact_told)""",
    guard=False,
)

_CASES = "select call_id, incident_id, state from call_case where call_id = any($1::uuid[])"
_ENDED = """
select e.call_id, c.version, c.purged, c.contact, c.doc from (
  select distinct k.call_id from call_case k where k.state = 'purged' and not exists (
    select 1 from call_case o where o.call_id = k.call_id and o.state = 'open')
  order by k.call_id limit $1) e
left join calls c using (call_id) order by e.call_id
"""
_UNOPENED = """
select c.call_id, c.version, c.purged, c.contact, c.doc from calls c
where not c.purged and c.recorded_at <= (select platform.now()) - $1::interval
  and not exists (select 1 from call_case k where k.call_id = c.call_id)
order by c.recorded_at, c.call_id limit $2
"""
_RECORDS = """
with old as materialized (
  select f.feedback_id from feedback f
  where f.doc is not null and f.recorded_at <= (select platform.now()) - $1::interval
    and not exists (select 1 from calls c where c.call_id = f.call_id and not c.purged)
  order by f.recorded_at, f.feedback_id limit $2 for update of f skip locked)
update feedback f set doc = null from old where f.feedback_id = old.feedback_id returning 1
"""
_STANDING = """
select count(*) from (
  select 1 from calls c where not c.purged
    and c.recorded_at <= (select platform.now()) - $1::interval
    and not exists (select 1 from call_case k where k.call_id = c.call_id and k.state = 'open')
  limit $2) as standing
"""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Call)


class CaseTable:
    """Keeps the promises of `ports.Cases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, call_ids: Iterable[UUID]) -> dict[Case, CaseState]:
        rows = await self._database.fetch(_CASES, list(call_ids))
        return {Case(r["call_id"], r["incident_id"]): CaseState(r["state"]) for r in rows}

    def save(self, work: Work, case: Case, state: CaseState) -> None:
        work.put(_CASE, case.call_id, case.incident_id, str(state))


class RetainedCalls:
    """Keeps the promises of `ports.Retained`; the database's platform time decides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ended(self) -> list[Kept]:
        return [_kept(row) for row in await self._database.fetch(_ENDED, BATCH)]

    async def unopened(self, period: timedelta) -> list[Kept]:
        return [_kept(row) for row in await self._database.fetch(_UNOPENED, period, BATCH)]

    def close_case(self, work: Work, call_id: UUID) -> None:
        work.put(_CASES_CLOSED, call_id)

    def clear(self, work: Work, kept: Kept, left: Call) -> None:
        version = (kept.version, kept.version + 1)
        work.put(_CALL_CLEARED, kept.call_id, *version, True, _ENCODER.encode(left))  # noqa: FBT003 - a column
        work.put(_RECORDS_CLEARED, kept.call_id)
        if kept.token:
            work.put(_CONTACT_DESTROYED, kept.token)
        work.after(metrics.PURGED.labels("call").inc)

    async def clear_records(self, period: timedelta) -> int:
        return len(await self._database.write(_RECORDS, period, BATCH))

    async def standing(self, period: timedelta, at_most: int) -> int:
        """Return how many calls older than *period* are kept for no incident."""
        return int((await self._database.fetch(_STANDING, period, at_most))[0]["count"])


def _kept(row: Any) -> Kept:
    there = row["doc"] is not None and not row["purged"]
    return Kept(
        row["call_id"],
        row["version"] or 0,
        _DECODER.decode(row["doc"]) if there else None,
        row["contact"],
    )
