-- Alarms to the desk, digests of what an outage made late, and the unit's own proof that it was told.

create table alarm (
  alarm_id uuid primary key,           -- uuid5 of kind and subject
  version  bigint not null,            -- guards the row; makes the cause of its notices
  doc      bytea not null
) with (fillfactor = 70);

alter table notice
  add column placed_at timestamptz not null default clock_timestamp(),  -- wall time, as next_at
  add column late boolean not null default false,  -- too old to be told singly: waits for a digest
  add column replaces uuid[],          -- of a digest: the notices it stands for
  add column acknowledged_at timestamptz;          -- platform time: when the unit had taken its order

create index notice_taken on notice (notice_id)
  where state = 'delivered' and acknowledged_at is not null;
