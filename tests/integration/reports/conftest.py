"""Fixtures of the facts' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.runtime.database import Database
from tests.engine import seeded
from tests.integration.reports.stage import CONSUMER, PARTITIONS, Stage
from tests.parts import FreshDatabase, SessionKafka


@pytest.fixture
async def stage(
    kafka: SessionKafka, database: FreshDatabase, tmp_path: Path
) -> AsyncIterator[Stage]:
    """Return a topic and a schema that nobody else uses."""
    topic = await kafka.topic("facts", partitions=PARTITIONS)
    own = Database(database.dsn("reports"), schema="reports", instance="reader")
    await seeded(own, CONSUMER, topic, PARTITIONS)
    yield Stage(kafka.address, topic, database.dsn("reports"), database.admin, own, tmp_path)
    await own.close()
