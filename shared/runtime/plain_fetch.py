"""Fetches batches as the broker stored them, past the client library's parser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, NoError, for_code
from aiokafka.protocol.fetch import FetchRequest

from shared.runtime.batches import Batch, first_batch
from shared.runtime.bus import Partition, Unreadable
from shared.runtime.errors import Unavailable

MOST_BYTES = 1024 * 1024
"""Of one partition; a larger batch comes whole all the same."""
_WAIT_MS, _READ_UNCOMMITTED = 100, 0


async def fetch_batches(client: Any, positions: Mapping[Partition, int]) -> dict[Partition, Batch]:
    """Return of each partition the batch at its position, where there is one.

    *client* is a started AIOKafkaClient that knows the topics. Raises Unreadable for the first
    partition whose batch cannot be read, Unavailable when the broker gives no answer.
    """
    found = {}
    try:
        for node, asked in _by_leader(client, positions).items():
            answer = await client.send(node, _request(asked))
            for topic, partitions in answer.topics:
                for number, code, end, *rest in partitions:
                    partition = Partition(topic, number)
                    batch = _batch(partition, positions[partition], code, end, rest[-1] or b"")
                    if batch is not None:
                        found[partition] = batch
    except (KafkaError, OSError) as error:
        raise Unavailable(f"broker: {error!r}") from error
    return found


def _by_leader(client: Any, positions: Mapping[Partition, int]) -> dict[int, dict[Partition, int]]:
    asked: dict[int, dict[Partition, int]] = defaultdict(dict)
    for partition, at in sorted(positions.items()):
        leader = client.cluster.leader_for_partition(TopicPartition(*partition))
        if leader is None or leader < 0:
            raise Unavailable(f"no leader of {partition.topic}/{partition.number} is known")
        asked[leader][partition] = at
    return asked


def _request(positions: Mapping[Partition, int]) -> FetchRequest:
    topics: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for (topic, number), at in positions.items():
        topics[topic].append((number, at, MOST_BYTES))
    most = MOST_BYTES * len(positions)
    return FetchRequest(_WAIT_MS, 1, most, _READ_UNCOMMITTED, list(topics.items()), rack_id="")


def _batch(partition: Partition, at: int, code: int, end: int, raw: bytes) -> Batch | None:
    kind = for_code(code)
    if kind is CorruptRecordException:
        raise Unreadable(partition, at, None, "the broker itself cannot read it")
    if kind is not NoError:
        raise Unavailable(f"{partition.topic}/{partition.number}: {kind.__name__}")
    try:
        return first_batch(partition, raw, at)
    except Unreadable as error:
        if error.past is not None and error.past > end:
            error.past = None  # where a batch says it ends is damaged as well
        raise
