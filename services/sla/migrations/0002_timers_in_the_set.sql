-- A set fires when the first of its clocks does: the row that is rewritten by every firing carries
-- the moment itself. A timer row per clock was written and deleted beside it, two index entries each.

alter table clock_set
  add column next_at     timestamptz,    -- first step of all its clocks; null: none can fire any more
  add column open_clocks smallint not null default 0;  -- how many can

update clock_set s set next_at = o.next_at, open_clocks = o.clocks
from (select incident_id, min(next_at) as next_at, count(*) as clocks from open_clock group by incident_id) o
where s.incident_id = o.incident_id;

drop table open_clock;

-- nobody reads them: both stand in the document
alter table clock_set drop column incident_version, drop column lane;

create index clock_set_next on clock_set (next_at) where next_at is not null;
alter table clock_set set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
