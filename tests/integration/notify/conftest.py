"""Fixtures of notify's tests on real parts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.topics import Topic
from services.notify.domain.proof import TOPIC
from shared.contracts.topics import TOPICS, feed_topic
from shared.runtime.database import Database
from tests.engine import seeded
from tests.integration.notify.gateway import Gateway
from tests.integration.notify.stage import PARTITIONS, Stage
from tests.integration.notify.worker import PROVIDER_KEYS, Task
from tests.parts import FreshDatabase, SessionKafka
from tests.unit.notify.cases import PACK


@pytest.fixture
async def stage(kafka: SessionKafka, database: FreshDatabase) -> AsyncIterator[Stage]:
    """Return topics, a schema and gateways that nobody else uses; what notify says is shared."""
    incidents = await kafka.topic("incident.urgent", partitions=PARTITIONS)
    clocks = await kafka.topic("sla.urgent", partitions=PARTITIONS)
    feeds = [feed_topic(department.id) for department in PACK.departments]
    await kafka.topics(Topic(TOPIC, TOPICS[TOPIC].partitions), *(Topic(name, 1) for name in feeds))
    consumer = kafka.unique("notify.urgent")
    own = Database(database.dsn("notify"), schema="notify", instance="reader")
    for topic in (incidents, clocks):
        await seeded(own, consumer, topic, PARTITIONS)
    async with Gateway(PROVIDER_KEYS["sms"]) as sms, Gateway(PROVIDER_KEYS["webhook"]) as webhook:
        task = Task(
            kafka=kafka.address,
            dsn=database.dsn("notify"),
            instance="1",
            sms=sms.url,
            webhook=webhook.url,
            consumers={consumer: (incidents, clocks)},
        )
        yield Stage(task, sms, webhook, own, (incidents, clocks))
    await own.close()
