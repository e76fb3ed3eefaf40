"""The outbox relay: reads by sequence, publishes, deletes only what the broker acknowledged."""

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
from shared.runtime.tracing import about

_log = structlog.get_logger()

BATCH = 1000
POLL_S = 0.02
"""How soon rows of another instance are seen while there is traffic; our own commits wake us."""
IDLE_POLL_S, IDLE_AFTER_S = 0.05, 2.0
RETRY_LOCK_S = 0.25
MEASURE_S = 1.0
KEEP_LOCK_S = 1.0
DELETE_S, DELETE_ROWS = 0.05, 200
"""Acknowledged rows are deleted together: killed before, they are published again under the same ids."""
SLOW_S = 3.0
"""Unacknowledged for longer, the broker counts as away."""

_READ_LANE = """
(select o.lane, o.seq, o.topic, o.key, o.headers, o.value from outbox o
 where o.lane = {lane} and o.seq <> all($3::bigint[]) and not exists (
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


class Backlog:
    """What waits in the outbox by lane: rows and seconds of the oldest (wall time), parked keys aside."""

    def __init__(self) -> None:
        self.rows = dict.fromkeys(Lane, 0)
        self.age_s = dict.fromkeys(Lane, 0.0)

    def update(self, rows: Sequence[Any]) -> None:
        """Take the newest measurement and show it."""
        by_number = {lane.number: lane for lane in Lane}
        for row in rows:
            lane = by_number[row["lane"]]
            self.rows[lane], self.age_s[lane] = row["rows"], row["age"]
            metrics.OUTBOX_ROWS.labels(lane).set(row["rows"])
            metrics.OUTBOX_AGE.labels(lane).set(row["age"])
            metrics.OUTBOX_PARKED.set(row["parked"])


class Relay:
    """One per process; of all instances of a service the holder of the lock publishes.

    The lock is held by a read-only transaction that also reads: stopped for 3 s it loses both.
    Each lane has its own batch in flight, so that a flood of one does not hold up the other.
    """

    name = "relay"

    def __init__(self, database: Database, sink: Sink) -> None:
        self.waiting: str | None = "the broker"
        self.backlog = Backlog()
        self._database = database
        self._sink = sink
        self._awake = asyncio.Event()
        self._busy_until = 0.0
        self._in_flight: dict[Lane, asyncio.Task[None]] = {}
        self._since: dict[Lane, float] = {}
        self._touched = 0.0
        self._many = asyncio.Event()
        self._wanted = True
        self._read_at = 0.0
        self._acknowledged: dict[Lane, list[int]] = {lane: [] for lane in Lane}

    def wake(self) -> None:
        """There is something to publish."""
        self._wanted = True
        self._awake.set()

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
        while True:
            self._awake.clear()
            for lane, task in list(self._in_flight.items()):
                if task.done():
                    del self._in_flight[lane]
                    task.result()
            limits = [0 if lane in self._in_flight else BATCH for lane in Lane]
            # after a publication nothing is read that nobody said is there, until the next poll
            if any(limits) and (self._wanted or time.monotonic() - self._read_at >= POLL_S):
                self._wanted = not all(limits)
                done = [seq for acknowledged in self._acknowledged.values() for seq in acknowledged]
                rows = await own.fetch(_READ, *limits, done)
                self._touched = self._read_at = time.monotonic()
                for lane in Lane:
                    if mine := [row for row in rows if row["lane"] == lane.number]:
                        self._wanted |= len(mine) == BATCH
                        self._start(lane, mine)
            await self._pause(own)

    async def _pause(self, own: Any) -> None:
        now = time.monotonic()
        if self._in_flight:
            wait = KEEP_LOCK_S
            self._busy_until = now + IDLE_AFTER_S
        else:
            wait = POLL_S if now < self._busy_until else IDLE_POLL_S
        # not wait_for: on Python 3.11 it loses a cancellation that meets the wake-up
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._awake.wait()
        now = time.monotonic()
        if now - self._touched >= KEEP_LOCK_S:
            await own.fetchval("select 1")  # a slow broker must not cost us the lock
            self._touched = now
        oldest = min((self._since[lane] for lane in self._in_flight), default=now)
        self.waiting = "the broker's acknowledgement" if now - oldest > SLOW_S else None

    def _start(self, lane: Lane, rows: Sequence[Any]) -> None:
        self._since[lane] = time.monotonic()
        self._busy_until = self._since[lane] + IDLE_AFTER_S
        task = asyncio.create_task(self._publish(lane, rows))
        task.add_done_callback(lambda _: self._awake.set())
        self._in_flight[lane] = task

    async def _publish(self, lane: Lane, rows: Sequence[Any]) -> None:
        records = [
            Outgoing(r["topic"], r["key"], r["value"], unpack_headers(r["headers"])) for r in rows
        ]
        outcomes = await self._sink.publish(records)
        sent, refused = [], set()
        for row, outcome in zip(rows, outcomes, strict=True):
            place = (row["topic"], row["key"])
            if isinstance(outcome, PermanentRefusal) or place in refused:
                refused.add(place)
                if outcome is not None:
                    await self._park(lane, row, str(outcome))
            elif outcome is None:
                sent.append(row["seq"])
        self._acknowledged[lane] += sent
        if len(self._acknowledged[lane]) >= DELETE_ROWS:
            self._many.set()
        metrics.PUBLISHED.labels(lane).inc(len(sent))
        failed = next(
            (o for o in outcomes if o is not None and not isinstance(o, PermanentRefusal)), None
        )
        if failed is not None:
            raise Unavailable(f"broker: {failed!r}")

    async def _park(self, lane: Lane, row: Any, reason: str) -> None:
        record = Record(
            Partition(row["topic"], -1), -1, row["key"], row["value"],
            tuple(unpack_headers(row["headers"])),
        )  # fmt: skip
        with about(lambda: (ids_of(record),)):
            _log.error(
                "key parked: the broker refuses it", topic=row["topic"], lane=lane, why=reason
            )
        await self._database.write(_PARK, lane.number, row["topic"], row["key"], reason)

    async def _stop_publishing(self) -> None:
        tasks = list(self._in_flight.values())
        self._in_flight.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _delete(self) -> None:
        """Delete what was acknowledged; until then `_READ` leaves it out."""
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

    async def _measure(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                self.backlog.update(await self._database.fetch(_MEASURE))
            await asyncio.sleep(MEASURE_S)
