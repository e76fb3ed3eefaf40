"""Fixtures of intake's integration tests: one running service a module."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from deploy.topics import Topic
from shared.contracts.topics import TOPICS
from tests.integration.intake.station import NO_BROKER, ROOT, Station, running
from tests.parts import FreshDatabase, SessionKafka

Start = Callable[..., AbstractContextManager[Station]]


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return Xianju's pack with 122 strict and 119 writing GB18030."""
    folder = tmp_path_factory.mktemp("pack") / "xianju"
    shutil.copytree(ROOT / "deploy" / "regions" / "xianju", folder)
    sources = folder / "sources.yaml"
    head, middle, tail = _split(sources.read_text(encoding="utf-8"), '- id: "119"', '- id: "122"')
    middle = middle.replace("charset: utf-8", "charset: gb18030", 1)
    tail = tail.replace("strict: false", "strict: true", 1)
    sources.write_text(head + middle + tail, encoding="utf-8")
    return folder


def _split(text: str, first: str, second: str) -> tuple[str, str, str]:
    one, two = text.index(first), text.index(second)
    return text[:one], text[one:two], text[two:]


@pytest.fixture(scope="module")
def start(
    tmp_path_factory: pytest.TempPathFactory, module_database: FreshDatabase, region: Path
) -> Start:
    """Hand out `start(**settings)`: intake on the module's database, without a broker unless told."""

    def started(*, kafka: str = NO_BROKER, **settings: Any) -> AbstractContextManager[Station]:
        settings = {"database": module_database.dsn("intake")} | settings
        folder = tmp_path_factory.mktemp("intake")
        app = settings.pop("database")
        return running(folder, module_database.admin, app, kafka, region, **settings)

    return started


@pytest.fixture(scope="module")
def station(start: Start, kafka: SessionKafka) -> Iterator[Station]:
    """Run intake with broker and database for the module's tests."""
    wanted = [Topic(t.name, t.partitions, dead=False) for t in TOPICS.values()]
    asyncio.run(kafka.topics(*wanted))
    with start(kafka=kafka.address) as running_intake:
        yield running_intake


@pytest.fixture(scope="module")
def mute(start: Start) -> Iterator[Station]:
    """Run intake without a broker: whatever it says stays in its outbox."""
    with start() as running_intake:
        yield running_intake
