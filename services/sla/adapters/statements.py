"""The SQL of clock sets: storing them, reading what is due, and firing it in one statement."""

from __future__ import annotations

from shared.runtime.store import Write

BATCH = 500
"""Sets looked at together."""

_KEPT = (
    ("version", "bigint"),
    ("next_at", "timestamptz"),
    ("open_clocks", "smallint"),
    ("doc", "bytea"),
)

# two writes: a batch of new incidents, the usual one, does not pay for the parts of the other
BEGUN = Write(
    "clock_set_begun",
    (("incident_id", "uuid"), *_KEPT),
    """
clock_set_begun as (
  insert into clock_set (incident_id, version, next_at, open_clocks, doc)
  select i.incident_id, i.version, i.next_at, i.open_clocks, i.doc from clock_set_begun_in i
  order by i.incident_id on conflict do nothing returning 1)""",
)

MOVED = Write(
    "clock_set_moved",
    (("incident_id", "uuid"), ("base", "bigint"), *_KEPT),
    """
clock_set_held as materialized (
  select i.* from clock_set s
  join clock_set_moved_in i on i.incident_id = s.incident_id and i.base = s.version
  order by s.incident_id for update of s),
clock_set_moved as (
  update clock_set s set version = h.version, next_at = h.next_at, open_clocks = h.open_clocks,
    doc = h.doc
  from clock_set_held h where s.incident_id = h.incident_id returning 1)""",
)
"""Sets still at the version that was read (`base`), locked in key order: a firing locks in it too."""


def due(*, skip: bool = False) -> str:
    """Return the reading statement; it takes no parameter, so that its plan is the index's.

    The platform's time is asked once, before the rows: a call in the predicate itself would be
    made for every row of the index.
    """
    offset = f" offset {BATCH}" if skip else ""
    return f"""
with tick as materialized (select platform.now() as now),
due as materialized (
  select next_at, doc from clock_set where next_at <= (select now from tick)
  order by next_at limit {BATCH}{offset})
select t.now, (select min(next_at) from clock_set) as earliest, d.next_at, d.doc
from tick t left join due d on true
"""


FIRE = """
with fired as materialized (
  select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::smallint[],
    $6::bytea[], $7::smallint[], $8::text[], $9::bytea[], $10::bytea[], $11::bytea[])
    with ordinality as f(incident_id, base, version, next_at, open_clocks, doc,
      lane, topic, key, headers, value, ord)),
held as materialized (
  select f.* from clock_set s
  join fired f on f.incident_id = s.incident_id and f.base = s.version
  order by s.incident_id for update of s skip locked),
marked as (
  update clock_set s set version = h.version, next_at = h.next_at, open_clocks = h.open_clocks,
    doc = h.doc
  from held h where s.incident_id = h.incident_id returning 1),
said as (
  insert into outbox (lane, topic, key, headers, value)
  select h.lane, h.topic, h.key, h.headers, h.value from held h order by h.ord returning 1)
select incident_id from held
"""
"""Fires each set that is still at the version it was read at and that nobody else is changing.

Sets are independent of one another: another instance may take some of the batch, the rest is
written; of one set everything is written or nothing.
"""

OPEN_COUNT = """
select case when known.clocks > 50000 then known.clocks::bigint
    else (select coalesce(sum(open_clocks), 0) from clock_set where next_at is not null) end as open,
  (select min(next_at) from clock_set) as earliest, (select platform.now()) as now
from (
  select coalesce(max(c.reltuples) * sum(m.clocks * m.share), 0) as clocks
  from pg_class c
  left join pg_stats s on s.schemaname = current_schema() and s.tablename = c.relname
    and s.attname = 'open_clocks'
  left join lateral unnest(s.most_common_vals::text::integer[], s.most_common_freqs)
    as m(clocks, share) on true
  where c.oid = 'clock_set'::regclass) known
"""
"""Many are not counted but taken from the planner's estimate: a count every 10 s would delay firings."""

COMING = """
select incident_id, next_at, doc from clock_set
where next_at <= $1 and (next_at, incident_id) > ($2, $3)
order by next_at, incident_id limit $4
"""
"""Sets by their first step, from a place on."""
