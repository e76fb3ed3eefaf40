"""First offsets: every consumer's place is written down before it runs, so that none is guessed."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from psycopg import sql

from shared.contracts.consumers import CONSUMERS

_INSERT = """
insert into {}.consumer_offset (consumer, topic, partition, next)
values (%s, %s, %s, %s)
on conflict (consumer, topic, partition) do nothing
"""


async def seed_offsets(address: str, admin: str, services: Iterable[str]) -> int:
    """Write the earliest offset of each topic for each consumer of *services* that has none yet.

    *address* is the broker's, *admin* the superuser's DSN of the platform's database. An offset
    that exists stays as it is. Returns how many were written.
    """
    names = set(services)
    consumers = {who: topics for who, topics in CONSUMERS.items() if who.split(".")[0] in names}
    earliest = await _earliest(
        address, {topic for topics in consumers.values() for topic in topics}
    )
    written = 0
    with psycopg.connect(admin) as connection:
        for consumer, topics in sorted(consumers.items()):
            statement = sql.SQL(_INSERT).format(sql.Identifier(consumer.split(".")[0]))
            for partition, offset in sorted(earliest.items()):
                if partition.topic in topics:
                    row = (consumer, partition.topic, partition.partition, offset)
                    written += connection.execute(statement, row).rowcount
    return written


async def _earliest(address: str, topics: set[str]) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer.topics()  # fills in the partitions
        wanted = [
            TopicPartition(topic, number)
            for topic in sorted(topics)
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        found: dict[TopicPartition, int] = await consumer.beginning_offsets(wanted)
        return found
    finally:
        await consumer.stop()
