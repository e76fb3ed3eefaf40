"""The list of topics to create."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.topics import TopicsRefused, read_topics
from shared.contracts.consumers import CONSUMERS

LIST = """
topics:
  - {name: call.urgent.v1, partitions: 12, config: {retention.ms: 1000, max.message.bytes: 2000}}
  - {name: stats.live.v1, partitions: 1, dead: false}
feeds:
  partitions: 1
  config: {cleanup.policy: compact}
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Write a small list."""
    path = tmp_path / "topics.yaml"
    path.write_text(LIST)
    return path


def test_every_consumed_topic_has_a_dead_twin(listed: Path) -> None:
    """ARCHITECTURE 3: `<topic>.dead`, which takes records of the same size and keeps them no longer."""
    twin = {topic.name: topic for topic in read_topics(listed)}["call.urgent.v1.dead"]

    assert 1 == twin.partitions
    assert {"max.message.bytes": 2000, "retention.ms": 1000} == twin.config


def test_a_topic_nobody_reads_has_no_twin(listed: Path) -> None:
    """Only what is consumed can be dead-lettered."""
    assert "stats.live.v1.dead" not in {topic.name for topic in read_topics(listed)}


def test_each_department_has_its_feed(listed: Path) -> None:
    """ARCHITECTURE 3: feeds follow from the pack's departments and are compacted."""
    topics = {topic.name: topic for topic in read_topics(listed, ["fire", "health"])}

    assert "compact" == topics["feed.fire.v1"].config["cleanup.policy"]
    assert "feed.health.v1" in topics


def test_a_topic_listed_twice_is_refused(listed: Path) -> None:
    """A department called like a topic would share it."""
    listed.write_text(LIST.replace("stats.live.v1", "feed.fire.v1"))

    with pytest.raises(TopicsRefused, match=r"feed\.fire\.v1 is listed twice"):
        read_topics(listed, ["fire"])


def test_a_misspelt_field_is_refused(listed: Path) -> None:
    """A wrong word in the list is an error, not a default."""
    listed.write_text(LIST.replace("partitions: 12", "partition: 12"))

    with pytest.raises(TopicsRefused, match="partition"):
        read_topics(listed)


def test_the_committed_list_has_every_topic_a_consumer_reads() -> None:
    """A consumer whose topic does not exist would wait for ever."""
    names = {topic.name for topic in read_topics()}

    assert set() == {topic for topics in CONSUMERS.values() for topic in topics} - names
