"""What became of notices, written in batches: the ledger's state and `notice.events` by one statement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
import structlog

from services.notify.adapters.ledger import NOTICE, notice_row
from services.notify.adapters.sending import Senders
from services.notify.domain.delivery import Verdict, fallbacks
from services.notify.domain.line import Held
from services.notify.domain.notice import Notice, Occasion
from services.notify.domain.proof import Proof, proof_message
from services.notify.ports import Clock
from shared.contracts import ids
from shared.contracts.envelope import Message
from shared.contracts.notice import NoticeState
from shared.contracts.pack import ChannelPolicy, Pack
from shared.contracts.values import Producer
from shared.runtime import metrics
from shared.runtime.database import Database
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work, Write

BATCH = 500
RETRY_S = 0.3
GATHER_S = 0.2
"""Verdicts wait this long for one another; nobody waits for them, and a lost one is only sent again
under the same notice id."""

RESULT = Write(
    "notice_result",
    (
        ("incident_id", "uuid"),
        ("notice_id", "uuid"),
        ("owner", "text"),
        ("base", "bigint"),
        ("version", "bigint"),
        ("state", "text"),
        ("attempts", "integer"),
        ("wait_s", "double precision"),
        ("settled_at", "timestamptz"),
        ("provider_ref", "text"),
        ("reason", "text"),
    ),
    """
notice_result_lock as materialized (
  select n.incident_id, n.notice_id
  from notice n join notice_result_in i using (incident_id, notice_id)
  where n.state || '' = 'queued' and n.version = i.base and n.owner = i.owner
  order by n.notice_id for update of n),
notice_result_set as (
  update notice n set state = i.state, version = i.version, attempts = i.attempts,
    next_at = clock_timestamp() + make_interval(secs => i.wait_s), settled_at = i.settled_at,
    provider_ref = i.provider_ref, reason = i.reason,
    doc = case when n.pointless = 'purged' and i.state <> 'queued' then null else n.doc end
  from notice_result_in i join notice_result_lock l using (incident_id, notice_id)
  where n.incident_id = i.incident_id and n.notice_id = i.notice_id returning 1),
notice_result as (select 1 from notice_result_set)""",
)
"""Guarded by holder and version: what a stopped process brings back too late changes nothing.

By primary key, one row after the other (`state || ''`, as in the ledger's own select): the cost is
that of the rows written, however long the queue is.
"""

_STILL_OURS = """
select notice_id, version from notice
where notice_id = any($1::uuid[]) and state = 'queued' and owner = $2
"""

_OUTCOMES = (
    NoticeState.DELIVERED,
    NoticeState.FAILED,
    NoticeState.GIVEN_UP,
    NoticeState.SUPERSEDED,
)
_ENCODER = msgspec.json.Encoder()
_log = structlog.get_logger()


class Settling:
    """A part: takes verdicts from the senders and makes them durable, oldest first."""

    name = "settling"

    def __init__(self, pack: Pack, store: Store, clock: Clock, owner: str) -> None:
        self.waiting: str | None = None
        self.senders: Senders | None = None
        self._pack = pack
        self._policies: Mapping[str, ChannelPolicy] = {
            policy.channel: policy for policy in pack.notices.channels
        }
        self._counts = {
            (channel, outcome): metrics.NOTICES.labels(channel, outcome.value)
            for channel in self._policies
            for outcome in _OUTCOMES
        }
        self._seconds = {
            channel: metrics.NOTICE_SECONDS.labels(channel) for channel in self._policies
        }
        self._store = store
        self._database: Database = store.database
        self._clock = clock
        self._owner = owner
        self._verdicts: dict[UUID, tuple[Held, Verdict]] = {}
        self._writing: dict[UUID, tuple[Held, Verdict]] = {}
        self._awake = asyncio.Event()

    def __contains__(self, notice_id: object) -> bool:
        return notice_id in self._verdicts or notice_id in self._writing

    def settle(self, held: Held, verdict: Verdict) -> None:
        """Note what became of *held*; a newer verdict of the same notice replaces one not written yet."""
        self._verdicts[held.notice_id] = (held, verdict)
        self._count(held, verdict)
        self._awake.set()

    def _count(self, held: Held, verdict: Verdict) -> None:
        channel, failed = held.order.channel, verdict.state is NoticeState.QUEUED
        self._counts[channel, NoticeState.FAILED if failed else verdict.state].inc()
        if verdict.state is NoticeState.DELIVERED:
            self._seconds[channel].observe(time.monotonic() - held.queued)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._awake.wait()
            await asyncio.sleep(GATHER_S)
            self._awake.clear()
            while self._verdicts:
                self._writing = dict(islice(self._verdicts.items(), BATCH))
                for key in self._writing:
                    del self._verdicts[key]
                await self._write(self._writing)
                self._writing = {}

    async def _write(self, verdicts: dict[UUID, tuple[Held, Verdict]]) -> None:
        while verdicts:
            work = Work()
            after = self._fill(work, list(verdicts.values()))
            try:
                await self._store.commit(work)
            except GuardLost as lost:
                metrics.GUARD_LOST.labels(lost.guard).inc()
                await self._drop_lost(verdicts)
            except Unavailable as error:
                self.waiting = str(error)
                await asyncio.sleep(RETRY_S)
            else:
                self.waiting = None
                after()
                return

    def _fill(self, work: Work, verdicts: Sequence[tuple[Held, Verdict]]) -> Callable[[], None]:
        """Put rows and events of *verdicts*; the returned action is for after the commit."""
        now = self._clock.now()
        new: list[tuple[Held, int]] = []
        told_instead: list[Held] = []
        for held, verdict in verdicts:
            queued = verdict.state is NoticeState.QUEUED
            # the first failure is worth an event, the further ones only count attempts
            said = not queued or held.version == 0
            version = held.version + said
            work.put(
                RESULT, held.order.incident_id, held.notice_id, self._owner, held.version, version,
                verdict.state.value, held.attempts, verdict.wait_s, None if queued else now,
                verdict.ref, verdict.reason,
            )  # fmt: skip
            if said:
                work.publish(self._message(held, verdict, version, now))
            if verdict.state is NoticeState.GIVEN_UP:
                told_instead += self._fall_back(work, held, version, now)
            new.append((held, version))

        def after() -> None:
            for held, version in new:
                held.version = version
            if self.senders is not None:
                self.senders.accept(told_instead)

        return after

    def _message(self, held: Held, verdict: Verdict, version: int, now: Any) -> Message:
        failed = verdict.state is NoticeState.QUEUED
        proof = Proof(
            order=held.order,
            cause=held.cause,
            version=version,
            state=NoticeState.FAILED if failed else verdict.state,
            attempts=held.attempts,
            at=now,
            ref=verdict.ref,
            reason=verdict.reason,
            trace=held.trace,
        )
        return proof_message(proof, region=self._pack.region.code, now=now)

    def _fall_back(self, work: Work, held: Held, version: int, now: Any) -> list[Held]:
        cause = ids.event_id(Producer.NOTIFY, held.notice_id, version)
        policy = self._policies[held.order.channel]
        occasion = Occasion(self._pack, cause, now, held.trace)
        _log.warning(
            "notice given up", notice=str(held.notice_id), incident=str(held.order.incident_id),
            recipient=held.order.recipient, channel=held.order.channel, attempts=held.attempts,
            trace=held.trace,
        )  # fmt: skip
        return [
            self._queued(work, notice)
            for notice in fallbacks(held.order, held.order.purpose, policy, occasion)
        ]

    def _queued(self, work: Work, notice: Notice) -> Held:
        body = _ENCODER.encode(notice.order)
        work.put(NOTICE, *notice_row(notice, body, self._owner, None))
        return Held(
            order=notice.order,
            cause=notice.cause,
            body=body,
            queued=time.monotonic(),
            trace=notice.trace,
        )

    async def _drop_lost(self, verdicts: dict[UUID, tuple[Held, Verdict]]) -> None:
        """Keep what the ledger still says is ours at the version we know; the rest is another's."""
        try:
            rows = await self._database.fetch(_STILL_OURS, list(verdicts), self._owner)
        except Unavailable as error:
            self.waiting = str(error)
            await asyncio.sleep(RETRY_S)
            return
        ours = {row["notice_id"]: row["version"] for row in rows}
        for notice_id, (held, verdict) in list(verdicts.items()):
            if ours.get(notice_id) == held.version:
                continue
            if notice_id in ours and verdict.state is NoticeState.QUEUED:
                held.version = ours[notice_id]  # our own write, its answer was lost
            del verdicts[notice_id]
            if notice_id not in ours and self.senders is not None:
                self.senders.forget(notice_id)
