"""The outbox relay: publishes what was committed, deletes only what the broker acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

import structlog

from shared.contracts.values import Lane
from shared.runtime import metrics
from shared.runtime.bus import Outgoing, Partition, PermanentRefusal, Record, Sink
from shared.runtime.database import Database, connect, translated
from shared.runtime.errors import Unavailable
from shared.runtime.events import ids_of, unpack_headers
from shared.runtime.store import OutboxRow
from shared.runtime.succession import Succession
from shared.runtime.tracing import about

_log = structlog.get_logger()

BATCH = 1000
POLL_S, FOREIGN_FOR_S = 0.02, 10.0
"""How soon rows of another instance are seen, for so long after the last one of them."""
ALONE_POLL_S = 0.1
"""The same while no other instance writes: our own rows are handed over when they are committed."""
RETRY_LOCK_S = 0.25
MEASURE_S = 1.0
KEEP_LOCK_S = 1.0
DELETE_S, DELETE_ROWS = 0.2, 500
"""Acknowledged rows are deleted together: killed before, they are published again under the same ids."""
SLOW_S = 3.0
"""Unacknowledged for longer, the broker counts as away."""

_READ_LANE = """
(select o.lane, o.seq, o.topic, o.key, o.headers, o.value from outbox o
 where o.lane = {lane} and o.seq not in (select unnest($3::bigint[])) and not exists (
   select 1 from outbox_parked p where p.lane = o.lane and p.topic = o.topic and p.key = o.key)
 order by o.seq limit ${limit})"""
_READ = " union all ".join(
    _READ_LANE.format(lane=lane.number, limit=lane.number + 1) for lane in Lane
)
_DELETE = "delete from outbox where lane = $1 and seq = any($2::bigint[])"
_PARK = """
insert into outbox_parked (lane, topic, key, reason) values ($1, $2, $3, $4) on conflict do nothing
"""
_MEASURE = """
select lane, rows, coalesce(extract(epoch from clock_timestamp() - oldest), 0)::float8 as age,
  (select count(*) from outbox_parked) as parked from (
  select l.lane, count(o.seq) as rows, min(o.created_at) as oldest
  from (values (0::smallint), (1::smallint)) l(lane) left join lateral (
    select seq, created_at from outbox q where q.lane = l.lane and not exists (
      select 1 from outbox_parked p where p.lane = q.lane and p.topic = q.topic and p.key = q.key)
    order by seq limit 200001) o on true
  group by l.lane) m
"""
_LANES = {lane.number: lane for lane in Lane}


class Backlog:
    """What waits in the outbox by lane: rows and seconds of the oldest (wall time), parked keys aside."""

    def __init__(self) -> None:
        self.rows = dict.fromkeys(Lane, 0)
        self.age_s = dict.fromkeys(Lane, 0.0)

    def update(self, rows: Sequence[Any]) -> None:
        """Take the newest measurement and show it."""
        for row in rows:
            lane = _LANES[row["lane"]]
            self.rows[lane], self.age_s[lane] = row["rows"], row["age"]
            metrics.OUTBOX_ROWS.labels(lane).set(row["rows"])
            metrics.OUTBOX_AGE.labels(lane).set(row["age"])
            metrics.OUTBOX_PARKED.set(row["parked"])


class Relay:
    """One per process; of all instances of a service the holder of the lock publishes.

    The lock is held by a read-only transaction that also reads: stopped for 3 s it loses both.
    Each lane has its own batch in flight, so that a flood of one does not hold up the other.
    What this process committed is handed over with the commit and needs no reading where it is the
    next version of its aggregate (`Succession`); everything else is found by reading in sequence.
    """

    name = "relay"

    def __init__(
        self, database: Database, sink: Sink, *, alone_poll_s: float = ALONE_POLL_S
    ) -> None:
        self.waiting: str | None = "the broker"
        self._alone_poll_s = alone_poll_s
        self.backlog = Backlog()
        self._database = database
        self._sink = sink
        self._awake = asyncio.Event()
        self._many = asyncio.Event()
        self._held = False
        self._none_parked = False
        self._era = 0
        self._wanted = True
        self._read_at = self._touched = self._foreign_at = 0.0
        self._succession = Succession()
        self._pending: dict[Lane, list[OutboxRow]] = {lane: [] for lane in Lane}
        self._in_flight: dict[Lane, asyncio.Task[None]] = {}
        self._flying: dict[Lane, Sequence[OutboxRow]] = {}
        self._since: dict[Lane, float] = {}
        self._acknowledged: dict[Lane, list[int]] = {lane: [] for lane in Lane}
        self._known: set[int] = set()
        self._ours: set[int] = set()
        self._strange: set[int] = set()
        self._deleted: list[int] = []

    def wake(self) -> None:
        """There is something to publish that has to be read."""
        self._wanted = True
        self._awake.set()

    def written(self, rows: Sequence[OutboxRow]) -> None:
        """Take over what this process has just committed, in the order of its sequence."""
        if not self._held:
            return
        for row in rows:
            pending = self._pending[_LANES[row.lane]]
            if row.seq in self._known:  # read before we were told
                self._strange.discard(row.seq)
            elif self._none_parked and len(pending) < BATCH and self._succession.follows(row):
                self._known.add(row.seq)
                pending.append(row)
            else:
                self._ours.add(row.seq)
                self.wake()
        self._flow()

    async def run(self) -> None:
        """Publish until cancelled; waits out a missing database or broker."""
        # measured from the first moment: without a broker the outbox grows and its ceiling must hold
        aside = [asyncio.create_task(self._measure()), asyncio.create_task(self._delete())]
        try:
            await self._sink.start()
            while True:
                try:
                    await self._hold()
                except Unavailable as error:
                    self.waiting = str(error)
                    await asyncio.sleep(RETRY_LOCK_S)
        finally:
            for task in aside:
                task.cancel()
            await self._stop_publishing()
            await self._sink.stop()

    async def _hold(self) -> None:
        own = await connect(
            self._database.dsn, self._database.schema, f"{self._database.instance}-relay"
        )
        try:
            with translated():
                while True:
                    await own.execute("begin read only")
                    if await own.fetchval(
                        "select pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.outbox', 0))"
                    ):
                        self.waiting = None
                        await self._publish_while_held(own)
                    await own.execute("rollback")
                    self.waiting = (
                        None  # another instance publishes: this one is ready to take over
                    )
                    await asyncio.sleep(RETRY_LOCK_S)
        finally:
            await self._stop_publishing()
            own.terminate()

    async def _publish_while_held(self, own: Any) -> None:
        self._start_over()
        self._held = True
        self._none_parked = not await own.fetchval("select exists (select from outbox_parked)")
        while True:
            self._awake.clear()
            for task in self._in_flight.values():
                if task.done():
                    task.result()  # only a failed one is left here
            if self._wanted or time.monotonic() - self._read_at >= self._poll_s():
                await self._read(own)
                self._flow()
            await self._pause(own)

    def _poll_s(self) -> float:
        foreign = time.monotonic() - self._foreign_at < FOREIGN_FOR_S
        return POLL_S if foreign else self._alone_poll_s

    async def _read(self, own: Any) -> None:
        """Add what stands in the outbox and is not known yet; in the order of its sequence."""
        self._wanted = False
        if self._strange:  # of the last look, and still nobody here wrote them
            self._foreign_at = time.monotonic()
            self._strange.clear()
        limits = [max(0, BATCH - len(self._pending[lane])) for lane in Lane]
        deleted, self._deleted, era = self._deleted, [], self._era
        found = await own.fetch(_READ, *limits, list(self._known))
        self._touched = self._read_at = time.monotonic()
        if era != self._era:  # a key was parked meanwhile: it may be among these
            return
        for row in map(_row, found):
            if row.seq not in self._known:
                self._known.add(row.seq)
                self._succession.read(row)
                self._pending[_LANES[row.lane]].append(row)
                if row.seq in self._ours:
                    self._ours.discard(row.seq)
                else:
                    self._strange.add(row.seq)
        self._wanted |= len(found) >= BATCH
        # what had been deleted before this read cannot be met again
        self._known.difference_update(deleted)

    async def _pause(self, own: Any) -> None:
        now = time.monotonic()
        wait = min(self._read_at + self._poll_s() - now, self._touched + KEEP_LOCK_S - now)
        # not wait_for: on Python 3.11 it loses a cancellation that meets the wake-up
        if wait > 0 and not self._awake.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._awake.wait()
        now = time.monotonic()
        if now - self._touched >= KEEP_LOCK_S:
            await own.fetchval("select 1")  # a slow broker must not cost us the lock
            self._touched = now
        oldest = min((self._since[lane] for lane in self._in_flight), default=now)
        self.waiting = "the broker's acknowledgement" if now - oldest > SLOW_S else None

    def _flow(self) -> None:
        """Publish what waits on each lane that has nothing in flight."""
        for lane in Lane:
            if self._pending[lane] and lane not in self._in_flight:
                rows, self._pending[lane] = self._pending[lane], []
                self._since[lane], self._flying[lane] = time.monotonic(), rows
                task = asyncio.create_task(self._publish(lane, rows))
                self._in_flight[lane] = task
                task.add_done_callback(lambda done, lane=lane: self._ended(lane, done))  # type: ignore[misc]

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._awake.set()
        elif self._in_flight.get(lane) is task:
            del self._in_flight[lane], self._flying[lane]
            self._flow()

    async def _publish(self, lane: Lane, rows: Sequence[OutboxRow]) -> None:
        outcomes = await self._sink.publish([row.record for row in rows])
        sent, refused = [], set()
        for row, outcome in zip(rows, outcomes, strict=True):
            place = (row.record.topic, row.record.key)
            if isinstance(outcome, PermanentRefusal) or place in refused:
                refused.add(place)
                if outcome is not None:
                    await self._park(lane, row, str(outcome))
            elif outcome is None:
                sent.append(row.seq)
        self._acknowledged[lane] += sent
        if len(self._acknowledged[lane]) >= DELETE_ROWS:
            self._many.set()
        metrics.PUBLISHED.labels(lane).inc(len(sent))
        if refused:
            self._flying[lane] = ()
            self._start_over()
        failed = next(
            (o for o in outcomes if o is not None and not isinstance(o, PermanentRefusal)), None
        )
        if failed is not None:
            raise Unavailable(f"broker: {failed!r}")

    def _start_over(self) -> None:
        """Forget what waits: all but what is in flight is read anew, parked keys left out."""
        self._era += 1
        self._none_parked = False
        self._succession = Succession()
        for pending in self._pending.values():
            pending.clear()
        acknowledged = [seq for seqs in self._acknowledged.values() for seq in seqs]
        flying = [row.seq for rows in self._flying.values() for row in rows]
        self._known = {*acknowledged, *flying, *self._deleted}
        self._ours, self._strange = set(), set()
        self.wake()

    async def _park(self, lane: Lane, row: OutboxRow, reason: str) -> None:
        topic, key, value, headers = row.record
        record = Record(Partition(topic, -1), -1, key, value, tuple(headers))
        with about(lambda: (ids_of(record),)):
            _log.error("key parked: the broker refuses it", topic=topic, lane=lane, why=reason)
        await self._database.write(_PARK, lane.number, topic, key, reason)

    async def _stop_publishing(self) -> None:
        self._held = False
        tasks = list(self._in_flight.values())
        self._in_flight.clear()
        self._flying.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _delete(self) -> None:
        """Delete what was acknowledged; until then it is known and left out."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DELETE_S):
                    await self._many.wait()
            self._many.clear()
            for lane, acknowledged in self._acknowledged.items():
                if gone := list(acknowledged):
                    with contextlib.suppress(Unavailable):
                        await self._database.write(_DELETE, lane.number, gone)
                        del acknowledged[: len(gone)]
                        self._deleted += gone

    async def _measure(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                era = self._era
                found = await self._database.fetch(_MEASURE)
                self.backlog.update(found)
                self._none_parked = era == self._era and not any(row["parked"] for row in found)
            await asyncio.sleep(MEASURE_S)


def _row(found: Any) -> OutboxRow:
    headers = unpack_headers(found["headers"])
    record = Outgoing(found["topic"], found["key"], found["value"], headers)
    said = dict(headers)
    subject, sequence = said.get("ce_subject"), said.get("ce_sequence", b"")
    if "dead_reason" in said or not sequence.isdigit():  # no event of this service
        subject, sequence = None, b"0"
    return OutboxRow(found["lane"], found["seq"], record, subject, int(sequence))
