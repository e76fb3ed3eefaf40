"""The ledger's own promises on a real PostgreSQL: guesses are proved, no statement reads through the queue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec.structs import replace

from services.notify.adapters.ledger import _LOAD, OVERTAKEN, PostgresLedger
from services.notify.adapters.settling import RESULT
from services.notify.domain.view import View
from shared.runtime.database import Database
from shared.runtime.errors import GuardLost
from shared.runtime.store import Store, Work, compose
from tests.parts import FreshDatabase
from tests.unit.notify.cases import view_of


@pytest.fixture
async def store(database: FreshDatabase) -> AsyncIterator[Store]:
    """Return the store of a fresh schema."""
    own = Database(database.dsn("notify"), schema="notify", instance="test")
    yield Store(own)
    await own.close()


async def saved(ledger: PostgresLedger, store: Store, incident: UUID) -> View:
    """Handle the first event of *incident* as the listener does; return the view written."""
    known = (await ledger.load({incident}, {incident}))[incident]
    view = replace(known.view or view_of(), incident_id=incident, number=f"at {known.version}")
    work = Work()
    ledger.save_view(work, view, known.version)
    await store.commit(work)
    return view


async def test_what_was_wrongly_taken_for_new_is_looked_up_after_its_guard(store: Store) -> None:
    """Handled again, or sla spoke first: nothing of what stands is written over, the second try knows it."""
    first, again = (PostgresLedger(store.database, owner) for owner in ("1/a", "2/b"))
    incident = uuid4()
    before = await saved(first, store, incident)
    with pytest.raises(GuardLost, match="view_opened"):
        await saved(again, store, incident)
    kept = (await first.load({incident}))[incident]
    after = await saved(again, store, incident)

    assert (1, before) == (kept.version, kept.view)
    assert "at 1" == after.number


async def test_a_batch_with_a_known_incident_is_looked_up(store: Store) -> None:
    """One select serves the whole batch: nothing is guessed then."""
    ledger, known, new = PostgresLedger(store.database, "1/a"), uuid4(), uuid4()
    await saved(ledger, store, known)
    found = await ledger.load({known, new}, {new})

    assert (1, 0) == (found[known].version, found[new].version)


async def test_no_statement_reads_through_the_queue(database: FreshDatabase) -> None:
    """A backlog makes neither loading nor settling dearer: rows are found by their key, however few are open."""
    plans = {}
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute("set search_path to notify")
        admin.execute("set plan_cache_mode to force_generic_plan")
        admin.execute(
            "insert into notice (notice_id, incident_id, cause, recipient, channel, purpose, lane,"
            " owner, queued_at, state) select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),"
            " 'xj-rescue', 'sms', 'dispatch', 0, '1/a', now(), 'delivered'"
            " from generate_series(1, 3000)"
        )
        admin.execute("vacuum analyze notice")
        for name, sql, arguments in (
            ("load", _LOAD, 1),
            ("settle", compose((RESULT,)), len(RESULT.columns)),
            ("overtake", compose((OVERTAKEN,)), len(OVERTAKEN.columns)),
        ):
            nulls = ", ".join(["null"] * arguments)
            admin.execute(f"prepare {name} as {sql}")
            rows = admin.execute(f"explain execute {name}({nulls})").fetchall()
            plans[name] = "\n".join(row[0] for row in rows)

    for plan in plans.values():
        assert "notice_pkey" in plan
        assert "notice_open" not in plan
        assert "Seq Scan on notice" not in plan
