"""Notify reads its own feeds back: a zombie's late record is overwritten, once (ARCHITECTURE §4.5)."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec.structs import replace

from services.notify.domain.readback import UNMARKED
from shared.contracts import ids
from shared.contracts.envelope import Envelope, Message
from shared.contracts.incident import AssignmentState, ChangeKind, Role
from shared.contracts.values import Lane
from shared.runtime.bus import Outgoing, Partition
from shared.runtime.kafka import KafkaSource, bounds_of
from tests.engine import until
from tests.integration.notify.stage import Stage, fresh
from tests.unit.notify.cases import a_duty, an_incident, dispatched, event

pytestmark = pytest.mark.infrastructure


async def read_back(stage: Stage, consumer: str, feed: str, key: UUID, version: int) -> None:
    """Wait until notify itself has read *version* of the key; its first leaves no mark."""
    if version == UNMARKED:
        await caught_up(stage, consumer, feed)
        return
    department = feed.split(".")[1]

    async def marked() -> bool:
        marks = await stage.database.fetch(
            "select 1 from high_water where consumer = $1 and aggregate = $2 and version = $3",
            consumer,
            ids.feed_id(key, department),
            version,
        )
        return bool(marks)

    await until(marked)


async def caught_up(stage: Stage, consumer: str, feed: str, least: int = 0) -> int:
    """Wait until nothing of the feed is left to read or to write and it has *least* records; return its end."""
    place = Partition(feed, 0)

    async def at_rest() -> bool:
        before = (await bounds_of(stage.task.kafka, [feed]))[place].end
        rows = await stage.database.fetch(
            "select next, (select count(*) from outbox) as waiting from consumer_offset"
            " where consumer = $1 and topic = $2",
            consumer,
            feed,
        )
        after = (await bounds_of(stage.task.kafka, [feed]))[place].end
        return (before, 0) == (rows[0]["next"], rows[0]["waiting"]) and least <= before == after

    await until(at_rest)
    return (await bounds_of(stage.task.kafka, [feed]))[place].end


def again(said: Envelope, feed: str, key: UUID) -> Message:
    """Return the record of *said* as a zombie relay would publish it once more."""
    return Message(
        topic=feed, key=str(key), producer="notify", family="feed", change="changed",
        aggregate=said.aggregate, version=said.version, time=said.time, lane=Lane.URGENT,
        data=said.data,
    )  # fmt: skip


async def test_a_late_record_is_overwritten_once(stage: Stage) -> None:
    """The last record of the key is its newest version again, with the same id, and no loop follows."""
    incident, feed = fresh(), "feed.fire.v1"
    key = incident.incident_id
    consumer, consumers = await stage.also_hearing("notify.feeds", feed)
    async with stage.here(consumers=consumers):
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.said(feed, key, 1)
        acked = replace(incident, assignments=(a_duty(state=AssignmentState.ACKED),))
        await stage.say(event(acked, (ChangeKind.ACKED, "xj-rescue")))
        first, second = await stage.said(feed, key, 2)
        await read_back(stage, consumer, feed, key, 2)
        assert first is not None
        await stage.publish(again(first, feed, key))
        four = await stage.said(feed, key, 4)
        end = await caught_up(stage, consumer, feed)
        records = await stage.said(feed, key, 4)

    assert [1, 2, 1, 2] == [each.version for each in four if each]
    assert second == four[3]
    assert 4 == len(records)
    assert end == (await bounds_of(stage.task.kafka, [feed]))[Partition(feed, 0)].end


async def test_an_ended_key_stays_ended(stage: Stage) -> None:
    """A zombie that revives it would leave a withdrawn incident on the department's screen for ever."""
    medical, feed = a_duty("xj-medical", Role.SUPPORT), "feed.health.v1"
    incident = fresh(an_incident(a_duty(), medical))
    key = incident.incident_id
    consumer, consumers = await stage.also_hearing("notify.feeds", feed)
    async with stage.here(consumers=consumers):
        await stage.say(event(incident, *dispatched("xj-rescue", "xj-medical")))
        await stage.said(feed, key, 1)
        gone = replace(medical, state=AssignmentState.RELEASED)
        after = replace(incident, assignments=(a_duty(), gone))
        await stage.say(event(after, (ChangeKind.RELEASED, "xj-medical")))
        first, *_ = await stage.said(feed, key, 3)
        await read_back(stage, consumer, feed, key, 3)
        assert first is not None
        await stage.publish(again(first, feed, key))
        ended_again = await stage.said(feed, key, 5)
        await caught_up(stage, consumer, feed)

    assert [1, 2, None, 1, None] == [each.version if each else None for each in ended_again]


async def test_a_strange_record_does_not_stay_last(stage: Stage) -> None:
    """Whoever wrote it: bare bytes and a bare tombstone by hand are older than all that notify said."""
    incident, feed = fresh(), "feed.fire.v1"
    key = incident.incident_id
    consumer, consumers = await stage.also_hearing("notify.feeds", feed)
    async with stage.here(consumers=consumers):
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.said(feed, key, 1)
        await read_back(stage, consumer, feed, key, 1)
        end = await caught_up(stage, consumer, feed)
        for n, value in enumerate((b"not ours", None), start=1):
            await stage.write(Outgoing(feed, str(key).encode(), value, []))
            assert end + 2 * n == await caught_up(stage, consumer, feed, end + 2 * n)
        assert await value_at(stage, feed, end - 1) == await value_at(stage, feed, end + 3)


async def value_at(stage: Stage, feed: str, offset: int) -> bytes | None:
    """Return the value of one record."""
    source = KafkaSource(stage.task.kafka, group="unused", topics=[feed], instance="1")
    return (await source.read({Partition(feed, 0): offset}))[Partition(feed, 0)].value


async def test_what_nobody_spoiled_is_not_written_again(stage: Stage) -> None:
    """Reading back costs no record where all is well, over a restart too."""
    incident, feed = fresh(), "feed.fire.v1"
    consumer, consumers = await stage.also_hearing("notify.feeds", feed)
    async with stage.here(consumers=consumers):
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.said(feed, incident.incident_id, 1)
        end = await caught_up(stage, consumer, feed)
    async with stage.here(consumers=consumers):
        assert end == await caught_up(stage, consumer, feed)

    rows = await stage.database.fetch(
        "select last_event from consumer_offset where consumer = $1", consumer
    )
    key = ids.feed_id(incident.incident_id, "fire")
    assert [str(ids.event_id("notify", key, 1))] == [row["last_event"] for row in rows]
