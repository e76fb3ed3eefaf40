"""Load, decide, store: everything a batch decided, written by one guarded statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.envelope import Message, encode
from shared.runtime.bus import Outgoing, Record, storable
from shared.runtime.database import Database
from shared.runtime.errors import TooLarge
from shared.runtime.events import pack_headers, unpack_headers

MAX_EVENT_BYTES = 512 * 1024


@dataclass(frozen=True)
class Write:
    """One kind of set-based change, declared once as a constant.

    `columns` are name and PostgreSQL type of the rows passed in; `sql` is a list of CTEs (without
    `with`) that reads them as `{name}_in` (plus `ord`, their order) and ends with the CTE `{name}`
    returning one row per row changed. With `guard`, as many rows as were passed must have changed,
    or nothing of the whole statement happens and GuardLost names this write. With `row`, the name of
    a composite type of just these columns, the rows travel as one array of it instead of an array a
    column: for many columns that is half the work of the client and less of the server.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    sql: str
    guard: bool = True
    row: str | None = None

    def arguments(self, rows: list[tuple[Any, ...]]) -> list[list[Any]]:
        """Return what the statement's parameters of this write are for *rows*."""
        return [rows] if self.row else [list(column) for column in zip(*rows, strict=True)]


def guarded(table: str, key: str, columns: dict[str, str], *, name: str | None = None) -> Write:
    """Write rows of an aggregate guarded by the version that was read.

    A row is (key, base, version, *columns): base 0 inserts, else the row must still be at `base`.
    Rows are locked in key order, so that two writers cannot deadlock.
    """
    name = name or table
    cols = ", ".join(columns)
    sets = ", ".join(f"{c} = i.{c}" for c in ("version", *columns))
    sql = f"""
{name}_new as (
  insert into {table} ({key}, version, {cols})
  select i.{key}, i.version, {", ".join(f"i.{c}" for c in columns)} from {name}_in i where i.base = 0
  order by i.{key} on conflict do nothing returning 1),
{name}_lock as materialized (
  select t.{key} from {table} t join {name}_in i on i.{key} = t.{key} and t.version = i.base
  where i.base > 0 order by t.{key} for update of t),
{name}_old as (
  update {table} t set {sets} from {name}_in i join {name}_lock l on l.{key} = i.{key}
  where t.{key} = i.{key} returning 1),
{name} as (select 1 from {name}_new union all select 1 from {name}_old)"""
    kinds = ((key, "uuid"), ("base", "bigint"), ("version", "bigint"), *columns.items())
    return Write(name, kinds, sql)


def appended(table: str, columns: dict[str, str], *, guard: bool = False) -> Write:
    """Write new rows; one that is already there is left as it is (or loses the guard)."""
    cols = ", ".join(columns)
    picked = ", ".join(f"i.{c}" for c in columns)
    sql = f"""
{table}_add as (insert into {table} ({cols}) select {picked} from {table}_in i order by i.ord
  on conflict do nothing returning 1),
{table} as (select 1 from {table}_add)"""
    return Write(table, tuple(columns.items()), sql, guard)


OUTBOX = Write(
    "outbox",
    (
        ("lane", "smallint"),
        ("topic", "text"),
        ("key", "bytea"),
        ("headers", "bytea"),
        ("value", "bytea"),
    ),
    """
outbox as (insert into outbox (lane, topic, key, headers, value)
  select i.lane, i.topic, i.key, i.headers, i.value from outbox_in i order by i.ord returning seq)""",
    guard=False,
)

OFFSET = Write(
    "consumer_offset",
    (
        ("consumer", "text"),
        ("topic", "text"),
        ("partition", "integer"),
        ("expected", "bigint"),
        ("next", "bigint"),
        ("last_event", "text"),
        ("cluster", "text"),
        ("dead_run", "integer"),
        ("dead_recent", "integer"),
        ("seen_recent", "integer"),
    ),
    """
offset_lock as materialized (
  select o.consumer, o.topic, o.partition from consumer_offset o
  join consumer_offset_in i using (consumer, topic, partition)
  where o.next = i.expected order by 1, 2, 3 for update of o),
offset_set as (
  update consumer_offset o set next = i.next, last_event = i.last_event, cluster = i.cluster,
    dead_run = i.dead_run, dead_recent = i.dead_recent, seen_recent = i.seen_recent
  from consumer_offset_in i join offset_lock using (consumer, topic, partition)
  where o.consumer = i.consumer and o.topic = i.topic and o.partition = i.partition returning 1),
consumer_offset as (select 1 from offset_set)""",
    row="consumer_offset_row",
)

HIGH_WATER = Write(
    "high_water",
    (
        ("aggregate", "uuid"),
        ("producer", "text"),
        ("consumer", "text"),
        ("version", "bigint"),
        ("lowest", "bigint"),
    ),
    """
high_water_set as (
  insert into high_water as h (aggregate, producer, consumer, version, lowest)
  select i.aggregate, i.producer, i.consumer, i.version, i.lowest from high_water_in i order by 1, 2, 3
  on conflict (aggregate, producer, consumer) do update
    set version = excluded.version, touched_on = excluded.touched_on
    where h.version < excluded.lowest returning 1),
high_water as (select 1 from high_water_set)""",
    row="high_water_row",
)
"""`version` is the highest handled, `lowest` the lowest: had that one been seen, the guard is lost.

The upsert itself looks: a join that looked first reads the whole table for every batch until its
growth is noticed by the planner.
"""

DEAD_LETTER = appended(
    "dead_letter",
    {
        "consumer": "text",
        "topic": "text",
        "partition": "integer",
        "record": "bigint",
        "event_id": "text",
        "reason": "text",
        "stage": "text",
        "detail": "text",
        "key": "bytea",
        "headers": "bytea",
        "value": "bytea",
    },
)

COMMAND = appended(
    "command",
    {
        "command_id": "text",
        "caller": "text",
        "request": "bytea",
        "status": "integer",
        "answer": "bytea",
    },
    guard=True,
)

CRASH_CLEARED = Write(
    "crash_cleared",
    (("consumer", "text"), ("topic", "text"), ("partition", "integer"), ("next", "bigint")),
    """
crash_done as (
  delete from crash c using crash_cleared_in i
  where c.consumer = i.consumer and c.topic = i.topic and c.partition = i.partition
    and (c.until is null or c.until < i.next) returning 1),
crash_cleared as (select 1 from crash_done)""",
    guard=False,
)


class OutboxRow(NamedTuple):
    """One record of the outbox; `subject` and `version` (0: none) say which event of what it is."""

    lane: int
    seq: int
    record: Outgoing
    subject: bytes | None
    version: int


@dataclass
class Work:
    """What a decision wants written and said; nothing happens before `Store.commit`."""

    rows: dict[Write, list[tuple[Any, ...]]] = field(default_factory=dict)
    events: dict[int, tuple[Outgoing, bytes | None, int]] = field(default_factory=dict)
    on_commit: list[Callable[[], None]] = field(default_factory=list)

    def put(self, write: Write, *row: Any) -> None:
        """Add one row of *write*, its columns in the declared order."""
        self.rows.setdefault(write, []).append(row)

    def publish(self, message: Message) -> None:
        """Say *message* once this work is committed; raises TooLarge above MAX_EVENT_BYTES."""
        key, headers, value = encode(message)
        if value is not None and len(value) > MAX_EVENT_BYTES:
            raise TooLarge(
                f"{message.topic}: event {message.event_id} has {len(value)} bytes, "
                f"at most {MAX_EVENT_BYTES} can be sent"
            )
        self.put(OUTBOX, message.lane.number, message.topic, key, pack_headers(headers), value)
        self.events[len(self.rows[OUTBOX]) - 1] = (
            Outgoing(message.topic, key, value, headers),
            str(message.aggregate).encode(),
            message.version,
        )

    def written(self, seqs: Sequence[int]) -> list[OutboxRow]:
        """Return the outgoing rows under the numbers they were given."""
        found = []
        for index, (row, seq) in enumerate(zip(self.rows.get(OUTBOX, ()), seqs, strict=True)):
            lane, topic, key, headers, value = row
            event = self.events.get(index)
            if event is None:  # a dead letter's twin, a halt: no event of ours
                event = Outgoing(topic, key, value, unpack_headers(headers)), None, 0
            found.append(OutboxRow(lane, seq, *event))
        return found

    def answer(
        self, command_id: str, caller: str, request: bytes, status: int, body: bytes
    ) -> None:
        """Store the answer of a command, to be replayed; a second use of the id loses the guard."""
        self.put(COMMAND, command_id, caller, request, status, body)

    def after(self, action: Callable[[], None]) -> None:
        """Run *action* (quick, cannot fail) once the commit is certain."""
        self.on_commit.append(action)


class Store:
    """Commits work in one autocommit statement and hands its outgoing rows to the relay."""

    def __init__(
        self,
        database: Database,
        written: Callable[[Sequence[OutboxRow]], None] = lambda _: None,
    ) -> None:
        self.database = database
        self._written = written
        self._statements: dict[tuple[Write, ...], str] = {}

    async def commit(self, work: Work) -> None:
        """Write all of *work* or nothing; raises GuardLost, Unavailable (outcome unknown)."""
        writes = tuple(sorted((w for w in work.rows if work.rows[w]), key=lambda w: w.name))
        done: Any = None
        if writes:
            sql = self._statements.get(writes) or self._statement(writes)
            columns = [column for w in writes for column in w.arguments(work.rows[w])]
            (done,) = await self.database.write(sql, *columns)
        for action in work.on_commit:
            action()
        if work.rows.get(OUTBOX):
            self._written(work.written(done["seqs"]))

    def _statement(self, writes: tuple[Write, ...]) -> str:
        sql = self._statements[writes] = compose(writes)
        return sql

    async def marks(self, consumer: str, aggregates: Iterable[UUID]) -> dict[tuple[UUID, str], int]:
        """Return the highest version seen per (aggregate, producer)."""
        rows = await self.database.fetch(
            "select aggregate, producer, version from high_water"
            " where aggregate = any($1::uuid[]) and consumer = $2",
            list(aggregates),
            consumer,
        )
        return {(r["aggregate"], r["producer"]): r["version"] for r in rows}

    async def answered(self, command_ids: Sequence[str]) -> dict[str, Any]:
        """Return stored answers by command id (caller, request, status, answer)."""
        rows = await self.database.fetch(
            "select command_id, caller, request, status, answer from command"
            " where command_id = any($1::text[])",
            list(command_ids),
        )
        return {r["command_id"]: r for r in rows}


def compose(writes: Sequence[Write]) -> str:
    """Return one statement of *writes* that raises when any guarded one falls short."""
    parts, checks, number = [], [], 1
    for write in writes:
        kinds = [write.row] if write.row else [kind for _, kind in write.columns]
        args = [f"${number + n}::{kind}[]" for n, kind in enumerate(kinds)]
        number += len(args)
        names = ", ".join(column for column, _ in write.columns)
        parts.append(
            f"{write.name}_in as materialized (select * from unnest({', '.join(args)})"
            f" with ordinality as r({names}, ord))"
        )
        parts.append(write.sql.strip())
        if write.guard:
            checks.append(
                f"guard('{write.name}', cardinality({args[0]}), (select count(*) from {write.name}))"
            )
    if OUTBOX in writes:  # drawn in the order of the rows: the identity follows `order by ord`
        checks.append("array(select seq from outbox order by seq) as seqs")
    return f"with {', '.join(parts)} select {', '.join(checks) or '1'}"


def dead_letter_row(
    consumer: str, record: Record, reason: str, stage: str, detail: str
) -> tuple[Any, ...]:
    """Return the dead-letter row of *record*; `stage` is decode, handle or crash."""
    return (
        consumer,
        record.partition.topic,
        record.partition.number,
        record.offset,
        record.event_id,
        reason,
        stage,
        storable(detail[:500]),
        record.key,
        pack_headers(record.headers),
        record.value,
    )
