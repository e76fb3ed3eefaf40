-- The rows of a write as one array of a composite type (`Write.row`). Such a type is never altered: an
-- older process still passes it, so other columns take another type.
create type consumer_offset_row as (
  consumer    text,
  topic       text,
  partition   integer,
  expected    bigint,
  next        bigint,
  last_event  text,
  cluster     text,
  dead_run    integer,
  dead_recent integer,
  seen_recent integer
);
create type high_water_row as (
  aggregate uuid,
  producer  text,
  consumer  text,
  version   bigint,
  lowest    bigint
);

-- Lowest version of the batch that made the mark: only `excluded.lowest` is looked at, so that the upsert
-- itself tells a batch that was seen before. What stands in the table is what made the row.
alter table high_water add column lowest bigint not null default 0;
