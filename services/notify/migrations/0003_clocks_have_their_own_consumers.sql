-- What sla says was heard by notify.urgent and notify.ordinary; now by notify.clocks.urgent and
-- notify.clocks.ordinary. How far it was read and what was seen goes with it: seeded anew, they would
-- decide all that the log holds once more, and call units out again. Where a new name stands already,
-- whichever has come further is kept. (The owner may make no temporary table: the names are spelled out.)

with gone as (
  delete from consumer_offset
  where consumer in ('notify.urgent', 'notify.ordinary')
    and topic = 'sla.' || split_part(consumer, '.', 2) || '.v1' returning *)
insert into consumer_offset as o
  (consumer, topic, partition, next, last_event, cluster, dead_run, dead_recent, seen_recent)
select 'notify.clocks.' || split_part(consumer, '.', 2), topic, partition, next, last_event, cluster,
  dead_run, dead_recent, seen_recent
from gone
on conflict (consumer, topic, partition) do update set next = excluded.next,
  last_event = excluded.last_event, cluster = excluded.cluster, dead_run = excluded.dead_run,
  dead_recent = excluded.dead_recent, seen_recent = excluded.seen_recent
where o.next < excluded.next;

with gone as (
  delete from high_water
  where consumer in ('notify.urgent', 'notify.ordinary') and producer = 'sla' returning *)
insert into high_water as h (aggregate, producer, consumer, version, touched_on)
select aggregate, producer, 'notify.clocks.' || split_part(consumer, '.', 2), version, touched_on
from gone
on conflict (aggregate, producer, consumer) do update
  set version = greatest(h.version, excluded.version),
    touched_on = greatest(h.touched_on, excluded.touched_on);

-- An open letter keeps the marks of its consumer standing: it must name the one that has them now.
update dead_letter d set consumer = 'notify.clocks.' || split_part(d.consumer, '.', 2)
where d.consumer in ('notify.urgent', 'notify.ordinary')
  and d.topic = 'sla.' || split_part(d.consumer, '.', 2) || '.v1'
  and not exists (
    select 1 from dead_letter n where n.consumer = 'notify.clocks.' || split_part(d.consumer, '.', 2)
      and (n.topic, n.partition, n.record) = (d.topic, d.partition, d.record));

-- Attempts counted for a place the old names are not at any more.
delete from crash
where consumer in ('notify.urgent', 'notify.ordinary')
  and topic = 'sla.' || split_part(consumer, '.', 2) || '.v1';
