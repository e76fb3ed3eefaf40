"""A schema from before the clocks had consumers of their own goes on where it stood."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import psycopg
import pytest

from deploy.database import Passwords, drop_database, provision
from deploy.migrations import migrate, migrations_of

pytestmark = pytest.mark.infrastructure

SERVICE = "aged"
"""Not `notify`: roles are the whole server's, and other tests use notify's."""
SEEN, NEWER = UUID(int=1), UUID(int=2)


@pytest.fixture
def owner(postgres: str) -> Iterator[str]:
    """Return the owner's DSN of an empty schema in a database that is dropped afterwards."""
    name, pair = f"aged_{uuid.uuid4().hex[:8]}", Passwords.random()
    made = provision(postgres, {SERVICE: pair}, database=name, migrated=False)
    yield made.apps[SERVICE].replace(f"{SERVICE}_app:{pair.app}", f"{SERVICE}_owner:{pair.owner}")
    drop_database(postgres, name)


def test_what_was_read_of_the_clocks_goes_to_their_own_consumers(owner: str) -> None:
    """Seeded anew they would decide 400 days again; what stands under the new name and is further stays."""
    files = migrations_of("notify")
    before = [f for f in files if not (f.id.startswith("notify/") and f.id >= "notify/0003")]
    migrate(owner, SERVICE, before)
    with psycopg.connect(owner, autocommit=True, options=f"-csearch_path={SERVICE}") as database:
        database.execute(
            """
            insert into consumer_offset (consumer, topic, partition, next, last_event, cluster) values
              ('notify.urgent', 'incident.urgent.v1', 0, 900, 'i900', 'c'),
              ('notify.urgent', 'sla.urgent.v1', 0, 500, 's500', 'c'),
              ('notify.urgent', 'sla.urgent.v1', 1, 600, 's600', 'c'),
              ('notify.urgent', 'sla.urgent.v1', 2, 70, 's70', 'c'),
              ('notify.ordinary', 'sla.ordinary.v1', 0, 80, 's80', 'c'),
              ('notify.clocks.urgent', 'sla.urgent.v1', 1, 0, null, null),
              ('notify.clocks.urgent', 'sla.urgent.v1', 2, 77, 's77', 'c')
            """
        )
        database.execute(
            """
            insert into high_water (aggregate, producer, consumer, version, touched_on) values
              (%(seen)s, 'router', 'notify.urgent', 9, '2026-11-01'),
              (%(seen)s, 'sla', 'notify.urgent', 4, '2026-11-01'),
              (%(newer)s, 'sla', 'notify.urgent', 4, '2026-11-01'),
              (%(newer)s, 'sla', 'notify.clocks.urgent', 6, '2026-11-20'),
              (%(newer)s, 'sla', 'notify.ordinary', 1, '2026-11-02')
            """,
            {"seen": SEEN, "newer": NEWER},
        )
        database.execute(
            """
            insert into dead_letter (consumer, topic, partition, record, reason, stage, detail, headers)
            values ('notify.urgent', 'sla.urgent.v1', 0, 7, 'crash', 'crash', '', '')
            """
        )

        applied = migrate(owner, SERVICE, files)
        offsets = database.execute(
            "select consumer, topic, partition, next, last_event from consumer_offset order by 1, 2, 3"
        ).fetchall()
        marks = database.execute(
            "select consumer, producer, aggregate, version, touched_on from high_water order by 1, 2, 3"
        ).fetchall()
        letters = database.execute("select consumer, record from dead_letter").fetchall()

    assert "notify/0003_clocks_have_their_own_consumers" in applied
    assert [
        ("notify.clocks.ordinary", "sla.ordinary.v1", 0, 80, "s80"),
        ("notify.clocks.urgent", "sla.urgent.v1", 0, 500, "s500"),
        ("notify.clocks.urgent", "sla.urgent.v1", 1, 600, "s600"),
        ("notify.clocks.urgent", "sla.urgent.v1", 2, 77, "s77"),
        ("notify.urgent", "incident.urgent.v1", 0, 900, "i900"),
    ] == offsets
    assert [
        ("notify.clocks.ordinary", "sla", NEWER, 1, date(2026, 11, 2)),
        ("notify.clocks.urgent", "sla", SEEN, 4, date(2026, 11, 1)),
        ("notify.clocks.urgent", "sla", NEWER, 6, date(2026, 11, 20)),
        ("notify.urgent", "router", SEEN, 9, date(2026, 11, 1)),
    ] == marks
    assert [("notify.clocks.urgent", 7)] == letters
