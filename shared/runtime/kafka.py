"""The bus on Apache Kafka: aiokafka with its traps closed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedCodecError,
)

from shared.runtime.bus import (
    Assigned,
    Bounds,
    Outgoing,
    Partition,
    PermanentRefusal,
    Record,
    partition_of,
)
from shared.runtime.errors import Unavailable
from shared.runtime.plain_fetch import fetch_batches

_PERMANENT = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
_PARSER_GAVE_UP = (CorruptRecordException, RecordTooLargeError, UnsupportedCodecError)
"""Kafka errors that the client library raises over what it was given, not over the connection."""
MAX_BATCH_BYTES = 1024 * 1024
METADATA_TIMEOUT_S = 5.0
GATHER_BYTES = 256 * 1024
CONNECT_RETRY_S = 0.5
STALLED_S = 5.0
"""Nothing came for so long although there is more: the library hides a broker's refusal to read."""
REFUSALS = 3
"""So many in a row are said: a partition that changes its leader is refused once or twice."""

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its retries are seen in our metrics


class KafkaSink:
    """Idempotent producer, `acks=all`, one hand-made batch per partition (half the CPU of `send`)."""

    def __init__(self, address: str, *, name: str) -> None:
        self._address = address
        self._name = name
        self._producer: Any = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Connect; waits until the broker answers."""
        async with self._starting:
            while self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._address,
                    client_id=self._name,
                    enable_idempotence=True,
                    acks="all",
                    linger_ms=0,
                    max_batch_size=MAX_BATCH_BYTES,
                    max_request_size=2 * MAX_BATCH_BYTES,
                    metadata_max_age_ms=30_000,
                )
                try:
                    await producer.start()
                except (KafkaError, OSError):
                    await producer.stop()
                    await asyncio.sleep(CONNECT_RETRY_S)
                else:
                    self._producer = producer

    async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
        """Write *records*; a fenced or confused producer is replaced, its records stay unsent."""
        await self.start()
        producer = self._producer  # the other lane may replace it meanwhile
        outcomes: list[Exception | None] = [None] * len(records)
        groups: dict[tuple[str, int], list[int]] = defaultdict(list)
        counts: dict[str, int | Exception] = {}
        for index, record in enumerate(records):
            if record.topic not in counts:
                counts[record.topic] = await self._partitions(producer, record.topic)
            count = counts[record.topic]
            if isinstance(count, Exception):
                outcomes[index] = count
            else:
                groups[record.topic, partition_of(record.key, count)].append(index)
        await asyncio.gather(
            *(self._one(producer, tp, group, records, outcomes) for tp, group in groups.items())
        )
        if any(isinstance(o, KafkaError) for o in outcomes):
            await self.stop()
        return outcomes

    @staticmethod
    async def _partitions(producer: Any, topic: str) -> int | Exception:
        client = producer.client
        try:
            async with asyncio.timeout(METADATA_TIMEOUT_S):
                known = client.cluster.partitions_for_topic(topic)
                if not known:  # `partitions_for` would wait for a topic that may never be made
                    known = (await client.fetch_all_metadata()).partitions_for_topic(topic)
                    if not known:
                        return PermanentRefusal(
                            f"topic {topic} does not exist: run the topics step"
                        )
                    await producer.partitions_for(topic)
        except (KafkaError, TimeoutError) as error:
            return Unavailable(f"no metadata for {topic}: {error!r}")
        return len(known)

    async def _one(
        self,
        producer: Any,
        place: tuple[str, int],
        group: Sequence[int],
        records: Sequence[Outgoing],
        outcomes: list[Exception | None],
    ) -> None:
        """Fill and send the batches of one partition, one after the other."""
        todo = list(group)
        most = len(todo)
        while todo:
            batch, taken = producer.create_batch(), []
            for index in todo[:most]:
                record = records[index]
                fits = batch.append(
                    timestamp=None,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                )
                if fits is None:
                    break
                taken.append(index)
            failed = (
                await self._deliver(producer, batch, place)
                if taken
                else PermanentRefusal("record above the batch size")
            )
            if isinstance(failed, PermanentRefusal) and len(taken) > 1:
                most = 1  # a batch was refused: find out which record is meant
                continue
            taken = taken or todo[:1]
            for index in taken:
                outcomes[index] = failed
            del todo[: len(taken)]
            if failed is not None and not isinstance(failed, PermanentRefusal):
                for index in todo:
                    outcomes[index] = failed
                return

    @staticmethod
    async def _deliver(producer: Any, batch: Any, place: tuple[str, int]) -> Exception | None:
        try:
            delivery = await producer.send_batch(batch, place[0], partition=place[1])
            await delivery
        except _PERMANENT as error:
            return PermanentRefusal(repr(error))
        except KafkaError as error:
            return error
        return None

    async def stop(self) -> None:
        """Leave; what was not acknowledged stays in the outbox."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), 5)
            except (KafkaError, TimeoutError, asyncio.CancelledError):
                return


class KafkaSource:
    """A group member whose positions come from PostgreSQL; Kafka's own offsets are only shown.

    With `gather_ms` the broker answers a fetch when GATHER_BYTES have come or that time has
    passed: for consumers nobody waits for, a few large batches instead of hundreds of small ones.
    """

    def __init__(
        self,
        address: str,
        *,
        group: str,
        topics: Sequence[str],
        instance: str,
        gather_ms: int = 0,
    ) -> None:
        self._address = address
        self._gather_ms = gather_ms
        self._group = group
        self._topics = list(topics)
        self._instance = instance
        self._consumer: Any = None
        self._owned: frozenset[Partition] = frozenset()
        self._next: dict[Any, int] = {}
        self._before: dict[Any, int] = {}
        self._looked_at = time.monotonic()
        self._refusals = 0
        self._refusal = ""
        self._shown: dict[Partition, int] = {}
        self._showing: asyncio.Task[None] | None = None

    async def start(self, assigned: Assigned) -> None:
        """Join the group; waits until the broker answers."""
        while self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._address,
                group_id=self._group,
                group_instance_id=f"{self._group}.{self._instance}",
                client_id=f"{self._group}.{self._instance}",
                enable_auto_commit=False,
                auto_offset_reset="earliest",  # never used: every partition is sought before it is read
                session_timeout_ms=6000,
                heartbeat_interval_ms=1500,
                max_poll_interval_ms=600_000,
                fetch_min_bytes=GATHER_BYTES if self._gather_ms else 1,
                fetch_max_wait_ms=self._gather_ms or 500,
                metadata_max_age_ms=30_000,
            )
            consumer.subscribe(self._topics, listener=_Listener(self, assigned))
            try:
                await consumer.start()
            except (KafkaError, OSError):
                await consumer.stop()
                await asyncio.sleep(CONNECT_RETRY_S)
            else:
                self._consumer = consumer

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        """Return what has come; nothing while the broker is away. Raises Unreadable."""
        if (stalled := self._stalled()) and (found := await self._fetch_plainly(limit, stalled)):
            return found
        try:
            got = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=limit)
        except Exception as error:
            away = isinstance(error, KafkaError) and not isinstance(error, _PARSER_GAVE_UP)
            records = None if away else await self._fetch_plainly(limit)
            if records is None:
                if not isinstance(error, KafkaError):
                    raise  # nothing in the log explains it
                await asyncio.sleep(CONNECT_RETRY_S)
            return records or []
        for tp, messages in got.items():
            self._next[tp] = messages[-1].offset + 1
        return [
            Record(Partition(tp.topic, tp.partition), m.offset, m.key, m.value, tuple(m.headers))
            for tp, messages in got.items()
            for m in messages
        ]

    def _stalled(self) -> set[Any]:
        """Return the partitions that stand where they stood at the last look, long ago, with more to come.

        One that never said how much it has is among them, the traffic of others apart from it.
        """
        if time.monotonic() - self._looked_at < STALLED_S:
            return set()
        self._looked_at = time.monotonic()
        before, self._before = self._before, dict(self._next)
        ours = self._consumer.assignment() & self._next.keys()
        ends = {tp: self._consumer.highwater(tp) for tp in ours if before.get(tp) == self._next[tp]}
        stalled = {tp for tp, end in ends.items() if end is None or self._next[tp] < end}
        # what lies ready was not refused: catching up, a partition waits long for its turn
        stalled -= self._consumer._fetcher._records.keys()  # noqa: SLF001 - no public way
        if not stalled:
            self._refusals = 0
        return stalled

    def refused(self) -> str | None:
        """Say what the broker has refused to read some times in a row."""
        return self._refusal if self._refusals >= REFUSALS else None

    async def _fetch_plainly(self, limit: int, only: set[Any] | None = None) -> list[Record] | None:
        """Go on where the library's parser gave up: one batch of each partition, read byte by byte.

        None when there was nothing to read. What the library had parsed before it gave up is
        dropped by it, of the other partitions too: all are read from where we are, or *only* some.
        """
        assigned = self._consumer.assignment()
        here = {Partition(*tp): at for tp, at in self._next.items() if tp in assigned}
        if len(here) < len(assigned):  # given anew: the consumer seeks before it reads
            return []
        if only is not None:
            here = {p: at for p, at in here.items() if TopicPartition(*p) in only}
        self.seek(here)
        try:
            async with asyncio.timeout(METADATA_TIMEOUT_S):
                batches = await fetch_batches(self._consumer._client, here)  # noqa: SLF001 - its connections
        except (Unavailable, TimeoutError) as error:
            self._refusals += 1
            self._refusal = str(error) or f"broker: no answer in {METADATA_TIMEOUT_S:g} s"
            await asyncio.sleep(CONNECT_RETRY_S)
            return []
        self._refusals = 0
        if not batches:
            return None
        records: list[Record] = []
        for partition, batch in batches.items():
            mine = batch.records[: limit - len(records)]
            whole = len(mine) == len(batch.records)
            if whole or mine:
                self.seek({partition: batch.following if whole else mine[-1].offset + 1})
            records += mine
        return records

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Continue at these offsets, of the partitions still assigned."""
        for partition, offset in positions.items():
            tp = TopicPartition(partition.topic, partition.number)
            if tp in self._consumer.assignment():
                self._consumer.seek(tp, offset)
                self._next[tp] = offset

    def owned(self) -> frozenset[Partition]:
        """Partitions assigned now."""
        return self._owned

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, Bounds]:
        """Return first and end offsets; raises Unavailable."""
        tps = [TopicPartition(p.topic, p.number) for p in partitions]
        if not tps:
            return {}
        try:
            async with asyncio.timeout(METADATA_TIMEOUT_S):
                first = await self._consumer.beginning_offsets(tps)
                end = await self._consumer.end_offsets(tps)
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"broker: {error!r}") from error
        return {Partition(t.topic, t.partition): Bounds(first[t], end[t]) for t in tps}

    async def read(self, positions: Mapping[Partition, int]) -> dict[Partition, Record]:
        """Read single records, or the first after them, past the library's parser; raises Unreadable."""
        if not positions:
            return {}
        found: dict[Partition, Record] = {}
        following = dict(positions)
        client = AIOKafkaClient(bootstrap_servers=self._address)
        try:
            async with asyncio.timeout(METADATA_TIMEOUT_S):
                await client.bootstrap()
                await client.set_topics({p.topic for p in positions})
                while missing := {p: at for p, at in following.items() if p not in found}:
                    for partition, batch in (await fetch_batches(client, missing)).items():
                        if batch.records:
                            found[partition] = batch.records[0]
                        following[partition] = batch.following
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unavailable(f"broker: {error!r}") from error
        finally:
            await client.close()
        return found

    async def cluster(self) -> str:
        """Id of the cluster, as its own metadata says it."""
        try:
            async with asyncio.timeout(METADATA_TIMEOUT_S):
                from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 - only at an assignment

                admin = AIOKafkaAdminClient(bootstrap_servers=self._address)
                await admin.start()
                try:
                    described = await admin.describe_cluster()
                finally:
                    await admin.close()
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unavailable(f"broker: {error!r}") from error
        return str(described["cluster_id"])

    async def show_progress(self, positions: Mapping[Partition, int]) -> None:
        """Commit to Kafka about once a second, in the background; failures do not matter."""
        self._shown.update(positions)
        if self._showing is None or self._showing.done():
            self._showing = asyncio.create_task(self._show())

    async def _show(self) -> None:
        await asyncio.sleep(1)
        shown, self._shown = self._shown, {}
        mine = {
            TopicPartition(p.topic, p.number): at for p, at in shown.items() if p in self._owned
        }
        try:
            if mine:
                await self._consumer.commit(mine)
        except KafkaError:
            return

    def lag(self) -> int:
        """Records behind the high-water marks last heard of."""
        total = 0
        for tp in self._consumer.assignment():
            end = self._consumer.highwater(tp)
            at = self._consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - no public way without a request
            if end is not None and at is not None and at.has_valid_position:
                total += max(0, end - at.position)
        return total

    async def stop(self) -> None:
        """Leave the group."""
        if self._showing is not None:
            self._showing.cancel()
        if self._consumer is not None:
            await self._consumer.stop()


async def bounds_of(address: str, topics: Sequence[str]) -> dict[Partition, Bounds]:
    """Return first and end offsets of every partition of *topics*; raises Unavailable."""
    consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
    try:
        async with asyncio.timeout(4 * METADATA_TIMEOUT_S):
            await consumer.start()
            tps = []
            for topic in topics:
                found = await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - no public wait
                tps += [TopicPartition(topic, n) for n in sorted(found)]
            first = await consumer.beginning_offsets(tps)
            end = await consumer.end_offsets(tps)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"broker: {error!r}") from error
    finally:
        await consumer.stop()
    return {Partition(t.topic, t.partition): Bounds(first[t], end[t]) for t in tps}


class _Listener(ConsumerRebalanceListener):
    def __init__(self, source: KafkaSource, assigned: Assigned) -> None:
        self._source = source
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 - aiokafka's protocol
        self._source._owned = frozenset()  # noqa: SLF001

    async def on_partitions_assigned(self, assigned: Any) -> None:
        owned = frozenset(Partition(tp.topic, tp.partition) for tp in assigned)
        self._source._owned = owned  # noqa: SLF001
        self._source._next = {}  # noqa: SLF001
        self._source._refusals = 0  # noqa: SLF001
        await self._assigned(owned)
