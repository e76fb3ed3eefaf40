"""Creates the topics: what `topics.yaml` lists, one feed per department, a `.dead` twin for each read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from msgspec import Struct

from shared.contracts.topics import dead_topic, feed_topic

TOPICS_FILE = Path(__file__).with_name("topics.yaml")

_DAY_MS = 86_400_000
# A twin shows what could not be handled; what is settled is the dead-letter row. So it keeps place and
# text no longer than its topic does (DOMAIN §7), and takes the same sizes.
_DEAD_CONFIG: dict[str, str | int] = {"retention.ms": 30 * _DAY_MS}
_COPIED_TO_DEAD = frozenset({"max.message.bytes", "retention.ms"})
_RETRY_S = 0.2
_REQUEST_TIMEOUT_MS = 10_000


class TopicsRefused(Exception):
    """Topics cannot be as asked for; the message names each and says what to do."""


class Topic(Struct, frozen=True, forbid_unknown_fields=True):
    """One topic to exist: `config` in the broker's own words, `dead` asks for a `.dead` twin."""

    name: str
    partitions: int
    config: dict[str, str | int] = {}
    dead: bool = True
    key: str = ""


class Feeds(Struct, frozen=True, forbid_unknown_fields=True):
    """How a department's feed is kept; there is one per department of the region pack."""

    partitions: int
    config: dict[str, str | int]


class TopicList(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `topics.yaml`."""

    topics: list[Topic]
    feeds: Feeds


def read_topics(path: Path = TOPICS_FILE, departments: Iterable[str] = ()) -> list[Topic]:
    """Return every topic to create, feeds of *departments* and twins included, ordered by name.

    Raises TopicsRefused for a malformed file or a name given twice.
    """
    try:
        content = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), TopicList)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise TopicsRefused(f"{path}: {error}") from error
    kept = content.feeds
    feeds = [
        Topic(feed_topic(each), kept.partitions, kept.config, dead=False) for each in departments
    ]
    wanted: dict[str, Topic] = {}
    for topic in [*content.topics, *feeds, *twins(content.topics)]:
        if topic.name in wanted:
            raise TopicsRefused(f"{path}: topic {topic.name} is listed twice")
        wanted[topic.name] = topic
    return [wanted[name] for name in sorted(wanted)]


def twins(topics: Iterable[Topic]) -> list[Topic]:
    """Return the `.dead` twins of *topics*."""
    return [
        Topic(
            dead_topic(topic.name),
            1,
            _DEAD_CONFIG | {k: v for k, v in topic.config.items() if k in _COPIED_TO_DEAD},
            dead=False,
        )
        for topic in topics
        if topic.dead
    ]


async def create_topics(
    address: str, topics: Sequence[Topic], *, replication: int = 1, timeout_s: float = 30
) -> list[str]:
    """Create what is missing on the broker at *address*; return the names created.

    Waits until the broker is ready and until it shows every topic. Safe to run again and from two
    starters at once. Raises TopicsRefused on another partition count or a refused configuration,
    TimeoutError naming the broker when it does not answer in *timeout_s* seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await _attempt(address, topics, replication)
        except (KafkaError, OSError) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the broker at {address} did not create the topics within {timeout_s:.0f} s: "
                    f"{error!r}"
                ) from error
        await asyncio.sleep(_RETRY_S)


async def delete_topics(address: str, names: Sequence[str]) -> None:
    """Delete *names* where they exist (test brokers only: what they hold is gone)."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    await admin.start()
    try:
        present = set(await admin.list_topics()) & set(names)
        if present:
            await admin.delete_topics(sorted(present))
    finally:
        await admin.close()


async def _attempt(address: str, topics: Sequence[Topic], replication: int) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    await admin.start()
    try:
        present = await _partitions(admin)
        _require_partitions(topics, present)
        missing = [topic for topic in topics if topic.name not in present]
        if missing:
            await _create(admin, missing, replication)
            await _until_shown(admin, missing)
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[Topic], replication: int) -> None:
    asked = [
        NewTopic(
            topic.name,
            topic.partitions,
            replication,
            topic_configs={key: str(value) for key, value in topic.config.items()},
        )
        for topic in missing
    ]
    answer: Any = await admin.create_topics(asked)
    refused = [
        f"{name}: {message or for_code(code).__name__}"
        for name, code, message in answer.topic_errors
        if code not in (0, TopicAlreadyExistsError.errno)
    ]
    if refused:
        raise TopicsRefused("the broker refused " + "; ".join(refused))


async def _until_shown(admin: AIOKafkaAdminClient, missing: Sequence[Topic]) -> None:
    """A created topic is in the metadata a moment later; its leader must be there as well."""
    while True:
        present = await _partitions(admin)
        if all(topic.name in present for topic in missing):
            return _require_partitions(missing, present)
        await asyncio.sleep(_RETRY_S / 4)


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Return topic to partition count, of topics whose partitions all have leaders."""
    found: list[dict[str, Any]] = await admin.describe_topics()
    return {
        each["topic"]: len(each["partitions"])
        for each in found
        if all(partition["error_code"] == 0 for partition in each["partitions"])
    }


def _require_partitions(topics: Sequence[Topic], present: Mapping[str, int]) -> None:
    wrong = [
        f"{topic.name} has {present[topic.name]}, {topic.partitions} wanted"
        for topic in topics
        if topic.name in present and present[topic.name] != topic.partitions
    ]
    if wrong:
        raise TopicsRefused(
            "partition counts differ (a key's order would break if they were changed): "
            + "; ".join(wrong)
            + "; correct topics.yaml or publish a new version of the topic"
        )
