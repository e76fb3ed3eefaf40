"""The consumer's promises on a real PostgreSQL: once, in order, poison set aside, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import structlog

from shared.contracts.topics import dead_topic
from shared.runtime import metrics, operations
from shared.runtime.ahead import Ahead
from shared.runtime.bus import Bounds, Outgoing, Partition, Record, Source, partition_of
from shared.runtime.consumer import Consumer, DeadLetterLimit
from shared.runtime.database import Database
from shared.runtime.errors import InvalidEvent, Unavailable
from shared.runtime.events import Event
from shared.runtime.memory import MemoryBroker, MemorySink, MemorySource
from shared.runtime.relay import Relay
from shared.runtime.store import DEAD_LETTER, Store, Work, dead_letter_row
from tests.engine import (
    Tally,
    beat,
    fresh,
    outgoing,
    prepare,
    router_database,
    rows,
    running,
    seeded,
    tallies,
    until,
)
from tests.parts import FreshDatabase, Lines

pytestmark = pytest.mark.infrastructure
NAME, TOPIC, PARTITIONS = "router.test", "in", 2


@dataclass
class Bench:
    """A consumer's surroundings: memory broker, real database."""

    admin: str
    database: Database
    broker: MemoryBroker
    tally: Tally
    ahead: bool

    def consumer(self, **more: Any) -> Consumer:
        """Return the consumer as a process would make it at its start."""
        source: Source = MemorySource(self.broker, group="g", topics=[TOPIC])
        if self.ahead:
            source = Ahead(source)
        return Consumer(NAME, source, Store(self.database), self.tally, **more)

    async def said(self, *events: tuple[UUID, int]) -> None:
        """Put events on the topic."""
        for aggregate, version in events:
            await self.broker.append(outgoing(beat(aggregate, version, topic=TOPIC)))

    async def handled(self, **versions: int) -> bool:
        """Say whether that many versions are tallied in all."""
        return sum(len(v) for v in (await tallies(self.admin)).values()) >= versions["count"]


@pytest.fixture(params=[False, True], ids=["plain", "ahead"])
async def bench(database: FreshDatabase, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A seeded consumer on an empty topic, reading ahead or not: the same promises."""
    await prepare(database.admin)
    db = router_database(database.dsn())
    await seeded(db, NAME, TOPIC, PARTITIONS)
    broker = MemoryBroker({TOPIC: PARTITIONS, dead_topic(TOPIC): 1})
    yield Bench(database.admin, db, broker, Tally(db), request.param)
    await db.close()


def neighbours() -> tuple[UUID, UUID]:
    """Return two aggregates of one partition, so that they share a batch."""
    one, other = fresh(), fresh()
    while len({partition_of(str(a).encode(), PARTITIONS) for a in (one, other)}) > 1:
        other = fresh()
    return one, other


async def run_until(bench: Bench, count: int, **more: Any) -> None:
    """Run a consumer until *count* versions are tallied."""
    async with running(bench.consumer(**more)):
        await until(lambda: bench.handled(count=count))


async def test_versions_already_seen_are_dropped(bench: Bench) -> None:
    """§3 versions: what is not above the high-water mark is not handled again."""
    one = fresh()
    await bench.said((one, 1), (one, 2), (one, 1), (one, 2), (one, 3))

    await run_until(bench, 3)

    assert {one: [1, 2, 3]} == await tallies(bench.admin)


async def test_a_zombie_s_late_version_is_dropped_after_a_restart(bench: Bench) -> None:
    """§4.5: the mark is durable, so a late old version changes nothing in another process."""
    one, other = fresh(), fresh()
    await bench.said((one, 1), (one, 2))
    await run_until(bench, 2)

    await bench.said((one, 1), (other, 1))
    await run_until(bench, 3)

    assert {one: [1, 2], other: [1]} == await tallies(bench.admin)


async def test_a_zombie_s_late_version_is_dropped_in_the_midst_of_new_ones(bench: Bench) -> None:
    """§4.5: a batch taken for new is undone by the mark's guard and decided again on what is new."""
    one, other = neighbours()
    async with running(bench.consumer()):
        await bench.said((one, 1))
        await until(lambda: bench.handled(count=1))
        await bench.said((one, 2))
        await until(lambda: bench.handled(count=2))
        await bench.said((one, 1), (other, 1), (one, 3))
        await until(lambda: bench.handled(count=4))

    assert {one: [1, 2, 3], other: [1]} == await tallies(bench.admin)


async def test_what_was_seen_before_and_cannot_be_handled_again_is_no_dead_letter(
    bench: Bench,
) -> None:
    """§4.6: an old event refused only because it was taken for new is dropped, not set aside."""
    one, other = neighbours()
    known: set[tuple[UUID, int]] = set()

    async def refuse(events: Sequence[Event]) -> None:
        for event in events:
            if (event.aggregate, event.version) in known:
                raise InvalidEvent("not_for_us", "again", event=event)
            known.add((event.aggregate, event.version))

    async with running(bench.consumer()):
        bench.tally.before_store = refuse
        await bench.said((one, 1))
        await until(lambda: bench.handled(count=1))
        await bench.said((one, 1))
        await bench.said((other, 1))
        await until(lambda: bench.handled(count=2))

    assert not await rows(bench.admin, "select reason from router.dead_letter")


async def test_bytes_that_are_no_event_become_a_dead_letter_and_the_next_is_handled(
    bench: Bench,
) -> None:
    """§4.6 InvalidEvent: row with reason, stage and place; the twin topic shows it."""
    one = fresh()
    await bench.broker.append(Outgoing(TOPIC, str(one).encode(), b"not json", [("ce_id", b"x")]))
    await bench.said((one, 1))

    await run_until(bench, 1)

    (letter,) = await rows(bench.admin, "select * from router.dead_letter")
    assert ("not_an_event", "decode", TOPIC, "open") == (
        letter["reason"], letter["stage"], letter["topic"], letter["state"],
    )  # fmt: skip
    assert {one: [1]} == await tallies(bench.admin)
    (twin,) = await rows(bench.admin, "select topic, value from router.outbox")
    assert (dead_topic(TOPIC), b"not json") == (twin["topic"], twin["value"])


async def test_an_event_the_handler_refuses_is_set_aside_alone(bench: Bench) -> None:
    """§4.6: the others of the batch are handled, in order."""
    good, bad = neighbours()

    async def refuse(events: Sequence[Event]) -> None:
        for event in events:
            if event.aggregate == bad:
                raise InvalidEvent("not_for_us", "wrong region", event=event)

    bench.tally.before_store = refuse
    await bench.said((good, 1), (bad, 1), (good, 2))

    await run_until(bench, 2)

    (letter,) = await rows(bench.admin, "select reason, stage from router.dead_letter")
    assert ("not_for_us", "handle") == tuple(letter)
    assert {good: [1, 2]} == await tallies(bench.admin)


async def test_lines_of_the_handler_and_of_a_dead_letter_carry_their_ids(
    bench: Bench, lines: Lines
) -> None:
    """Issue 3: trace and aggregate of what is handled; nothing is left on the lines that follow."""
    good, bad = neighbours()
    trace = "0af7651916cd43dd8448eb211c80319c"
    parent = b"00-" + trace.encode() + b"-b7ad6b7169203331-01"

    async def refuse(events: Sequence[Event]) -> None:
        structlog.get_logger().info("handling")
        for event in events:
            if event.aggregate == bad:
                raise InvalidEvent("not_for_us", "wrong region", event=event)

    bench.tally.before_store = refuse
    for aggregate in (good, bad):
        message = outgoing(beat(aggregate, 1, topic=TOPIC))
        headers = [*message.headers, ("traceparent", parent)]
        await bench.broker.append(message._replace(headers=headers))
    await run_until(bench, 1)
    structlog.get_logger().info("afterwards")

    found = {line["event"]: line for line in lines()}
    assert (trace, {str(good), str(bad)}) == (
        found["handling"]["trace"], set(found["handling"]["heartbeats"]),
    )  # fmt: skip
    diverted = found["record diverted"]
    assert ("not_for_us", "handle", trace, str(bad)) == (
        diverted["reason"], diverted["stage"], diverted["trace"], diverted["heartbeat"],
    )  # fmt: skip
    assert "trace" not in found["afterwards"]


async def test_the_third_crash_is_bisected_to_the_one_guilty_event(bench: Bench) -> None:
    """§4.6: two crashes end the process uncommitted, the third finds the poison among forty."""
    poison = fresh()
    healthy = [fresh() for _ in range(39)]

    async def crash(events: Sequence[Event]) -> None:
        if any(e.aggregate == poison for e in events):
            raise ZeroDivisionError

    bench.tally.before_store = crash
    await bench.said(*((a, 1) for a in [*healthy[:20], poison, *healthy[20:]]))

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(bench.consumer().run(), 20)
    await run_until(bench, 39)

    assert {a: [1] for a in healthy} == await tallies(bench.admin)
    (letter,) = await rows(bench.admin, "select reason, stage from router.dead_letter")
    assert ("crash", "crash") == tuple(letter)


def _place(aggregate: UUID) -> int:
    """Return the partition of *aggregate*: what stands behind the poison is handled after it."""
    return partition_of(str(aggregate).encode(), PARTITIONS)


async def test_a_process_that_dies_without_a_word_is_counted_too(bench: Bench) -> None:
    """§4.6: an event that kills the process (no exception runs) is found all the same."""
    poison = fresh()
    healthy = next(each for each in iter(fresh, None) if _place(each) == _place(poison))
    dying = asyncio.Event()

    async def die(events: Sequence[Event]) -> None:
        if any(e.aggregate == poison for e in events):
            dying.set()
            await asyncio.Event().wait()  # the process is gone before it can write anything

    bench.tally.before_store = die
    await bench.said((poison, 1), (healthy, 1))
    for _ in range(20):
        dying.clear()
        life = asyncio.create_task(bench.consumer().run())
        death = asyncio.create_task(dying.wait())
        handled = asyncio.create_task(until(lambda: bench.handled(count=1)))
        await asyncio.wait([death, handled], return_when=asyncio.FIRST_COMPLETED, timeout=20)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        death.cancel()
        if handled.done():
            break
        handled.cancel()

    assert {healthy: [1]} == await tallies(bench.admin)
    (letter,) = await rows(bench.admin, "select reason from router.dead_letter")
    assert "crash" == letter["reason"]


async def test_waiting_at_the_start_is_nobody_s_crash(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§4.6 Unavailable: again and again, but one life of one process; no event pays for it."""
    monkeypatch.setattr("shared.runtime.consumer.BACK_OFF_S", (0.001,))
    failures = iter(range(12))
    events = [fresh(), fresh()]

    async def away(_: Sequence[Event]) -> None:
        if next(failures, None) is not None:
            raise Unavailable("a part the handler needs")

    bench.tally.before_store = away
    await bench.said(*((a, 1) for a in events))
    await run_until(bench, 2)

    assert {a: [1] for a in events} == await tallies(bench.admin)
    assert [] == await rows(bench.admin, "select 1 from router.dead_letter")


async def test_too_many_dead_letters_stop_the_consumer_until_a_person_allows_more(
    bench: Bench,
) -> None:
    """§4.6: it stops rather than divert an hour of emergencies, durably, and says which command helps."""
    one = fresh()
    for _ in range(12):
        await bench.broker.append(Outgoing(TOPIC, str(one).encode(), b"junk", []))
    await bench.said((one, 1))
    limit = DeadLetterLimit(run=5)

    for _ in range(2):  # a restart does not help
        consumer = bench.consumer(limit=limit, batch=4)
        async with running(consumer):
            await until(lambda c=consumer: _says(c, "deadletter allow"))  # type: ignore[misc]
    assert 4 == len(await rows(bench.admin, "select 1 from router.dead_letter"))

    await operations.allow_dead_letters(bench.database, NAME)
    async with running(bench.consumer(limit=DeadLetterLimit(run=20), batch=4)):
        await until(lambda: bench.handled(count=1))
    assert 12 == len(await rows(bench.admin, "select 1 from router.dead_letter"))


async def _says(consumer: Consumer, words: str) -> bool:
    return words in (consumer.waiting or "")


async def test_an_unseeded_partition_stops_with_the_command_to_use(bench: Bench) -> None:
    """§4.2: an absent row is seeded explicitly, never guessed."""
    await rows(bench.admin, "delete from router.consumer_offset where partition = 1")
    consumer = bench.consumer()

    async with running(consumer):
        await until(lambda: _says(consumer, "offsets seed"))


async def test_another_log_under_the_same_offset_is_noticed(bench: Bench) -> None:
    """§4.2: the record before the stored offset must be the event stored with it."""
    one = fresh()
    await bench.said((one, 1))
    await run_until(bench, 1)
    (place,) = [p for p, log in bench.broker.logs.items() if log]
    bench.broker.logs[place].clear()
    await bench.said((one, 7))
    consumer = bench.consumer()

    async with running(consumer):
        await until(lambda: _says(consumer, "another log"))

    assert {one: [1]} == await tallies(bench.admin)


async def test_another_cluster_is_noticed(bench: Bench) -> None:
    """§4.2: the cluster's id is stored with the offset."""
    one = fresh()
    await bench.said((one, 1))
    await run_until(bench, 1)
    bench.broker.cluster = "somewhere else"
    consumer = bench.consumer()

    async with running(consumer):
        await until(lambda: _says(consumer, "belongs to cluster memory"))


async def test_an_offset_past_the_end_is_never_reset_by_itself(bench: Bench) -> None:
    """§4.2: out of range stops; setting it is a person's act, after which it goes on."""
    await operations.set_offset(bench.database, NAME, Partition(TOPIC, 0), 99)
    consumer = bench.consumer()

    async with running(consumer):
        await until(lambda: _says(consumer, "outside the log"))
        await operations.set_offset(bench.database, NAME, Partition(TOPIC, 0), 0)
        await until(lambda: _ready(consumer))


async def _ready(consumer: Consumer) -> bool:
    return consumer.waiting is None


async def test_two_stores_of_one_aggregate_keep_both_changes(bench: Bench) -> None:
    """§4.3: the loser of the version guard loads and decides again; nothing is overwritten."""
    one = fresh()
    first = True

    async def overtaken(_: Sequence[Event]) -> None:
        nonlocal first
        if first:
            first = False
            await rows(bench.admin, "insert into router.tally values ($1, 1, '100')", one)

    bench.tally.before_store = overtaken
    await bench.said((one, 1))

    await run_until(bench, 2)

    assert {one: [100, 1]} == await tallies(bench.admin)


async def test_a_lost_guard_writes_nothing_of_the_batch(bench: Bench) -> None:
    """ENGINE: a guard that merely matches fewer rows would half-apply."""
    one, other = neighbours()
    seen: list[dict[UUID, list[int]]] = []
    first = True

    async def overtaken(_: Sequence[Event]) -> None:
        nonlocal first
        if first:
            first = False
            await rows(bench.admin, "insert into router.tally values ($1, 1, '100')", one)
        else:
            seen.append(await tallies(bench.admin))

    bench.tally.before_store = overtaken
    bench.tally.out = TOPIC
    await bench.said((one, 1), (other, 1))
    await run_until(bench, 3)

    assert [{one: [100]}] == seen[:1]
    assert 2 == len(await rows(bench.admin, "select 1 from router.outbox"))


async def test_a_dead_letter_is_replayed_under_the_same_id(bench: Bench) -> None:
    """§4.6 `deadletter replay`: sent again as it was, settled once, by whom."""
    one = fresh()
    cured = False

    async def refuse(events: Sequence[Event]) -> None:
        if not cured:
            raise InvalidEvent("too_early", "not yet", event=events[0])

    bench.tally.before_store = refuse
    await bench.said((one, 1))
    relay = Relay(bench.database, MemorySink(bench.broker))
    async with running(bench.consumer(), relay):
        await until(lambda: _letters(bench, 1))
        cured = True
        (letter,) = await operations.dead_letters(bench.database)
        place = Partition(letter["topic"], letter["partition"])
        assert await operations.settle(
            bench.database, NAME, place, letter["record"], state="replayed", by="duty"
        )
        await until(lambda: bench.handled(count=1))

    assert {one: [1]} == await tallies(bench.admin)
    assert not await operations.settle(
        bench.database, NAME, place, letter["record"], state="replayed", by="duty"
    )


@pytest.mark.parametrize(
    ("topic", "lane"),
    [("call.urgent.v1", 0), ("call.ordinary.v1", 1), ("unit.feedback.v1", 0)],
)
async def test_a_replay_goes_by_the_lane_it_came_from(bench: Bench, topic: str, lane: int) -> None:
    """§3 two lanes: replayed orders of 12345 stand before no fire; who replayed is kept (audit)."""
    place = Partition(topic, 0)
    record = Record(place, 7, b"k", b"v", (("ce_id", b"x"),))
    work = Work()
    work.put(DEAD_LETTER, *dead_letter_row(NAME, record, "too_early", "handle", "not yet"))
    await Store(bench.database).commit(work)

    assert await operations.settle(bench.database, NAME, place, 7, state="replayed", by="duty")

    (row,) = await rows(bench.admin, "select lane, topic, value from router.outbox")
    assert (lane, topic, b"v") == tuple(row)
    (kept,) = await rows(
        bench.admin, "select state, settled_by, settled_at is not null from router.dead_letter"
    )
    assert ("replayed", "duty", True) == tuple(kept)


async def _letters(bench: Bench, count: int) -> bool:
    return len(await operations.dead_letters(bench.database)) == count


async def test_a_log_cut_under_a_running_consumer_is_noticed(bench: Bench) -> None:
    """§4.2: the client library starts over by itself when out of range; nothing is skipped in silence."""
    one, other = neighbours()
    consumer = bench.consumer()
    async with running(consumer):
        await bench.said((one, 1), (one, 2))
        await until(lambda: bench.handled(count=2))
        for log in bench.broker.logs.values():
            log.clear()
        (member,) = bench.broker.members["g"]
        member.seek(dict.fromkeys(member.owned(), 0))  # what the library does
        await bench.said((other, 1))

        await until(lambda: _says(consumer, "outside the log"))

    assert {one: [1, 2]} == await tallies(bench.admin)


async def test_a_halted_consumer_is_steadily_not_ready(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§4.2: it looks at the gap every two seconds; to have looked is not to be ready."""
    monkeypatch.setattr("shared.runtime.consumer.HALT_RECHECK_S", 0.01)
    one = fresh()
    consumer = bench.consumer()
    said: list[str | None] = []
    async with running(consumer):
        await bench.said((one, 1))
        await until(lambda: bench.handled(count=1))
        (member,) = bench.broker.members["g"]
        fetch = member.fetch

        async def losing(limit: int, wait_s: float) -> list[Record]:
            said.append(consumer.waiting)
            return [r for r in await fetch(limit, wait_s) if r.offset != 1]

        monkeypatch.setattr(member, "fetch", losing)
        member.seek(dict.fromkeys(member.owned(), 2))
        await bench.said((one, 2), (one, 3))
        await until(lambda: _says(consumer, "gives nothing at"))
        said.clear()
        await until(lambda: _looked(said, 6))

        assert {True} == {"gives nothing at" in (why or "") for why in said[1:]}
        assert 1 == metrics.HALTED.labels(NAME)._value.get()  # noqa: SLF001 - no public reader


async def _looked(said: list[str | None], times: int) -> bool:
    return len(said) >= times


async def test_what_the_library_skipped_under_a_running_consumer_is_read(bench: Bench) -> None:
    """§4.2: never an automatic reset: what still stands in the log is handled, in order."""
    one = fresh()
    consumer = bench.consumer()
    async with running(consumer):
        await bench.said((one, 1))
        await until(lambda: bench.handled(count=1))
        (member,) = bench.broker.members["g"]
        member.seek(dict.fromkeys(member.owned(), 2))
        await bench.said((one, 2), (one, 3))
        await until(lambda: bench.handled(count=3))

    assert {one: [1, 2, 3]} == await tallies(bench.admin)


async def test_records_deleted_before_a_running_consumer_read_them_are_missed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§4.2: retention overtook a consumer that had waited for a person: it stops, and says so."""
    one = fresh()
    consumer = bench.consumer()
    async with running(consumer):
        await bench.said((one, 1))
        await until(lambda: bench.handled(count=1))
        (member,) = bench.broker.members["g"]

        async def shortened(partitions: Sequence[Partition]) -> dict[Partition, Bounds]:
            return {p: Bounds(2, 3) for p in partitions}

        monkeypatch.setattr(member, "bounds", shortened)
        member.seek(dict.fromkeys(member.owned(), 2))
        await bench.said((one, 2), (one, 3))

        await until(lambda: _says(consumer, "outside the log"))

    assert {one: [1]} == await tallies(bench.admin)


async def test_a_record_that_never_comes_stops_the_consumer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§4.2: it says where; a person who knows why sets the offset past it."""
    one = fresh()
    consumer = bench.consumer()
    async with running(consumer):
        await bench.said((one, 1))
        await until(lambda: bench.handled(count=1))
        (member,) = bench.broker.members["g"]
        fetch = member.fetch

        async def losing(limit: int, wait_s: float) -> list[Record]:
            return [r for r in await fetch(limit, wait_s) if r.offset != 1]

        monkeypatch.setattr(member, "fetch", losing)
        member.seek(dict.fromkeys(member.owned(), 2))
        await bench.said((one, 2), (one, 3))
        await until(lambda: _says(consumer, "gives nothing at"))
        assert {one: [1]} == await tallies(bench.admin)

        place = partition_of(str(one).encode(), PARTITIONS)
        await operations.set_offset(bench.database, NAME, Partition(TOPIC, place), 2)
        await until(lambda: bench.handled(count=2))

    assert {one: [1, 3]} == await tallies(bench.admin)
