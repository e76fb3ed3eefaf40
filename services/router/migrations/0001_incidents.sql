-- Incidents with their snapshot, whose call they are, their assignments, decisions and numbers.

create table incident (
  incident_id uuid primary key,
  version     bigint not null,
  number      text not null unique,
  lane        smallint not null,
  state       text not null,
  opened_at   timestamptz not null,       -- when its first call was received
  updated_at  timestamptz not null,
  awaits      text,                       -- what the desk has to decide: return, attention, check
  doc         bytea not null              -- the snapshot as it is said
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index incident_by_state on incident (state, opened_at desc, incident_id desc);
create index incident_by_age on incident (opened_at desc, incident_id desc);

create index incident_awaiting on incident (opened_at, incident_id) where awaits is not null;

create table call_link (
  call_id     uuid primary key,
  version     bigint not null,
  incident_id uuid,                       -- null: not heard of itself, feedback of it is parked
  chain_id    uuid,                       -- where further calls of its chain belong, if elsewhere
  revision    integer not null            -- 0: only named as the root of a chain, or by feedback
) with (fillfactor = 80);

create table assignment (
  assignment_id uuid primary key,
  incident_id   uuid not null
);

create table decision (
  incident_id uuid not null,
  version     bigint not null,            -- of the incident the decision led to
  decided_at  timestamptz not null,
  doc         bytea not null,
  primary key (incident_id, version)
);

create table parked_feedback (
  feedback_id uuid primary key,
  call_id     uuid not null,
  parked_at   timestamptz not null,
  doc         bytea not null
) with (autovacuum_vacuum_scale_factor = 0.05);
create index parked_feedback_by_call on parked_feedback (call_id);
create index parked_feedback_by_age on parked_feedback (parked_at, feedback_id);

create table number_counter (
  day  date primary key,                  -- local day
  last bigint not null
);
