-- An outbox row lives for milliseconds: compressing it and taking it apart again is CPU for nothing.
alter table outbox set (toast_tuple_target = 8160);
