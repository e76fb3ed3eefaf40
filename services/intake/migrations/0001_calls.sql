-- Calls with their revisions, units' records, refused bodies, and the contact vault.

create table calls (
  call_id     uuid primary key,
  version     bigint not null,             -- = the call's revision
  source      text not null,
  source_id   text not null,
  root        text not null,               -- zjjdbh or jjdbh: the first call of the source's chain
  lane        smallint not null,           -- 0 urgent, 1 ordinary; fixed by the first revision
  region      text not null,
  area        text,
  exercise    boolean not null,
  received_at timestamptz not null,
  recorded_at timestamptz not null,
  contact     uuid,                        -- token into the vault
  digests     bytea not null,              -- keyed digests of the bodies, 16 bytes each, newest last
  doc         bytea not null               -- the Call of the newest revision, JSON, scrubbed
);

create table feedback (
  feedback_id uuid primary key,            -- one per body: its stamps are facts, not a state
  source      text not null,
  record_id   text not null,
  call_id     uuid not null,
  unit        text not null,
  exercise    boolean not null,
  recorded_at timestamptz not null,
  doc         bytea not null               -- the UnitFeedback, JSON, scrubbed
);

create table rejection (
  rejection_id uuid primary key,
  source       text not null,
  source_id    text,
  rejected_at  timestamptz not null,
  doc          bytea not null              -- the CallRejected, JSON: field names and reasons only
);

-- one key per call: once wrapped_key is gone no copy of the sealed record can be read again
create table contact (
  token        uuid primary key,
  call_id      uuid not null,
  wrapped_key  bytea,
  sealed       bytea,
  sealed_at    timestamptz not null default clock_timestamp(),
  destroyed_at timestamptz,
  check ((wrapped_key is null) = (destroyed_at is not null))
);

create table contact_access (
  access_id   bigint primary key generated always as identity,
  token       uuid not null,
  call_id     uuid not null,
  who         text not null,               -- name of the key
  what        text not null check (what in ('masked', 'destroyed')),
  reason      text not null,
  accessed_at timestamptz not null default clock_timestamp()
);
create index contact_access_token on contact_access (token, access_id);
