"""Follows every id through topics and tables of a running stack: what is lost, doubled or in disagreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.following import follow
from deploy.local.observing import Observer
from deploy.local.records import Journal, Records
from deploy.local.stack import Stack
from deploy.topics import TOPICS_FILE, read_topics
from services.sla.adapters.kept import decoded
from services.sla.domain.clock_set import ClockSet
from shared.contracts.envelope import decode
from shared.contracts.incident import Origin, StampKind
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockChangeKind, ClockKind, SlaEvent
from tests.e2e.town import STEPS, Town
from tests.engine import rows, until

_KEPT = 10_000
"""Receipts the played provider remembers."""
_ONCE = (ClockChangeKind.STARTED, ClockChangeKind.BREACHED)


@dataclass(frozen=True)
class Said:
    """One record on a topic; `content` is everything in it."""

    topic: str
    partition: int
    offset: int
    event: str
    aggregate: str
    version: int
    content: tuple[Any, ...]


@dataclass(frozen=True)
class Account:
    """Everything the platform says of itself, read in one go."""

    records: Records
    journal: Journal
    versions: dict[str, dict[UUID, int]]
    clocks: dict[UUID, ClockSet]
    said: Sequence[Said]
    changes: Counter[tuple[UUID, ClockChangeKind]]
    facts: dict[str, dict[Any, Any]]
    aside: dict[str, int]


async def drained(stack: Stack, *, within_s: float = 120) -> None:
    """Wait until every queue was seen empty."""
    async with Observer(stack) as observer:

        async def empty() -> bool:
            return not await left(observer)

        await until(empty, within_s=within_s)


async def left(observer: Observer) -> dict[str, int]:
    """Return what waits in a queue; the drill plays only the providers, it has nothing to do."""
    waiting = (await observer.look()).unfinished()
    waiting.pop("actions of the drill", None)
    return waiting


async def assert_all_once(stack: Stack, town: Town, *, within_s: float = 120) -> None:
    """Fail with everything that is wrong once all has arrived.

    What only waits to arrive is looked at again for a while; what came double stays double.
    """
    await drained(stack, within_s=within_s)
    await town.catch_up()
    await drained(stack, within_s=within_s)
    found: list[str] = []

    async def right() -> bool:
        found[:] = list(offences(await account(stack, town), town))
        return not found

    with suppress(TimeoutError):
        await until(right, within_s=60)
    assert not found, "\n".join(found[:40])


async def account(stack: Stack, town: Town) -> Account:
    """Read tables, receipts and topics."""
    async with Observer(stack) as observer:
        records = await observer.records()
        receipts = await observer.journal()
        look = await observer.look()
    admin = stack.admin
    sets = [decoded(r["doc"]) for r in await rows(admin, "select doc from sla.clock_set")]
    said, changes = await history(stack.kafka, town.pack)
    versions = {
        "call": "select call_id as id, version from intake.calls",
        "incident": "select incident_id as id, version from router.incident",
        "sla": "select incident_id as id, version from sla.clock_set",
        "notice": "select notice_id as id, version from notify.notice where version > 0",
    }
    facts = {
        "call": "select call_id as id, 1 as state from reports.call_fact",
        "incident": _newest("incident", "incident_id"),
        "assignment": _newest("assignment", "assignment_id"),
        "clock": _newest("clock", "clock_id"),
        "notice": _newest("notice", "notice_id"),
    }
    return Account(
        records=records,
        journal=Journal(calls=town.accepted, commands={}, notices=receipts.notices),
        versions={name: await _pairs(admin, sql, "version") for name, sql in versions.items()},
        clocks={each.incident_id: each for each in sets},
        said=said,
        changes=changes,
        facts={name: await _pairs(admin, sql, "state") for name, sql in facts.items()},
        aside={name: look.counts[name] for name in ("dead_letters", "parked")},
    )


def _newest(table: str, key: str) -> str:
    return (
        f"select distinct on ({key}) {key} as id, state from reports.{table}_fact"
        f" order by {key}, epoch desc"
    )


async def _pairs(admin: str, sql: str, value: str) -> dict[Any, Any]:
    return {row["id"]: row[value] for row in await rows(admin, sql)}


async def history(
    kafka: str, pack: Pack
) -> tuple[list[Said], Counter[tuple[UUID, ClockChangeKind]]]:
    """Read every topic from its beginning; count the changes of clocks, each event once."""
    wanted = read_topics(TOPICS_FILE, [department.id for department in pack.departments])
    topics = [topic for topic in wanted if not topic.name.endswith(".dead")]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    try:
        parts = [TopicPartition(t.name, number) for t in topics for number in range(t.partitions)]
        ends = {part: end for part, end in (await consumer.end_offsets(parts)).items() if end}
        consumer.assign(list(ends))
        found: list[Said] = []
        changes: Counter[tuple[UUID, ClockChangeKind]] = Counter()
        seen: set[str] = set()
        behind = set(ends)
        while behind:
            for part, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    said = _said(record)
                    found.append(said)
                    if part.topic.startswith("sla.") and said.event not in seen:
                        changes.update(_changes(record))
                    seen.add(said.event)
            for part in list(behind):
                if await consumer.position(part) >= ends[part]:
                    behind.discard(part)
    finally:
        await consumer.stop()
    return found, changes


def _said(record: Any) -> Said:
    headers = dict(record.headers)
    return Said(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event=headers["ce_id"].decode(),
        aggregate=f"{headers['ce_source'].decode()}/{headers['ce_subject'].decode()}",
        version=int(headers["ce_sequence"]),
        content=(record.topic, record.key, record.value, tuple(sorted(headers.items()))),
    )


def _changes(record: Any) -> Iterator[tuple[UUID, ClockChangeKind]]:
    data = decode(record.headers, record.value).data
    if isinstance(data, SlaEvent):
        for change in data.changes:
            if change.kind in _ONCE:
                yield change.clock_id, change.kind


# -- what can be wrong ------------------------------------------------------------------------


def offences(account: Account, town: Town) -> Iterator[str]:
    """List everything that did not come through exactly once."""
    if len(account.journal.notices) >= _KEPT:
        yield "the provider has forgotten receipts: nothing can be followed"
    yield from (f"set aside: {count} {name}" for name, count in account.aside.items() if count)
    yield from town.unequal
    trail = follow(account.journal, account.records)
    yield from (f"lost: {each}" for each in trail.lost)
    yield from (f"doubled: {each}" for each in trail.doubled)
    yield from _calls(account, town)
    yield from _stamps(account, town)
    yield from _clocks(account)
    yield from _topics(account)
    yield from _facts(account)


def _calls(account: Account, town: Town) -> Iterator[str]:
    answered = set(town.revisions)
    for call in answered ^ account.records.calls:
        yield f"call {call}: {'no row' if call in answered else 'a row nobody was answered for'}"
    for incident in account.records.incidents.values():
        for ref in incident.calls:
            newest = town.revisions.get(ref.call_id)
            if ref.revision != newest:
                yield f"call {ref.call_id}: incident has revision {ref.revision} of {newest}"


def _stamps(account: Account, town: Town) -> Iterator[str]:
    """What a unit was told is taken stands once, at the time it gave."""
    duties = {a.assignment_id: a for i in account.records.incidents.values() for a in i.assignments}
    for assignment, steps in town.reported.items():
        for step, at in steps.items():
            stamps = [s.occurred_at for s in duties[assignment].stamps if s.kind is STEPS[step]]
            if stamps != [at]:
                yield f"duty {assignment}: {step} at {at} stands as {stamps}"


def _clocks(account: Account) -> Iterator[str]:
    """Each incident has one set; in it one clock of each kind for what was asked."""
    incidents = account.records.incidents
    for incident_id in incidents.keys() ^ account.clocks.keys():
        yield f"incident {incident_id}: no clocks, or clocks of nobody"
    every = Counter(c.clock_id for each in account.clocks.values() for c in each.clocks)
    yield from (f"clock {clock} stands {n} times" for clock, n in every.items() if n > 1)
    for incident_id, each in account.clocks.items():
        kinds = Counter((c.kind, c.assignment_id) for c in each.clocks)
        asked: list[tuple[ClockKind, UUID | None]] = [
            (ClockKind.ACCEPT, None),
            (ClockKind.DISPATCH, None),
        ]
        asked += [
            (kind, duty.assignment_id)
            for duty in (incidents[incident_id].assignments if incident_id in incidents else ())
            if duty.origin is Origin.DISPATCHED and duty.stamp(StampKind.SENT)
            for kind in (ClockKind.ACK, ClockKind.HANDLE, ClockKind.FEEDBACK)
        ]
        yield from (
            f"{incident_id}: {kinds[want]} clocks of {want}" for want in asked if kinds[want] != 1
        )
    for clock, times in every.items():
        if account.changes[clock, ClockChangeKind.STARTED] != times:
            yield f"clock {clock} started {account.changes[clock, ClockChangeKind.STARTED]} times"
    for (clock, kind), times in account.changes.items():
        if times > 1 or clock not in every:
            yield f"clock {clock} {kind} {times} times"


def _topics(account: Account) -> Iterator[str]:
    """No id with two contents; each aggregate's versions 1..n, first said in that order, in one place."""
    contents: dict[str, tuple[Any, ...]] = {}
    firsts: dict[str, list[Said]] = defaultdict(list)
    for said in account.said:
        if said.event not in contents:
            contents[said.event] = said.content
            firsts[said.aggregate].append(said)
        elif contents[said.event] != said.content:
            yield f"{said.topic} {said.event}: one id, two contents"
    for aggregate, events in firsts.items():
        versions = [each.version for each in sorted(events, key=lambda each: each.offset)]
        if versions != list(range(1, len(versions) + 1)):
            yield f"{events[0].topic} {aggregate}: versions {versions}"
        if len({(each.topic, each.partition) for each in events}) > 1:
            yield f"{aggregate} was said in several places"
    for family, producer in (
        ("call", "intake"),
        ("incident", "router"),
        ("sla", "sla"),
        ("notice", "notify"),
    ):
        for aggregate_id, version in account.versions[family].items():
            said_to = len(firsts.get(f"/liandong/{producer}/{aggregate_id}", ()))
            if said_to != version:
                yield f"{family} {aggregate_id}: stored at {version}, said up to {said_to}"


def _facts(account: Account) -> Iterator[str]:
    incidents = account.records.incidents.values()
    stored: dict[str, dict[UUID, Any]] = {
        "call": dict.fromkeys(account.records.calls, 1),
        "incident": {i.incident_id: i.state.value for i in incidents},
        "assignment": {a.assignment_id: a.state.value for i in incidents for a in i.assignments},
        "clock": {
            c.clock_id: c.state.value for each in account.clocks.values() for c in each.clocks
        },
        "notice": {row.notice_id: row.state for row in account.records.ledger},
    }
    for name, states in stored.items():
        facts = account.facts[name]
        for key in states.keys() | facts.keys():
            if name == "notice" and states.get(key) == "queued":
                continue  # not said yet
            if states.get(key) != facts.get(key):
                yield f"{name} {key}: {states.get(key)}, in the facts {facts.get(key)}"
