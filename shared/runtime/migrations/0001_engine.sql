-- What every service's schema needs to consume, decide and say; applied into each schema.

create function guard(name text, expected bigint, actual bigint) returns bigint
language plpgsql as $$
begin
  if expected is distinct from actual then
    raise exception using errcode = 'LD001', message = name,
      detail = format('expected %s rows, met %s', expected, actual);
  end if;
  return actual;
end
$$;

create table consumer_offset (
  consumer    text not null,
  topic       text not null,
  partition   integer not null,
  next        bigint not null,
  last_event  text,                    -- ce_id of record next - 1, null when seeded
  cluster     text,                    -- cluster the offset belongs to
  dead_run    integer not null default 0,   -- dead letters in a row
  dead_recent integer not null default 0,   -- of the last seen_recent records
  seen_recent integer not null default 0,
  primary key (consumer, topic, partition)
);

create table high_water (
  aggregate uuid not null,
  producer  text not null,
  consumer  text not null,
  version   bigint not null,
  primary key (aggregate, producer, consumer)
) with (fillfactor = 80);

create table outbox (
  lane       smallint not null,
  seq        bigint not null generated always as identity,
  topic      text not null,
  key        bytea not null,
  headers    bytea not null,
  value      bytea,
  created_at timestamptz not null default clock_timestamp(),
  primary key (lane, seq)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

create table outbox_parked (
  lane      smallint not null,
  key       bytea not null,
  topic     text not null,
  reason    text not null,
  parked_at timestamptz not null default clock_timestamp(),
  primary key (lane, topic, key)
);

create table dead_letter (
  consumer    text not null,
  topic       text not null,
  partition   integer not null,
  record      bigint not null,         -- offset of the record
  event_id    text,
  reason      text not null,
  stage       text not null,           -- decode, handle, crash
  detail      text not null,
  key         bytea,
  headers     bytea not null,
  value       bytea,
  state       text not null default 'open' check (state in ('open', 'replayed', 'discarded')),
  found_at    timestamptz not null default clock_timestamp(),
  settled_at  timestamptz,
  settled_by  text,
  primary key (consumer, topic, partition, record)
);
create index dead_letter_open on dead_letter (found_at) where state = 'open';

create table crash (
  consumer  text not null,
  topic     text not null,
  partition integer not null,
  record    bigint not null,           -- offset the attempts are counted for
  attempts  integer not null,
  until     bigint,                    -- handle records one by one up to this offset
  primary key (consumer, topic, partition)
);

create table command (
  command_id text primary key,
  caller     text not null,
  request    bytea not null,           -- digest of the request the id was first used for
  status     integer not null,
  answer     bytea not null,
  done_at    timestamptz not null default clock_timestamp()
);
