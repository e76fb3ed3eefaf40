"""Fixtures of router's integration tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.contracts.pack import Pack
from shared.runtime.packs import load_pack
from tests.integration.router.stage import PARTITIONS, Stage
from tests.parts import FreshDatabase, SessionKafka

REGION = Path(__file__).parents[3] / "deploy" / "regions" / "xianju"


@pytest.fixture(scope="session")
def pack() -> Pack:
    """Return the region the platform is shown with."""
    return load_pack(REGION)


@pytest.fixture
async def stage(kafka: SessionKafka, database: FreshDatabase, pack: Pack) -> Stage:
    """Return topics and a schema that nobody else uses."""
    names = ("router.urgent", "router.ordinary", "router.feedback")
    topics = {name: await kafka.topic(name, partitions=PARTITIONS) for name in names}
    made = Stage(kafka, database, pack, topics)
    await made.seed()
    return made
