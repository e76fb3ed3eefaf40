-- The facts a frozen month was computed from, as Parquet files in a folder of the operator's: what
-- each file has to hash to. A file that was lost is written again from the facts as of the freeze.

create table frozen_file (
  month    text not null,
  revision integer not null,
  kind     text not null,
  rows     bigint not null check (rows >= 0),
  size     bigint not null check (size > 0),           -- bytes
  sha256   bytea not null,
  primary key (month, revision, kind),
  foreign key (month, revision) references frozen_month (month, revision)
);
create trigger frozen_stays before update or delete on frozen_file
  for each row execute function frozen_stays();

-- a freeze reads the notices of its month
create index notice_fact_queued on notice_fact using brin (queued_at);
