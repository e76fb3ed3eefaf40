"""Brings database, topics and offsets to where services may start; safe to run at every start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from deploy.database import Passwords, Provisioned, provision
from deploy.local.infrastructure import Infrastructure
from deploy.local.seeds import seed_offsets
from deploy.topics import TOPICS_FILE, create_topics, read_topics
from shared.contracts.pack import Pack


async def prepare(
    infrastructure: Infrastructure, pack: Pack, passwords: Mapping[str, Passwords]
) -> tuple[Provisioned, str]:
    """Return the ready database and a line that says what was done."""
    departments = [department.id for department in pack.departments]
    topics = read_topics(TOPICS_FILE, departments)
    broker = infrastructure.kafka.address
    provisioned, created = await asyncio.gather(
        asyncio.to_thread(provision, infrastructure.postgres.dsn, passwords),
        create_topics(broker, topics),
    )
    seeded = await seed_offsets(broker, provisioned.apps, departments)
    return provisioned, f"{len(topics)} topics ({len(created)} new), {seeded} offsets seeded"
