"""A schema with a timer row per clock goes on where it stood."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
import pytest

from deploy.database import Passwords, drop_database, provision
from deploy.migrations import migrate, migrations_of
from services.sla.adapters.kept import decoded
from services.sla.domain.firing import steps
from tests.integration.sla.clockwork import clocks_of, incident_sent

pytestmark = pytest.mark.infrastructure

SERVICE = "aged"
"""Not `sla`: roles are the whole server's, and other tests use sla's."""
T0 = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


@pytest.fixture
def owner(postgres: str) -> Iterator[str]:
    """Return the owner's DSN of an empty schema in a database that is dropped afterwards."""
    name, pair = f"aged_{uuid.uuid4().hex[:8]}", Passwords.random()
    made = provision(postgres, {SERVICE: pair}, database=name, migrated=False)
    yield made.apps[SERVICE].replace(f"{SERVICE}_app:{pair.app}", f"{SERVICE}_owner:{pair.owner}")
    drop_database(postgres, name)


def test_each_set_takes_over_its_timer_rows(owner: str) -> None:
    """§4.12: none lost, none twice: the soonest row is when the set fires; settled ones never do."""
    files = migrations_of("sla")
    running, settled = (clocks_of(incident_sent(T0 + timedelta(minutes=n))) for n in range(2))
    migrate(owner, SERVICE, [f for f in files if f.id != "sla/0002_timers_in_the_set"])
    with psycopg.connect(owner, autocommit=True, options=f"-csearch_path={SERVICE}") as database:
        for kept in (running, settled):
            database.execute(
                "insert into clock_set values (%s, 1, 1, 0, %s)",
                (kept.incident_id, msgspec.json.encode(kept)),
            )
        for step, clock in steps(running):
            database.execute(
                "insert into open_clock values (%s, %s, 0, %s, %s, %s)",
                (clock.clock_id, running.incident_id, clock.kind, step, clock.due),
            )

        applied = migrate(owner, SERVICE, files)
        found = database.execute("select incident_id, next_at, open_clocks, doc from clock_set")
        taken = {UUID(str(row[0])): (row[1], row[2], decoded(row[3])) for row in found}

    assert ["sla/0002_timers_in_the_set"] == applied
    assert {
        running.incident_id: (T0 + timedelta(minutes=1.5), 4, running),
        settled.incident_id: (None, 0, settled),
    } == taken
