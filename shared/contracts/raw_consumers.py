"""Consumers that read records as they are, not events: notify reads its feeds back and hears of dead letters."""

from __future__ import annotations

from collections.abc import Iterable

from shared.contracts.topics import TOPICS, dead_topic, feed_topic

FEED_READBACK = "notify.feeds"
"""Every department's feed, tombstones included (ARCHITECTURE §4.5)."""
DEAD_LETTERS = "notify.dead"
"""The `.dead` twin of every consumed topic (§4.6)."""


def raw_consumers(departments: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return consumer name to topics; their offsets are seeded as those of `CONSUMERS` are."""
    return {
        FEED_READBACK: tuple(feed_topic(each) for each in departments),
        DEAD_LETTERS: tuple(dead_topic(topic.name) for topic in TOPICS.values() if topic.consumed),
    }
