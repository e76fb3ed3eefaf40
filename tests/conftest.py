"""Real Kafka and PostgreSQL for the tests: started once per session, a fresh database per test."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from deploy.database import (
    Passwords,
    Provisioned,
    copy_database,
    drop_database,
    provision,
    set_passwords,
    with_database,
)
from deploy.local.infrastructure import KAFKA, POSTGRES, Infrastructure, Kind, choose
from deploy.local.stack import Stack
from shared.runtime import logs
from tests.parts import SERVICES, FreshDatabase, Lines, MakeStack, SessionKafka

# a busy machine is not a failed property
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infrastructure]:
    """Broker and database of this test session (four seconds, once)."""
    parts = choose(tmp_path_factory.mktemp("infrastructure", numbered=False))
    asyncio.run(parts.start())
    yield parts
    parts.stop()
    parts.remove()


@pytest.fixture(scope="session")
def kafka(infrastructure: Infrastructure) -> SessionKafka:
    """Hand out the real broker: `address`, `await topic(partitions=3)`, `unique(stem)`."""
    return SessionKafka(infrastructure.kafka.address)


@pytest.fixture(scope="session")
def postgres(infrastructure: Infrastructure) -> str:
    """Return the superuser's DSN of the real server."""
    return infrastructure.postgres.dsn


@pytest.fixture(scope="session")
def role_passwords() -> dict[str, Passwords]:
    """Make the passwords of the services' roles in this session."""
    return {service: Passwords.random() for service in SERVICES}


@pytest.fixture(scope="session")
def database_template(postgres: str, role_passwords: dict[str, Passwords]) -> Iterator[Provisioned]:
    """Make the database the others are copied from: roles, schemas, migrations, clock."""
    name = f"template_{uuid.uuid4().hex[:8]}"
    yield provision(postgres, role_passwords, database=name)
    drop_database(postgres, name)


@pytest.fixture
def roles(
    infrastructure: Infrastructure, postgres: str, role_passwords: dict[str, Passwords]
) -> None:
    """On a server that was only given, a stack of this session may have changed the passwords."""
    if infrastructure.kinds[1] is Kind.GIVEN:
        set_passwords(postgres, role_passwords)


@pytest.fixture
def database(postgres: str, roles: None, database_template: Provisioned) -> Iterator[FreshDatabase]:
    """Give the test a database of its own: `dsn("router")`, `admin` (40 ms)."""
    with _copy(postgres, database_template) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def module_database(postgres: str, database_template: Provisioned) -> Iterator[FreshDatabase]:
    """Give all tests of one module a database."""
    with _copy(postgres, database_template) as fresh:
        yield fresh


@contextmanager
def _copy(postgres: str, template: Provisioned) -> Iterator[FreshDatabase]:
    name = f"test_{uuid.uuid4().hex[:10]}"
    copy_database(postgres, template.admin.rpartition("/")[2], name)
    apps = {service: with_database(dsn, name) for service, dsn in template.apps.items()}
    yield FreshDatabase(name, with_database(postgres, name), apps)
    drop_database(postgres, name)


@pytest.fixture(autouse=True)
def parts_of_our_own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that kills parts, or needs a stack with nothing stored, never uses given addresses."""
    if request.node.get_closest_marker("faults") or "stacks" in request.fixturenames:
        monkeypatch.delenv(KAFKA, raising=False)
        monkeypatch.delenv(POSTGRES, raising=False)


@pytest.fixture
def stacks(tmp_path: Path) -> MakeStack:
    """Hand out `make(**settings)`: a `Stack` of its own for `async with`, nothing stored before."""

    def make(**settings: Any) -> Stack:
        number = len(list(tmp_path.glob("stack-*")))
        return Stack(run_dir=tmp_path / f"stack-{number}", fresh=True, disposable=True, **settings)

    return make


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Log as a service does, at level debug; return what was written."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    with redirect_stderr(written):
        logs.configure("router", "router-1", "debug")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
