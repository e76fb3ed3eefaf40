-- Facts: scalar columns of the newest snapshot of each aggregate, one row per aggregate and epoch.
--
-- Inside an epoch a newer version replaces the row; the first change after a freeze begins a new
-- row. So what a freeze saw (every row of its epoch or an earlier one, the highest of each key)
-- stays as it was for ever, and a month can be recomputed as of that freeze's offsets.

create table epoch (
  only_row boolean primary key default true check (only_row),
  number   integer not null
);
insert into epoch (number) values (1);

-- A freeze notes the offsets its epoch ends with. Order: lock the epoch's row (batches in flight
-- hold it shared), read consumer_offset in a further statement, insert here, number + 1, commit.
create table epoch_end (
  number  integer primary key,
  offsets jsonb not null,              -- {"<topic>/<partition>": next}
  at      timestamptz not null
);

-- Newest event time heard, by partition and population: the cut of a month that is not over.
create table heard (
  topic     text not null,
  partition integer not null,
  exercise  boolean not null,
  at        timestamptz not null,
  primary key (topic, partition, exercise)
) with (fillfactor = 50);

create table call_fact (
  call_id     uuid not null,
  epoch       integer not null,
  version     bigint not null,
  opens       uuid not null,           -- id of the incident this call would open
  source      text not null,
  line        text not null,
  lane        text not null,
  received_at timestamptz not null,
  recorded_at timestamptz not null,
  category    text not null,
  severity    smallint not null,
  area        text,
  withdrawn   boolean not null,
  exercise    boolean not null,
  test        boolean not null,
  primary key (call_id, epoch)
) with (fillfactor = 90);
create index call_fact_received on call_fact (received_at);

-- A call that joined an incident another call had opened.
create table call_link (
  call_id     uuid not null,
  incident_id uuid not null,
  epoch       integer not null,
  primary key (call_id, incident_id)
);

create table incident_fact (
  incident_id   uuid not null,
  epoch         integer not null,
  version       bigint not null,
  number        text not null,
  line          text not null,
  lane          text not null,
  state         text not null,
  affair        text not null,
  category      text not null,
  severity      smallint not null,
  area          text,
  received_at   timestamptz not null,
  accepted_at   timestamptz,
  dispatched_at timestamptz,
  on_scene_at   timestamptz,
  handled_at    timestamptz,
  ended_at      timestamptz,
  merged_into   uuid,
  rework        smallint not null,
  reopened      smallint not null,
  pack_version  text not null,
  exercise      boolean not null,
  test          boolean not null,
  primary key (incident_id, epoch)
) with (fillfactor = 70);
create index incident_fact_received on incident_fact (received_at);

-- Keyed with the incident too: a merge shows the same assignment in two incidents.
create table assignment_fact (
  assignment_id    uuid not null,
  incident_id      uuid not null,
  epoch            integer not null,
  version          bigint not null,
  unit             text not null,
  department       text not null,
  unit_kind        text not null,
  role             text not null,
  origin           text not null,
  state            text not null,
  relation         text not null,
  sent_at          timestamptz,
  acked_at         timestamptz,
  turned_out_at    timestamptz,
  assembled_at     timestamptz,
  arrived_at       timestamptz,
  arrived_by       text,
  arrived_late_told boolean not null,  -- back-dated by more than the tolerance
  ended_at         timestamptz,
  ended_by         text,
  ended_late_told  boolean not null,
  waived_at        timestamptz,
  fed_back_at      timestamptz,
  released_at      timestamptz,
  rework           smallint not null,
  exempt           text not null,      -- named reasons, blank between them
  exercise         boolean not null,
  test             boolean not null,
  primary key (assignment_id, incident_id, epoch)
) with (fillfactor = 70);

create table clock_fact (
  clock_id      uuid not null,
  incident_id   uuid not null,
  epoch         integer not null,
  version       bigint not null,
  kind          text not null,
  rule          text not null,
  rule_version  text not null,
  assignment_id uuid,
  unit          text,
  started       timestamptz not null,
  due           timestamptz not null,
  limit_s       double precision not null,
  state         text not null,
  judged        boolean not null,
  day           boolean not null,
  stopped       timestamptz,
  breached_at   timestamptz,
  found_late    boolean not null,
  corrected     boolean not null,
  exempt        boolean not null,
  exercise      boolean not null,
  primary key (clock_id, incident_id, epoch)
) with (fillfactor = 70);
create index clock_fact_due on clock_fact (due);

create table notice_fact (
  notice_id     uuid not null,
  epoch         integer not null,
  version       bigint not null,
  incident_id   uuid not null,
  cause         uuid not null,
  assignment_id uuid,
  recipient     text not null,         -- a unit's or post's id
  channel       text not null,
  purpose       text not null,
  state         text not null,
  attempts      integer not null,
  queued_at     timestamptz not null,
  at            timestamptz not null,
  reason        text,
  exercise      boolean not null,
  primary key (notice_id, epoch)
) with (fillfactor = 70);

create table rejection_fact (
  rejection_id uuid not null,
  epoch        integer not null,
  version      bigint not null,
  source       text not null,
  reasons      text not null,          -- named reasons, blank between them
  body_bytes   integer not null,
  rejected_at  timestamptz not null,
  primary key (rejection_id, epoch)
);
create index rejection_fact_rejected on rejection_fact (rejected_at);
