"""What the live picture begins with, read from the facts on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from msgspec.structs import replace

from deploy.local.stack import REGIONS
from services.reports.adapters.fact_tables import FactTables
from services.reports.adapters.live_facts import PostgresLiveFacts
from services.reports.domain.extraction import assignment_fact, call_fact, incident_fact
from services.reports.domain.facts import Population
from services.reports.ports import Fact
from shared.contracts.call import CallChange, CallEvent
from shared.contracts.incident import AssignmentState, Incident, IncidentState
from shared.runtime.database import Database
from shared.runtime.packs import load_pack
from shared.runtime.store import Store, Work
from tests.builders import COUNTY_TOWN, T0, a_call, an_assignment, an_incident, an_incident_id
from tests.engine import rows
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure
PACK = load_pack(REGIONS / "xianju")
_HISTORY = """
insert into reports.call_fact (call_id, epoch, version, opens, source, line, lane, received_at,
  recorded_at, category, severity, area, withdrawn, exercise, test)
select gen_random_uuid(), 1, 1, gen_random_uuid(), 't', '110', 'urgent', at, at, 'c', 3, $4,
  false, $5, false
from generate_series($1::timestamptz, $2::timestamptz, $3::interval) as at"""


@pytest_asyncio.fixture
async def own(database: FreshDatabase) -> AsyncIterator[Database]:
    """Give the service's own pool."""
    found = Database(database.dsn("reports"), schema="reports", instance="live", size=1)
    yield found
    await found.close()


def reader(own: Database) -> PostgresLiveFacts:
    """Return the port on PostgreSQL."""
    return PostgresLiveFacts(own, PACK)


async def store(own: Database, *facts: Fact) -> None:
    """Write *facts* as the consumer does."""
    work = Work()
    FactTables().add(work, facts)
    await Store(own).commit(work)


async def store_incident(own: Database, incident: Incident) -> None:
    """Write an incident's facts."""
    duties = [assignment_fact(incident, duty) for duty in incident.assignments]
    await store(own, incident_fact(incident), *duties)


async def test_history_becomes_a_baseline_of_its_own_population(
    own: Database, database: FreshDatabase
) -> None:
    """Every ten minutes for three weeks is six an hour; a drill's calls are not in it."""
    ten, start = timedelta(minutes=10), T0 - timedelta(weeks=3)
    await rows(database.admin, _HISTORY, start, T0, ten, COUNTY_TOWN, False)
    await rows(database.admin, _HISTORY, T0 - timedelta(days=3), T0, ten, COUNTY_TOWN, True)
    facts = reader(own)
    usual = await facts.baseline(Population.REAL, T0)

    assert usual is not None
    assert 3 == usual.weeks
    assert usual.of("110", None, T0).calls == pytest.approx(6, rel=0.01)
    assert usual.of("110", COUNTY_TOWN, T0).calls == pytest.approx(6, rel=0.05)
    assert await facts.baseline(Population.EXERCISE, T0) is None


async def test_calls_of_the_windows_come_in_their_newest_revision(own: Database) -> None:
    """A withdrawn call does not count; one older than the windows is not read."""
    call, old = a_call(), a_call("old", received_at=T0 - timedelta(hours=3))
    revised = replace(call, revision=2)
    said = CallEvent(call=call, change=CallChange.RECEIVED)
    await store(own, call_fact(said), call_fact(CallEvent(call=old, change=CallChange.RECEIVED)))
    await store(own, call_fact(CallEvent(call=revised, change=CallChange.WITHDRAWN)))
    found = await reader(own).calls(T0 - timedelta(hours=2))

    assert [(call.call_id, 2, False)] == [(c.call_id, c.version, c.counts) for c in found]


async def test_open_incidents_come_with_the_units_that_are_out(own: Database) -> None:
    """What has closed comes only where it is asked for, so that a missed closing is put right."""
    out = an_assignment("xj-rescue", state=AssignmentState.ARRIVED)
    shut = an_incident_id("C2")
    await store_incident(own, an_incident(out))
    await store_incident(own, an_incident(incident_id=shut, state=IncidentState.CLOSED, version=5))
    facts = reader(own)
    found, asked = await facts.incidents([]), await facts.incidents([shut])

    assert [(an_incident_id(), {"xj-rescue"})] == [(i.incident_id, set(i.out)) for i in found]
    assert {(an_incident_id(), 1), (shut, 5)} == {(i.incident_id, i.version) for i in asked}
