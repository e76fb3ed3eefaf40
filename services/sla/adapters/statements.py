"""The SQL of sla's timer rows: reading what is due, and firing it in one statement."""

from __future__ import annotations

BATCH = 500
"""Timer rows looked at together."""


def due(*, skip: bool = False) -> str:
    """Return the reading statement; it takes no parameter, so that its plan is the index's.

    The platform's time is asked once, before the rows: a call in the predicate itself would be
    made for every row of the index.
    """
    offset = f" offset {BATCH}" if skip else ""
    return f"""
with tick as materialized (select platform.now() as now),
due as materialized (
  select incident_id, next_at from open_clock where next_at <= (select now from tick)
  order by next_at, clock_id limit {BATCH}{offset}),
incidents as materialized (
  select incident_id, min(next_at) as next_at from due group by incident_id)
select t.now, (select next_at from open_clock order by next_at, clock_id limit 1) as earliest,
  d.next_at, s.doc
from tick t left join (incidents d join clock_set s using (incident_id)) on true
"""


FIRE = """
with fired as materialized (
  select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::smallint[], $6::text[], $7::bytea[], $8::bytea[], $9::bytea[])
    with ordinality as f(incident_id, base, version, doc, lane, topic, key, headers, value, ord)),
held as materialized (
  select f.* from clock_set s
  join fired f on f.incident_id = s.incident_id and f.base = s.version
  order by s.incident_id for update of s skip locked),
marked as (
  update clock_set s set version = h.version, doc = h.doc
  from held h where s.incident_id = h.incident_id returning 1),
steps as materialized (
  select * from unnest($10::uuid[], $11::uuid[], $12::timestamptz[])
    as s(clock_id, incident_id, next_at)),
moved as (
  update open_clock o set next_at = s.next_at from steps s
  where o.clock_id = s.clock_id and s.next_at is not null
    and (s.incident_id in (select h.incident_id from held h)) is true returning 1),
gone as (
  delete from open_clock o using steps s
  where o.clock_id = s.clock_id and s.next_at is null
    and (s.incident_id in (select h.incident_id from held h)) is true returning 1),
said as (
  insert into outbox (lane, topic, key, headers, value)
  select h.lane, h.topic, h.key, h.headers, h.value from held h order by h.ord returning 1)
select incident_id from held
"""
"""Fires each set that is still at the version it was read at and that nobody else is changing.

Sets are independent of one another: another instance may take some of the batch, the rest is
written; of one set everything is written or nothing. `(… in (…)) is true` is looked up in a hash:
joined plainly, the two short-looking lists are compared row by row (0.3 ms a fire at 500 rows).
"""

OPEN_COUNT = """
select case when known.rows <= 50000
    then (select count(*) from open_clock) else known.rows::bigint end as open,
  (select min(next_at) from open_clock) as earliest, (select platform.now()) as now
from (select reltuples as rows from pg_class where oid = 'open_clock'::regclass) known
"""
"""Many are not counted but taken from the planner's estimate: a count every 10 s would delay firings."""

LIST = """
select clock_id, incident_id, lane, kind, next_at, due from open_clock
where next_at <= $1 and due <= $1 and (next_at, clock_id) > ($2, $3)
order by next_at, clock_id limit $4
"""
