"""The ledger in PostgreSQL: what a batch needs by one select, rows for the one guarded statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from services.notify.domain.notice import Notice, OpenNotice
from services.notify.domain.taking import PROVEN
from services.notify.domain.view import View
from services.notify.ports import Known
from shared.contracts.notice import Purpose
from shared.contracts.values import Lane
from shared.runtime.database import Database
from shared.runtime.store import Work, Write, guarded

VIEW = guarded("incident_view", "incident_id", {"doc": "bytea"})

VIEW_OPENED = Write(
    "view_opened",
    (("incident_id", "uuid"), ("doc", "bytea")),
    """
view_opened_add as (
  insert into incident_view (incident_id, version, doc)
  select i.incident_id, 1, i.doc from view_opened_in i
  order by i.incident_id on conflict do nothing returning 1),
view_opened as (select 1 from view_opened_add)""",
)
"""The first view of an incident; where there is one already, the guard is lost."""

_NOTICE_COLUMNS = {
    "notice_id": "uuid",
    "incident_id": "uuid",
    "cause": "uuid",
    "recipient": "text",
    "channel": "text",
    "purpose": "text",
    "lane": "smallint",
    "assignment_id": "uuid",
    "clock_id": "uuid",
    "owner": "text",
    "pointless": "text",
    "queued_at": "timestamptz",
    "trace": "text",
    "doc": "bytea",
    "late": "boolean",
    "acknowledged_at": "timestamptz",
}


def _queued(name: str, *, guard: bool, replaces: bool = False) -> Write:
    given = _NOTICE_COLUMNS | ({"replaces": "text"} if replaces else {})
    columns = ", ".join(given)
    # an array of arrays cannot be unnested row by row
    picked = ", ".join(
        f"string_to_array(i.{c}, ',')::uuid[]" if c == "replaces" else f"i.{c}" for c in given
    )
    sql = f"""
{name}_add as (insert into notice ({columns}) select {picked} from {name}_in i order by i.ord
  on conflict do nothing returning 1),
{name} as (select 1 from {name}_add)"""
    return Write(name, tuple(given.items()), sql, guard)


NOTICE = _queued("notice_put", guard=False)
"""A row of the ledger; one that is there already (same cause, recipient, channel) stays as it is.

Not called `notice`: the other parts of one statement would then read it in place of the table.
"""

NOTICE_ONCE = _queued("notice_once", guard=True)
"""The same where two processes may see the cause: who comes second loses the guard."""

DIGEST = _queued("notice_digest", guard=True, replaces=True)
"""A digest, with the ids of the notices it stands for as text, a comma between them."""

TAKEN = Write(
    "notice_taken",
    (
        ("incident_id", "uuid"),
        ("assignment_id", "uuid"),
        ("at", "timestamptz"),
        ("besides", "text"),
    ),
    f"""
notice_taken_lock as materialized (
  select n.incident_id, n.notice_id, i.at
  from notice n join notice_taken_in i using (incident_id, assignment_id)
  where n.state in ('queued', 'delivered') and n.acknowledged_at is null
    and n.notice_id <> all(string_to_array(i.besides, ',')::uuid[])
    and n.purpose in ({", ".join(f"'{purpose.value}'" for purpose in PROVEN)})
  order by n.notice_id for update of n),
notice_taken_set as (
  update notice n set acknowledged_at = l.at from notice_taken_lock l
  where n.incident_id = l.incident_id and n.notice_id = l.notice_id returning 1),
notice_taken as (select 1 from notice_taken_set)""",
    guard=False,
)
"""Notes when the unit had its order; whoever looks after proofs says so once it is delivered.

`besides` are ids with a comma between them: rows another part of the statement changes, because no
row can be changed twice in one. A row the same statement inserts is not seen here: it brings its
`acknowledged_at` along.
"""

OVERTAKEN = Write(
    "overtaken",
    (("incident_id", "uuid"), ("notice_id", "uuid"), ("pointless", "text")),
    """
overtaken_lock as materialized (
  select n.incident_id, n.notice_id from notice n join overtaken_in i using (incident_id, notice_id)
  where n.state || '' = 'queued' order by n.notice_id for update of n),
overtaken_set as (
  update notice n set pointless = i.pointless
  from overtaken_in i join overtaken_lock l using (incident_id, notice_id)
  where n.incident_id = i.incident_id and n.notice_id = i.notice_id returning 1),
overtaken as (select 1 from overtaken_set)""",
    guard=False,
)

PURGED = Write(
    "purged",
    (("incident_id", "uuid"),),
    """
purged_lock as materialized (
  select n.incident_id, n.notice_id from notice n join purged_in i using (incident_id)
  where n.state <> 'queued' order by n.notice_id for update of n),
purged_set as (
  update notice n set doc = null from purged_lock l
  where n.incident_id = l.incident_id and n.notice_id = l.notice_id returning 1),
purged as (select 1 from purged_set)""",
    guard=False,
)

HEARD = Write(
    "sla_heartbeat",
    (("lane", "smallint"), ("event_id", "uuid")),
    """
sla_heartbeat_set as (
  insert into sla_heartbeat as h (lane, event_id, heard_at)
  select i.lane, i.event_id, clock_timestamp() from sla_heartbeat_in i order by i.lane
  on conflict (lane) do update set event_id = excluded.event_id, heard_at = excluded.heard_at
  returning 1),
sla_heartbeat as (select 1 from sla_heartbeat_set)""",
    guard=False,
)

_LOAD = """
select v.incident_id, v.version, v.doc, 0::bigint as seq, null::uuid as notice_id,
  null::text as recipient, null::text as channel, null::text as purpose,
  null::uuid as assignment_id, null::uuid as clock_id, null::text as owner, null::text as pointless,
  null::boolean as late
from incident_view v where v.incident_id = any($1::uuid[])
union all
select n.incident_id, 0, null, n.seq, n.notice_id, n.recipient, n.channel, n.purpose,
  n.assignment_id, n.clock_id, n.owner, n.pointless, n.late
from notice n where n.incident_id = any($1::uuid[]) and n.state || '' = 'queued'
"""
"""`state || ''` keeps the planner off the index of open rows, which it takes for empty: in a backlog
every batch would read through all of it.
"""

_STANDING = """
select notice_id from notice where incident_id = any($1::uuid[]) and notice_id = any($2::uuid[])
"""
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(View)


@dataclass
class _Known:
    version: int = 0
    view: View | None = None
    queued: list[OpenNotice] = field(default_factory=list)


class PostgresLedger:
    """The port `Ledger`; `owner` names this process's life: instance and boot."""

    def __init__(self, database: Database, owner: str) -> None:
        self.owner = owner
        self._database = database
        self._taken_for_new: set[UUID] = set()

    async def load(
        self, incidents: Collection[UUID], opened: Collection[UUID] = ()
    ) -> dict[UUID, Known]:
        """Return view and queued notices of *incidents*; raises Unavailable.

        Where all were *opened* by this batch nothing is looked up: nobody can know of them, unless
        their event is handled again or sla spoke first. The guard of the view proves it, and
        whoever has lost it once is looked up.
        """
        found = {incident: _Known() for incident in sorted(incidents)}
        if len(opened) == len(found) and self._taken_for_new.isdisjoint(found):
            self._taken_for_new |= found.keys()
            return dict(found)
        rows = await self._database.fetch(_LOAD, list(found))
        for row in sorted(rows, key=lambda r: r["seq"]):
            known = found[row["incident_id"]]
            if row["notice_id"] is None:
                known.version, known.view = row["version"], _DECODER.decode(row["doc"])
            else:
                known.queued.append(_open(row))
        return dict(found)

    async def standing(self, notices: Collection[Notice]) -> set[UUID]:
        """Return the ids of those *notices* that have a row already; raises Unavailable."""
        if not notices:
            return set()
        incidents = sorted({notice.order.incident_id for notice in notices})
        wanted = sorted({notice.order.notice_id for notice in notices})
        rows = await self._database.fetch(_STANDING, incidents, wanted)
        return {row["notice_id"] for row in rows}

    def save_view(self, work: Work, view: View, base: int) -> None:
        """Write *view* if the stored one is still at version *base*."""
        doc = _ENCODER.encode(view)
        if base:
            work.put(VIEW, view.incident_id, base, base + 1, doc)
        else:
            work.put(VIEW_OPENED, view.incident_id, doc)
        if view.incident_id in self._taken_for_new:
            work.after(partial(self._taken_for_new.discard, view.incident_id))

    def queue(self, work: Work, notice: Notice, body: bytes, owner: str, why: str | None) -> None:
        """Write the row that must stand before any call."""
        work.put(NOTICE, *notice_row(notice, body, owner, why))

    def taken(
        self, work: Work, incident: UUID, duties: Mapping[UUID, datetime], besides: Iterable[UUID]
    ) -> None:
        """Note when units had taken their orders, on all rows but *besides*."""
        left_out = ",".join(map(str, sorted(besides)))
        for assignment, at in sorted(duties.items()):
            work.put(TAKEN, incident, assignment, at, left_out)

    def overtake(self, work: Work, incident: UUID, reasons: Mapping[UUID, str]) -> None:
        """Mark queued rows of *incident* that need not be sent any more."""
        for notice_id, why in sorted(reasons.items()):
            work.put(OVERTAKEN, incident, notice_id, why)

    def purge(self, work: Work, incident: UUID) -> None:
        """Clear the texts of an incident whose retention has ended."""
        work.put(PURGED, incident)

    def heard(self, work: Work, lane: Lane, event: UUID) -> None:
        """Note that sla's heartbeat was heard now (the database's wall clock)."""
        work.put(HEARD, lane.number, event)


def notice_row(notice: Notice, body: bytes, owner: str, why: str | None) -> tuple[Any, ...]:
    """Return the ledger's row of *notice*, its columns in the declared order."""
    order = notice.order
    return (
        order.notice_id,
        order.incident_id,
        notice.cause,
        order.recipient,
        str(order.channel),
        order.purpose.value,
        order.lane.number,
        order.assignment_id,
        notice.clock_id,
        owner,
        why,
        order.queued_at,
        notice.trace,
        body,
        notice.late,
        notice.acknowledged_at,
    )


def _open(row: Any) -> OpenNotice:
    return OpenNotice(
        notice_id=row["notice_id"],
        recipient=row["recipient"],
        channel=row["channel"],
        purpose=Purpose(row["purpose"]),
        assignment_id=row["assignment_id"],
        clock_id=row["clock_id"],
        owner=row["owner"],
        pointless=row["pointless"],
        late=row["late"],
    )
