"""A freeze says every published figure on `stats.monthly`, with the month or not at all, once."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.topics import read_topics
from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.domain.freezing import FreezeRefused, Revision
from services.reports.domain.monthly import TOPIC, messages
from shared.contracts.envelope import Envelope, decode
from shared.contracts.stats import MonthlyFigure
from shared.runtime.database import Database
from shared.runtime.kafka import KafkaSink
from shared.runtime.relay import Relay
from tests.engine import running, until
from tests.integration.reports.stage import Stage
from tests.integration.reports.test_freezing import LATE, READY, at, fed, first, later, office
from tests.parts import SessionKafka
from tests.unit.reports.cases import NOVEMBER, xianju

pytestmark = pytest.mark.infrastructure

COUNT = "select count(*) as n from outbox where topic = $1"


async def _waiting(stage: Stage) -> int:
    return int((await stage.rows(COUNT, TOPIC))[0]["n"])


async def _relayed(stage: Stage) -> None:
    """Publish what waits, as the running service does."""
    database = Database(stage.dsn, schema="reports", instance="relay")
    async with running(Relay(database, KafkaSink(stage.kafka, name="reports-relay"))):

        async def empty() -> bool:
            return await _waiting(stage) == 0

        await until(empty)
    await database.close()


async def _read(address: str) -> list[tuple[str, Envelope]]:
    """Return every figure on the topic, in the order of the broker."""
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[tuple[str, Envelope]] = []
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [
                        ((r.key or b"").decode(), decode(r.headers, r.value)) for r in records
                    ]
        return found
    finally:
        await consumer.stop()


async def test_each_figure_is_said_once_however_often_a_freeze_is_tried(
    stage: Stage, kafka: SessionKafka
) -> None:
    """Two freezes at once and a third: one month, one event a figure; a revision says each again."""
    await kafka.topics(*(t for t in read_topics() if t.name == TOPIC))
    await fed(stage, *first())
    await at(stage, READY)
    other = Database(stage.dsn, schema="reports", instance="other")
    tries = await asyncio.gather(
        office(stage).freeze(NOVEMBER),
        office(stage, other).freeze(NOVEMBER),
        return_exceptions=True,
    )
    await other.close()
    with pytest.raises(FreezeRefused):
        await office(stage).freeze(NOVEMBER)

    assert ["FreezeRefused", "Revision"] == sorted(type(each).__name__ for each in tries)
    await _relayed(stage)
    said = await _read(stage.kafka)
    assert said
    assert {1} == set(Counter(key for key, _ in said).values())
    assert {1} == {each.version for _, each in said}
    hidden = next(e.data for key, e in said if key == "331024/2026-11/calls.valid")
    assert isinstance(hidden, MonthlyFigure)
    assert (True, None) == (hidden.suppressed, hidden.numerator)

    await fed(stage, *later(), before=len(first()))
    await office(stage).revise(NOVEMBER, LATE)
    await _relayed(stage)

    again = await _read(stage.kafka)
    versions: dict[str, list[int]] = {}
    for key, each in again:
        versions.setdefault(key, []).append(each.version)
    assert {(1, 2)} == {tuple(each) for each in versions.values()}
    newest = [msgspec.convert(e.data, MonthlyFigure) for _, e in again if e.version == 2]
    assert {(1, "late_events")} == {(figure.revision, figure.reason) for figure in newest}


async def test_a_month_that_is_not_kept_is_not_said(stage: Stage) -> None:
    """One transaction: where the number is taken, no row of the outbox stays behind."""
    await fed(stage, *first())
    await at(stage, READY)
    kept = await office(stage).freeze(NOVEMBER)
    once = await _waiting(stage)
    figure = MonthlyFigure(
        region="xianju",
        area="331024",
        month=kept.month,
        figure="calls.valid",
        population="real",
        table="T1",
        formula=1,
        revision=kept.number,
        frozen_at=kept.at,
    )

    taken = await FrozenMonths(stage.database).keep(
        _same(kept), [], messages([figure], kept, xianju())
    )

    assert (False, once) == (taken, await _waiting(stage))
    assert once > 0


def _same(kept: Revision) -> Revision:
    return msgspec.structs.replace(kept, sheets=[], files=[])
