-- Retention: since when an incident is over, what it is held for, and who said so.

alter table incident
  add column over_since timestamptz,      -- null: not over yet, held, or purged
  add column held boolean not null default false;

update incident
set over_since = coalesce((convert_from(doc, 'UTF8')::jsonb ->> 'ended_at')::timestamptz, updated_at)
where state in ('closed', 'invalid', 'cancelled', 'duplicate', 'transferred');

create index incident_over on incident (lane, over_since, incident_id) where over_since is not null;
create index incident_held on incident (incident_id) where held;

create table hold (
  incident_id uuid not null,
  version     bigint not null,            -- of the incident the decision led to
  what        text not null check (what in ('held', 'hold_released')),
  purpose     text not null,              -- evidence, assessment
  by_whom     text not null,              -- name of the key
  reason      text,                       -- the desk's words; null once the incident is purged
  decided_at  timestamptz not null,
  primary key (incident_id, version)
);
