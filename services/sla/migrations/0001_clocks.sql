-- Clocks: one document per incident, and one small row per clock that can still fire.

create table clock_set (
  incident_id      uuid primary key,
  version          bigint not null,
  incident_version bigint not null,
  lane             smallint not null,
  doc              bytea not null
) with (
  fillfactor = 80,
  toast_tuple_target = 8160,             -- a set of a usual incident stays in its row
  autovacuum_vacuum_scale_factor = 0.02
);
alter table clock_set alter column doc set storage external;  -- compressing costs more than it saves

create table open_clock (
  clock_id    uuid primary key,
  incident_id uuid not null,
  lane        smallint not null,
  kind        text not null,
  next_at     timestamptz not null,      -- next warning, or due plus grace
  due         timestamptz not null
) with (
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000
);
create index open_clock_next on open_clock (next_at, clock_id);

create table heartbeat (
  heartbeat_id uuid primary key,         -- one series per instance and lane
  version      bigint not null,
  instance     text not null
);
