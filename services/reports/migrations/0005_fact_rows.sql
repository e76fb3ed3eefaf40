-- The rows of a batch of facts travel as one array of a composite type (`Write.row`), columns in the order
-- of the fact's fields. Such a type is never altered: an older process still passes it, so other columns
-- take another type.

create type call_fact_row as (
  call_id     uuid,
  version     bigint,
  opens       uuid,
  source      text,
  line        text,
  lane        text,
  received_at timestamptz,
  recorded_at timestamptz,
  category    text,
  severity    bigint,
  area        text,
  withdrawn   boolean,
  exercise    boolean,
  test        boolean,
  rang_at     timestamptz,
  answered_at timestamptz
);

create type call_link_row as (
  call_id     uuid,
  incident_id uuid
);

create type incident_fact_row as (
  incident_id   uuid,
  version       bigint,
  number        text,
  line          text,
  lane          text,
  state         text,
  affair        text,
  category      text,
  severity      bigint,
  area          text,
  received_at   timestamptz,
  accepted_at   timestamptz,
  dispatched_at timestamptz,
  on_scene_at   timestamptz,
  handled_at    timestamptz,
  ended_at      timestamptz,
  merged_into   uuid,
  rework        bigint,
  reopened      bigint,
  pack_version  text,
  exercise      boolean,
  test          boolean
);

create type assignment_fact_row as (
  assignment_id     uuid,
  incident_id       uuid,
  version           bigint,
  unit              text,
  department        text,
  unit_kind         text,
  role              text,
  origin            text,
  state             text,
  relation          text,
  sent_at           timestamptz,
  acked_at          timestamptz,
  turned_out_at     timestamptz,
  assembled_at      timestamptz,
  arrived_at        timestamptz,
  arrived_by        text,
  arrived_late_told boolean,
  ended_at          timestamptz,
  ended_by          text,
  ended_late_told   boolean,
  waived_at         timestamptz,
  fed_back_at       timestamptz,
  released_at       timestamptz,
  rework            bigint,
  exempt            text,
  exercise          boolean,
  test              boolean
);

create type clock_fact_row as (
  clock_id      uuid,
  kind          text,
  rule          text,
  rule_version  text,
  assignment_id uuid,
  unit          text,
  started       timestamptz,
  due           timestamptz,
  limit_s       double precision,
  state         text,
  judged        boolean,
  day           boolean,
  stopped       timestamptz,
  breached_at   timestamptz,
  found_late    boolean,
  corrected     boolean,
  exempt        boolean,
  incident_id   uuid,
  version       bigint,
  exercise      boolean
);

create type notice_fact_row as (
  notice_id     uuid,
  version       bigint,
  incident_id   uuid,
  cause         uuid,
  assignment_id uuid,
  recipient     text,
  channel       text,
  purpose       text,
  state         text,
  attempts      bigint,
  queued_at     timestamptz,
  at            timestamptz,
  reason        text,
  exercise      boolean
);

create type rejection_fact_row as (
  rejection_id uuid,
  version      bigint,
  source       text,
  reasons      text,
  body_bytes   bigint,
  rejected_at  timestamptz
);

create type call_repeat_row as (
  call_id  uuid,
  again_id uuid
);

create type call_back_fact_row as (
  call_back_id  uuid,
  incident_id   uuid,
  version       bigint,
  call_id       uuid,
  assignment_id uuid,
  unit          text,
  again         bigint,
  attempts      bigint,
  at            timestamptz,
  reached       boolean,
  responded     boolean,
  resolved      boolean,
  satisfied     boolean,
  after         text,
  exercise      boolean,
  test          boolean
);

create type appeal_fact_row as (
  appeal_id     uuid,
  incident_id   uuid,
  version       bigint,
  assignment_id uuid,
  unit          text,
  about         text,
  ground        text,
  state         text,
  asked_at      timestamptz,
  decided_at    timestamptz,
  exercise      boolean,
  test          boolean
);

create type deferral_fact_row as (
  deferral_id   uuid,
  incident_id   uuid,
  version       bigint,
  assignment_id uuid,
  unit          text,
  kind          text,
  state         text,
  approvals     bigint,
  asked_at      timestamptz,
  decided_at    timestamptz,
  until         timestamptz,
  resumed_at    timestamptz,
  exercise      boolean,
  test          boolean
);

create type upward_report_fact_row as (
  report_id    uuid,
  incident_id  uuid,
  version      bigint,
  stage        text,
  sequence     bigint,
  level        text,
  unit         text,
  medium       text,
  due          timestamptz,
  submitted_at timestamptz,
  carries      text,
  supersedes   uuid,
  fault        text,
  exercise     boolean,
  test         boolean
);

create type supervision_fact_row as (
  supervision_id uuid,
  incident_id    uuid,
  version        bigint,
  kind           text,
  level          bigint,
  clock_id       uuid,
  assignment_id  uuid,
  unit           text,
  opened_at      timestamptz,
  due            timestamptz,
  answered_at    timestamptz,
  closed_at      timestamptz,
  exercise       boolean
);

create type roster_fact_row as (
  roster_id uuid,
  version   bigint,
  unit      text,
  begins    timestamptz,
  ends      timestamptz,
  people    bigint
);

create type heard_row as (
  topic     text,
  partition integer,
  exercise  boolean,
  at        timestamptz
);
