"""Which topic carries which events: the registry that `deploy/topics.yaml` must equal."""

from __future__ import annotations

import msgspec

from shared.contracts.call import CallEvent, CallRejected, UnitFeedback
from shared.contracts.incident import IncidentEvent
from shared.contracts.notice import FeedEntry, NoticeEvent
from shared.contracts.sla import Heartbeat, SlaEvent
from shared.contracts.stats import LiveFigure, MonthlyFigure
from shared.contracts.values import Lane

FAMILIES: dict[str, type[msgspec.Struct]] = {
    "call": CallEvent,
    "rejection": CallRejected,
    "feedback": UnitFeedback,
    "incident": IncidentEvent,
    "sla": SlaEvent,
    "heartbeat": Heartbeat,
    "notice": NoticeEvent,
    "feed": FeedEntry,
    "live": LiveFigure,
    "monthly": MonthlyFigure,
}
"""Third word of a CloudEvents type (`cn.liandong.<family>.<change>.v1`) to its struct."""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic: its families, key, partitions, retention in days, and who reads it (`<name>.dead`).

    `retention_days` 0: compacted, the newest record of each key is kept for good.
    """

    name: str
    families: tuple[str, ...]
    key: str
    partitions: int
    retention_days: int
    consumed: bool = True


_DAYS, _AGGREGATE_PARTITIONS = 30, 12


def _pair(stem: str, families: tuple[str, ...], key: str, days: int) -> list[Topic]:
    return [
        Topic(
            name=f"{stem}.{lane}.v1",
            families=families,
            key=key,
            partitions=_AGGREGATE_PARTITIONS,
            retention_days=days,
        )
        for lane in Lane
    ]


TOPICS: dict[str, Topic] = {
    t.name: t
    for t in [
        *_pair("call", ("call",), "source + root call no.", _DAYS),
        *_pair("incident", ("incident",), "incident id", _DAYS),
        *_pair("sla", ("sla", "heartbeat"), "incident id", 400),
        Topic(
            name="call.rejected.v1",
            families=("rejection",),
            key="source + source id",
            partitions=12,
            retention_days=90,
        ),
        Topic(
            name="unit.feedback.v1",
            families=("feedback",),
            key="source + root call no.",
            partitions=12,
            retention_days=_DAYS,
        ),
        Topic(
            name="notice.events.v1",
            families=("notice",),
            key="incident id",
            partitions=12,
            retention_days=400,
        ),
        Topic(
            name="stats.live.v1",
            families=("live",),
            key="area + figure",
            partitions=1,
            retention_days=7,
            consumed=False,
        ),
        Topic(
            name="stats.monthly.v1",
            families=("monthly",),
            key="area + month + figure",
            partitions=1,
            retention_days=0,
            consumed=False,
        ),
    ]
}


def lane_topic(stem: str, lane: Lane) -> str:
    """Name of *stem*'s topic for *lane*: `incident` + urgent → `incident.urgent.v1`."""
    return f"{stem}.{lane}.v1"


def feed_topic(department: str) -> str:
    """Name of a department's feed topic (ASCII code)."""
    return f"feed.{department}.v1"


def dead_topic(topic: str) -> str:
    """Name of the twin that shows what could not be handled."""
    return f"{topic}.dead"
