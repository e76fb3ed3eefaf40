-- Facts of what follows the handling (ADR 0019): one row per key and epoch, as in 0001.
--
-- Keyed with the incident too: a merge shows the same duty, and what was said of it, in two incidents.

alter table call_fact add column rang_at timestamptz, add column answered_at timestamptz;

-- A call that was followed by another of the same caller 8 min to 72 h later: the link, no hash.
create table call_repeat (
  call_id  uuid not null,
  again_id uuid not null,
  epoch    integer not null,
  primary key (call_id, again_id)
);

create table call_back_fact (
  call_back_id  uuid not null,
  incident_id   uuid not null,
  epoch         integer not null,
  version       bigint not null,
  call_id       uuid not null,
  assignment_id uuid,                  -- the duty judged
  unit          text,
  again         integer not null,      -- how often the incident had been reopened
  attempts      integer not null,
  at            timestamptz not null,
  reached       boolean not null,
  responded     boolean,               -- null: not said
  resolved      boolean,
  satisfied     boolean,
  after         text not null,
  exercise      boolean not null,
  test          boolean not null,
  primary key (call_back_id, incident_id, epoch)
) with (fillfactor = 70);
create index call_back_fact_at on call_back_fact (at);

create table appeal_fact (
  appeal_id     uuid not null,
  incident_id   uuid not null,
  epoch         integer not null,
  version       bigint not null,
  assignment_id uuid not null,
  unit          text,
  about         text not null,         -- what it would exempt, blank between
  ground        text not null,
  state         text not null,
  asked_at      timestamptz not null,
  decided_at    timestamptz,
  exercise      boolean not null,
  test          boolean not null,
  primary key (appeal_id, incident_id, epoch)
) with (fillfactor = 70);
create index appeal_fact_asked on appeal_fact (asked_at);
create index appeal_fact_assignment on appeal_fact (assignment_id);

create table deferral_fact (
  deferral_id   uuid not null,
  incident_id   uuid not null,
  epoch         integer not null,
  version       bigint not null,
  assignment_id uuid not null,
  unit          text,
  kind          text not null,
  state         text not null,
  approvals     integer not null,
  asked_at      timestamptz not null,
  decided_at    timestamptz,
  until         timestamptz,
  resumed_at    timestamptz,
  exercise      boolean not null,
  test          boolean not null,
  primary key (deferral_id, incident_id, epoch)
) with (fillfactor = 70);
create index deferral_fact_assignment on deferral_fact (assignment_id);

create table upward_report_fact (
  report_id    uuid not null,
  incident_id  uuid not null,
  epoch        integer not null,
  version      bigint not null,
  stage        text not null,
  sequence     integer not null,
  level        text not null,
  unit         text,                   -- null: the centre itself owes it
  medium       text,
  due          timestamptz,            -- null: nothing sets a limit
  submitted_at timestamptz,            -- null: not made yet
  carries      text not null,          -- names of the fields it had, blank between
  supersedes   uuid,
  fault        text,
  exercise     boolean not null,
  test         boolean not null,
  primary key (report_id, incident_id, epoch)
) with (fillfactor = 70);
create index upward_report_fact_when on upward_report_fact ((coalesce(due, submitted_at)));

create table supervision_fact (
  supervision_id uuid not null,
  incident_id    uuid not null,
  epoch          integer not null,
  version        bigint not null,
  kind           text not null,
  level          integer not null,     -- the highest rung reached
  clock_id       uuid,
  assignment_id  uuid,
  unit           text,
  opened_at      timestamptz not null,
  due            timestamptz,
  answered_at    timestamptz,
  closed_at      timestamptz,
  exercise       boolean not null,
  primary key (supervision_id, incident_id, epoch)
) with (fillfactor = 70);
create index supervision_fact_opened on supervision_fact (opened_at);

-- The duty roster is not an event: it is imported, a unit's span at a time.
create table roster_fact (
  roster_id uuid not null,
  epoch     integer not null,
  version   bigint not null,
  unit      text not null,
  begins    timestamptz not null,
  ends      timestamptz not null,
  people    integer not null,
  primary key (roster_id, epoch)
);
create index roster_fact_begins on roster_fact (begins);
