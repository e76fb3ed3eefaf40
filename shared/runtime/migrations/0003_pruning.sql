-- Day a mark was last moved (UTC): marks nobody can need again are deleted by it. A day and not an
-- instant, so that the updates of one day change no indexed column and stay in their page (HOT).
alter table high_water add column touched_on date not null default current_date;
create index high_water_by_age on high_water (consumer, touched_on);

create index command_by_age on command (done_at);
