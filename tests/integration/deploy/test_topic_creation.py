"""Topics are created explicitly on a real broker."""

from __future__ import annotations

import asyncio

import pytest

from deploy.topics import Topic, TopicsRefused, create_topics
from tests.parts import SessionKafka


async def test_creating_twice_creates_once(kafka: SessionKafka) -> None:
    """Every start may say what must exist."""
    topic = Topic(kafka.unique("made"), 3, {"retention.ms": 1000})

    assert [topic.name] == await create_topics(kafka.address, [topic])
    assert [] == await create_topics(kafka.address, [topic])


async def test_two_starters_at_once_are_safe(kafka: SessionKafka) -> None:
    """Whoever is second finds the topic there."""
    topic = Topic(kafka.unique("raced"), 3)

    await asyncio.gather(*(create_topics(kafka.address, [topic]) for _ in range(4)))


async def test_another_partition_count_is_refused(kafka: SessionKafka) -> None:
    """More partitions would move keys and break their order."""
    name = await kafka.topic("grown", partitions=1)

    with pytest.raises(TopicsRefused, match=f"{name} has 1, 12 wanted"):
        await create_topics(kafka.address, [Topic(name, 12)])


async def test_a_refused_setting_is_named(kafka: SessionKafka) -> None:
    """The broker's own words come with the topic's name."""
    with pytest.raises(TopicsRefused, match=r"mis\.spelt"):
        await create_topics(kafka.address, [Topic(kafka.unique("bad"), 1, {"mis.spelt": "1"})])


async def test_a_broker_that_is_away_is_named() -> None:
    """Creation waits for the broker, but not for ever."""
    with pytest.raises(TimeoutError, match=r"127\.0\.0\.1:1 "):
        await create_topics("127.0.0.1:1", [Topic("never", 1)], timeout_s=0.5)
