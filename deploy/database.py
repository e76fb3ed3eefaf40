"""The platform's database: one schema and two roles per service, forward-only migrations, the clock."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.migrations import migrate, migrations_of

DATABASE = "liandong"
_LOCK = 0x1A2D_06  # any number, the same for every starter
_OLDEST = 15

# platform.now(): stable, so that `due <= (select platform.now())` is computed once and uses the
# index; seconds, not an interval of days, so that no session's time zone can bend it.
_PLATFORM = """
create schema if not exists platform;

create table if not exists platform.clock (
  only_row boolean primary key default true check (only_row),
  origin   timestamptz not null,
  started  timestamptz not null,
  speed    double precision not null check (speed > 0)
);

insert into platform.clock (origin, started, speed)
select at, at, 1 from (select clock_timestamp() as at) as start
on conflict do nothing;

create or replace function platform.now() returns timestamptz
language sql stable parallel safe as $$
  select origin + make_interval(
    secs => extract(epoch from clock_timestamp() - started)::double precision * speed)
  from platform.clock
$$;
"""


class DatabaseRefused(Exception):
    """The server cannot be used as it is; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """Of one service's two roles."""

    owner: str
    app: str

    @classmethod
    def random(cls) -> Passwords:
        """Return two new ones."""
        return cls(owner=secrets.token_urlsafe(24), app=secrets.token_urlsafe(24))


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """A database that is ready: `apps` maps a service to the DSN of its role `<service>_app`."""

    admin: str
    apps: Mapping[str, str]


def provision(
    admin: str,
    passwords: Mapping[str, Passwords],
    *,
    database: str = DATABASE,
    migrated: bool = True,
) -> Provisioned:
    """Create *database*, roles, schemas and clock, and bring every service's schema up to date.

    *admin* is a superuser's DSN of any database. Safe to run again and from two starters at once.
    Raises DatabaseRefused for a server older than 15, MigrationChanged for an edited migration.
    """
    with _locked(admin) as connection:
        _require_version(connection)
        _create_database(connection, database)
        inside = with_database(admin, database)
        with psycopg.connect(inside, autocommit=True) as here:
            here.execute(sql.SQL("revoke all on database {} from public").format(_name(database)))
            with here.transaction():
                here.execute(_PLATFORM)
                for service, pair in sorted(passwords.items()):
                    _create_service(here, database, service, pair)
        if migrated:
            for service, pair in passwords.items():
                owner = with_database(admin, database, f"{service}_owner", pair.owner)
                migrate(owner, service, migrations_of(service))
    return Provisioned(
        admin=inside,
        apps={
            service: with_database(admin, database, f"{service}_app", pair.app)
            for service, pair in passwords.items()
        },
    )


def set_clock(admin: str, *, origin: datetime | None = None, speed: float = 1.0) -> None:
    """Set the platform's clock in the database of *admin*: now it is *origin*, and *speed* × as fast.

    Without origin platform time is wall time. Raises ValueError for a naive origin.
    """
    if origin is not None and origin.tzinfo is None:
        raise ValueError(f"origin {origin} has no time zone")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            """
            update platform.clock set origin = coalesce(%s, at), started = at, speed = %s
            from (select clock_timestamp() as at) as start
            """,
            (origin, speed),
        )


def exists(admin: str, database: str = DATABASE) -> bool:
    """Say whether the server at *admin* has *database*."""
    with psycopg.connect(admin) as connection:
        return _known(connection, database)


def drop_database(admin: str, database: str) -> None:
    """Drop *database* with whoever is still connected to it; no error if there is none."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(_name(database))
        )


def copy_database(admin: str, source: str, target: str) -> None:
    """Create *target* as a copy of *source*, to which nobody may be connected."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(_name(target), _name(source))
        )


def with_database(
    dsn: str, database: str, user: str | None = None, password: str | None = None
) -> str:
    """Return *dsn* pointing at *database*, for another *user* if one is given."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    who = f"{user}:{password}" if user else parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{who}@{place}", path=f"/{database}"))


@contextmanager
def _locked(admin: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """One starter at a time: roles are the cluster's, so one lock for all its databases."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        yield connection


def _require_version(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    version = connection.info.server_version // 10000
    if version < _OLDEST:
        raise DatabaseRefused(f"PostgreSQL {version} is too old: {_OLDEST} or newer is needed")


def _create_database(connection: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    if not _known(connection, database):
        # the copied template may have another collation than the server's default
        connection.execute(
            sql.SQL("create database {} encoding 'UTF8' template template0").format(_name(database))
        )


def _known(connection: psycopg.Connection[tuple[object, ...]], database: str) -> bool:
    found = connection.execute("select 1 from pg_database where datname = %s", (database,))
    return found.fetchone() is not None


def _create_service(
    connection: psycopg.Connection[tuple[object, ...]],
    database: str,
    service: str,
    passwords: Passwords,
) -> None:
    """Create or update one service's roles and schema: the owner defines, the app only fills."""
    owner, app = f"{service}_owner", f"{service}_app"
    _create_role(connection, owner, passwords.owner)
    _create_role(connection, app, passwords.app)
    names = {
        "database": _name(database),
        "schema": _name(service),
        "owner": _name(owner),
        "app": _name(app),
    }
    for statement in _GRANTS:
        connection.execute(sql.SQL(statement).format(**names))


def set_passwords(admin: str, passwords: Mapping[str, Passwords]) -> None:
    """Give the services' roles these passwords: roles belong to the server, not to one database."""
    with _locked(admin) as connection:
        for service, pair in passwords.items():
            _create_role(connection, f"{service}_owner", pair.owner)
            _create_role(connection, f"{service}_app", pair.app)


def _create_role(
    connection: psycopg.Connection[tuple[object, ...]], role: str, password: str
) -> None:
    known = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
    connection.execute(
        sql.SQL("{} role {} login password {}").format(
            sql.SQL("alter" if known else "create"), _name(role), sql.Literal(password)
        )
    )


_DEFAULTS = "alter default privileges for role {owner} in schema {schema}"
_GRANTS: Sequence[str] = (
    "grant connect on database {database} to {owner}, {app}",
    "create schema if not exists {schema} authorization {owner}",
    "grant usage on schema {schema} to {app}",
    f"{_DEFAULTS} grant select, insert, update, delete on tables to {{app}}",
    f"{_DEFAULTS} grant usage, select on sequences to {{app}}",
    "grant usage on schema platform to {owner}, {app}",
    "grant select on platform.clock to {owner}, {app}",
    "grant execute on function platform.now() to {owner}, {app}",
)


def _name(text: str) -> sql.Identifier:
    return sql.Identifier(text)
