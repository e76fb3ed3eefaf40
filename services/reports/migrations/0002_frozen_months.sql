-- Frozen months and their revisions: what was published, from which facts, by which formula.
--
-- A row says which epoch's end a month was computed from (and so which offsets, epoch_end); the
-- bytes lie beside, under their hash, and may be deleted: they can be computed again.

create table frozen_body (
  sha256 bytea primary key,
  body   bytea not null,
  check (sha256 = sha256(body))
);

create table frozen_month (
  month      text not null check (month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
  revision   integer not null check (revision >= 0),   -- 0: the freeze
  epoch      integer not null unique references epoch_end (number),
  at         timestamptz not null,                     -- platform time
  reason     text,
  pack_stamp text not null,
  pack       bytea not null,                           -- hash of the region pack's JSON
  primary key (month, revision),
  check ((revision = 0) = (reason is null))
);

create table frozen_table (
  month      text not null,
  revision   integer not null,
  name       text not null,
  population text not null,
  published  boolean not null,
  formula    integer not null,
  sha256     bytea not null,
  primary key (month, revision, name, population, published),
  foreign key (month, revision) references frozen_month (month, revision)
);

create function frozen_stays() returns trigger
language plpgsql as $$
begin
  raise exception 'table % is append-only: a frozen month stays, a correction is a revision', tg_table_name;
end
$$;
create trigger frozen_stays before update or delete on frozen_month
  for each row execute function frozen_stays();
create trigger frozen_stays before update or delete on frozen_table
  for each row execute function frozen_stays();
create trigger frozen_stays before update or delete on epoch_end
  for each row execute function frozen_stays();
