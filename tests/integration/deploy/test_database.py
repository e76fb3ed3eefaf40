"""Schemas, roles, migrations and the platform's clock on a real PostgreSQL."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from deploy.database import Passwords, drop_database, provision, set_clock
from deploy.migrations import MigrationChanged, MigrationFile, MigrationRefused, migrate
from tests.parts import FreshDatabase

T0 = datetime(2026, 11, 22, tzinfo=UTC)
ONE = "create table place (id integer primary key);\n"
TWO = """
create function twice(n integer) returns integer language plpgsql as $$
begin
  return n * 2; -- a semicolon inside; and another
end
$$;
"""


@pytest.fixture
def name(postgres: str) -> Iterator[str]:
    """Name a database that is dropped afterwards."""
    name = f"made_{uuid.uuid4().hex[:8]}"
    yield name
    drop_database(postgres, name)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Write two migrations of a service."""
    folder = tmp_path / "probe" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_place.sql").write_text(ONE)
    (folder / "0002_twice.sql").write_text(TWO)
    return folder


def listed(folder: Path) -> list[MigrationFile]:
    """Read the migrations in *folder*."""
    return [MigrationFile(path) for path in sorted(folder.glob("*.sql"))]


def owner(postgres: str, name: str) -> str:
    """Provision a service without migrations and return its owner's DSN."""
    pair = Passwords.random()
    made = provision(postgres, {"probe": pair}, database=name, migrated=False)
    return made.apps["probe"].replace(f"probe_app:{pair.app}", f"probe_owner:{pair.owner}")


def test_a_service_fills_its_own_tables_and_nothing_else(database: FreshDatabase) -> None:
    """Day-one decisions: a schema per service, the app role may only read and write rows."""
    refused = [
        "create table router.mine ()",
        "truncate router.outbox",
        "select * from intake.outbox",
        "select * from router.migration_checksum",
        "update platform.clock set speed = 2",
        "create schema mine",
    ]
    with psycopg.connect(database.dsn("router"), autocommit=True) as app:
        app.execute("delete from router.outbox")
        for statement in refused:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


def test_two_starters_at_once_are_safe(postgres: str, name: str) -> None:
    """Migrations run under an advisory lock: both finish, everything exists once."""
    passwords = {service: Passwords.random() for service in ("first", "second")}
    errors: list[BaseException] = []

    def start() -> None:
        try:
            provision(postgres, passwords, database=name)
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors


def test_migrations_are_applied_once_and_in_order(postgres: str, name: str, files: Path) -> None:
    """The second run has nothing to do; a function body with semicolons is one statement."""
    dsn = owner(postgres, name)

    assert ["probe/0001_place", "probe/0002_twice"] == migrate(dsn, "probe", listed(files))
    assert [] == migrate(dsn, "probe", listed(files))
    with psycopg.connect(dsn) as connection:
        assert (4,) == connection.execute("select probe.twice(2)").fetchone()


def test_an_edited_migration_is_refused(postgres: str, name: str, files: Path) -> None:
    """Forward only: the file that was applied is named, with what to do."""
    dsn = owner(postgres, name)
    migrate(dsn, "probe", listed(files))
    (files / "0001_place.sql").write_text(ONE + "-- a second thought\n")

    with pytest.raises(MigrationChanged, match=r"0001_place\.sql was edited"):
        migrate(dsn, "probe", listed(files))


def test_a_removed_migration_is_refused(postgres: str, name: str, files: Path) -> None:
    """What was applied stays in the repository."""
    dsn = owner(postgres, name)
    migrate(dsn, "probe", listed(files))
    (files / "0002_twice.sql").unlink()

    with pytest.raises(MigrationChanged, match="probe/0002_twice"):
        migrate(dsn, "probe", listed(files))


def test_a_migration_cannot_slip_in_before_an_applied_one(
    postgres: str, name: str, files: Path
) -> None:
    """Two branches with the same idea of `next` are told to renumber."""
    dsn = owner(postgres, name)
    migrate(dsn, "probe", listed(files))
    (files / "0001_earlier.sql").write_text("create table earlier ();")

    with pytest.raises(MigrationRefused, match=r"0001_earlier\.sql .*renumber"):
        migrate(dsn, "probe", listed(files))


def test_a_failing_migration_leaves_nothing_and_can_be_corrected(
    postgres: str, name: str, files: Path
) -> None:
    """One file is one transaction; what came before it stays applied."""
    dsn = owner(postgres, name)
    wrong = files / "0003_wrong.sql"
    wrong.write_text("create table half (); select nothing_like_it();")
    with pytest.raises(MigrationRefused, match=r"0003_wrong\.sql"):
        migrate(dsn, "probe", listed(files))
    wrong.write_text("create table half ();")

    assert ["probe/0003_wrong"] == migrate(dsn, "probe", listed(files))


def test_a_start_cut_off_after_applying_a_file_goes_on(
    postgres: str, name: str, files: Path
) -> None:
    """Killed between the file's transaction and its checksum, the next start does not apply it twice."""
    dsn = owner(postgres, name)
    migrate(dsn, "probe", listed(files))
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from probe.migration_checksum where id = 'probe/0002_twice'")

    assert ["probe/0002_twice"] == migrate(dsn, "probe", listed(files))


def test_platform_time_is_wall_time_unless_told_otherwise(database: FreshDatabase) -> None:
    """ARCHITECTURE 4.13: production runs at speed 1."""
    with psycopg.connect(database.dsn()) as app:
        row = app.execute("select platform.now() - clock_timestamp()").fetchone()

    assert row is not None
    assert abs(row[0]) < timedelta(milliseconds=10)


def test_a_day_passes_in_two_minutes_at_speed_720(database: FreshDatabase) -> None:
    """ARCHITECTURE 4.13: origin + (wall - started) x speed."""
    set_clock(database.admin, origin=T0, speed=720)
    with psycopg.connect(database.dsn()) as app:
        row = app.execute(
            "select platform.now(), clock_timestamp() - started from platform.clock"
        ).fetchone()

    assert row is not None
    assert abs(row[0] - (T0 + row[1] * 720)) < timedelta(seconds=5)


def test_a_naive_origin_is_refused(database: FreshDatabase) -> None:
    """Every time value says its zone."""
    with pytest.raises(ValueError, match="no time zone"):
        set_clock(database.admin, origin=T0.replace(tzinfo=None))


def test_no_session_zone_bends_platform_time(database: FreshDatabase) -> None:
    """Speed times days would be added as calendar days in a zone with summer time."""
    set_clock(database.admin, origin=datetime(2026, 3, 28, tzinfo=UTC), speed=1_000_000)
    with psycopg.connect(database.admin) as admin:
        told = []
        for zone in ("UTC", "Europe/Berlin"):
            admin.execute(f"set timezone = '{zone}'")
            row = admin.execute(
                "select extract(epoch from platform.now() - origin)"
                " / extract(epoch from clock_timestamp() - started) from platform.clock"
            ).fetchone()
            assert row is not None
            told.append(float(row[0]))

    assert told == pytest.approx([1e6, 1e6], rel=0.05)


@pytest.mark.parametrize("now", ["(select platform.now())", "platform.now()"])
def test_due_rows_are_found_through_the_index(database: FreshDatabase, now: str) -> None:
    """ENGINE: a volatile now() in the predicate scans a million rows; this one must not."""
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute(
            "create table public.due as"
            " select platform.now() + n * interval '1 s' as at from generate_series(1, 20000) n"
        )
        admin.execute("create index on public.due (at)")
        admin.execute("analyze public.due")
        plan = admin.execute(f"explain select * from public.due where at <= {now}").fetchall()

    assert "Seq Scan on due" not in str(plan)
