-- Retention: which incidents speak of a call, and what is left once they are all purged.

create table call_case (
  call_id     uuid not null,
  incident_id uuid not null,
  state       text not null check (state in ('open', 'purged', 'cleared')),
  primary key (call_id, incident_id)
);
create index call_case_purged on call_case (call_id) where state = 'purged';

alter table calls add column purged boolean not null default false;  -- doc holds grid and kind only
create index calls_kept on calls (recorded_at, call_id) where not purged;

alter table feedback alter column doc drop not null;                 -- null: purged with its call
create index feedback_of_call on feedback (call_id);
create index feedback_kept on feedback (recorded_at, feedback_id) where doc is not null;
