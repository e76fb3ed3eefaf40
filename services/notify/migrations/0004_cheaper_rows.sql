-- What a notice costs to write, once when it is queued and once when it is settled.

-- One index finds a notice and the notices of its incident: those of one event stand side by side in
-- it. Unique as before: a notice's id is made of the event that caused it, and that is of one incident.
drop index notice_open_incident;
drop index notice_of_incident;
alter table notice drop constraint notice_pkey;
alter table notice add primary key (incident_id, notice_id);

-- A view is read again soon or never: past 2 KB, compressing it cost more than all else of its insert.
alter table incident_view set (toast_tuple_target = 8160);
