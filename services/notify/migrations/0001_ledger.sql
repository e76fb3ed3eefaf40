-- The notice ledger (row before the call), who holds which rows, and what notify knows of incidents.

create table notice (
  seq           bigint not null generated always as identity,
  notice_id     uuid primary key,      -- uuid5 of (cause, recipient, channel): unique on these three
  incident_id   uuid not null,         -- nil for a notice of no incident (watchdog)
  cause         uuid not null,         -- event that caused it
  recipient     text not null,
  channel       text not null,
  purpose       text not null,
  lane          smallint not null,
  assignment_id uuid,
  clock_id      uuid,
  state         text not null default 'queued',
  version       bigint not null default 0,   -- of its last event in notice.events
  attempts      integer not null default 0,
  next_at       timestamptz not null default clock_timestamp(),  -- wall time
  owner         text not null,         -- process that sends it, '' for nobody yet
  pointless     text,                  -- overtaken by a newer state: not sent any more
  queued_at     timestamptz not null,  -- platform time, as settled_at
  settled_at    timestamptz,
  provider_ref  text,
  reason        text,
  trace         text,
  doc           bytea                  -- the order as sent; null once the incident is purged
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create index notice_of_incident on notice (incident_id, seq);
create index notice_open on notice (owner, seq) where state = 'queued';
create index notice_open_incident on notice (incident_id) where state = 'queued';

create table holder (
  owner       text primary key,        -- instance/boot
  alive_until timestamptz not null     -- wall time; past it others take the rows over
);

create table incident_view (
  incident_id uuid primary key,
  version     bigint not null,         -- guards the row; not the incident's own version
  doc         bytea not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create table sla_heartbeat (
  lane     smallint primary key,
  event_id uuid not null,              -- last heartbeat heard: names the silence after it
  heard_at timestamptz not null        -- wall time
);
