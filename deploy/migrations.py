"""Forward-only migrations of one service's schema: plain numbered SQL, checksummed, through yoyo."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import Migration, MigrationList, default_migration_table

ROOT = Path(__file__).resolve().parents[1]
_NUMBERED = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
_CHECKSUMS = """
create table if not exists migration_checksum (
  id         text primary key,
  sha256     text not null,
  applied_at timestamptz not null default clock_timestamp()
)
"""
_BOOKKEEPING = (
    "migration_checksum",
    "_yoyo_migration",
    "_yoyo_log",
    "_yoyo_version",
    "yoyo_lock",
)


class MigrationRefused(Exception):
    """A migration file cannot be applied; the message names it and says why."""


class MigrationChanged(MigrationRefused):
    """A file that was applied has been edited or removed since: write a new one instead."""


class MigrationFile:
    """One numbered SQL file; its id tells apart what all services share from a service's own."""

    def __init__(self, path: Path) -> None:
        if not _NUMBERED.match(path.name):
            raise MigrationRefused(f"{path}: a migration is named 0001_what_it_does.sql")
        owner = path.parent.parent.name
        self.path = path
        self.id = f"{owner}/{path.stem}"
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()


def migrations_of(service: str, root: Path = ROOT) -> list[MigrationFile]:
    """Return what is applied into *service*'s schema, in order: the shared files first."""
    folders = (
        root / "shared" / "runtime" / "migrations",
        root / "services" / service / "migrations",
    )
    return [MigrationFile(path) for folder in folders for path in sorted(folder.glob("*.sql"))]


def migrate(owner: str, schema: str, files: Sequence[MigrationFile]) -> list[str]:
    """Apply what is new of *files* in *schema* as role *owner* (a DSN); return the ids applied.

    Each file is one transaction. The caller holds the advisory lock.
    Raises MigrationChanged, and MigrationRefused naming the file that PostgreSQL refused.
    """
    with psycopg.connect(owner, autocommit=True, options=f"-csearch_path={schema}") as connection:
        connection.execute(_CHECKSUMS)
        applied = _check(connection, files)
        fresh = [each for each in files if each.id not in applied]
        if fresh:
            _apply(owner, schema, fresh, connection)
            _hide_bookkeeping(connection, schema)
    return [each.id for each in fresh]


def _check(
    connection: psycopg.Connection[tuple[str, str]], files: Sequence[MigrationFile]
) -> set[str]:
    applied = dict(connection.execute("select id, sha256 from migration_checksum order by id"))
    known = {each.id: each for each in files}
    for name, digest in applied.items():
        if name not in known:
            raise MigrationChanged(f"{name} was applied but its file is gone: bring it back")
        if known[name].sha256 != digest:
            raise MigrationChanged(
                f"{known[name].path} was edited after it was applied "
                f"(SHA-256 {digest[:12]}… then, {known[name].sha256[:12]}… now): "
                "restore it and write a new migration"
            )
    newest_by_folder: dict[str, str] = {}
    for name in applied:
        folder = name.partition("/")[0]
        newest_by_folder[folder] = max(name, newest_by_folder.get(folder, ""))
    for each in files:
        if each.id not in applied and each.id < newest_by_folder.get(each.id.partition("/")[0], ""):
            raise MigrationRefused(f"{each.path} stands before one already applied: renumber it")
    return set(applied)


def _apply(
    owner: str,
    schema: str,
    files: Sequence[MigrationFile],
    connection: psycopg.Connection[tuple[str, str]],
) -> None:
    uri = parse_uri(
        owner.replace("postgresql://", "postgresql+psycopg://", 1) + f"?schema={schema}"
    )
    with PostgresqlPsycopgBackend(uri, default_migration_table) as backend:
        backend.init_database()
        for each in files:
            step = MigrationList([Migration(each.id, str(each.path), str(each.path.parent))])
            try:
                # empty when a start was cut off between applying a file and noting its checksum
                backend.apply_migrations(backend.to_apply(step))
            except psycopg.Error as error:
                raise MigrationRefused(f"{each.path}: {error}") from error
            connection.execute(
                "insert into migration_checksum (id, sha256) values (%s, %s)",
                (each.id, each.sha256),
            )


def _hide_bookkeeping(connection: psycopg.Connection[tuple[str, str]], schema: str) -> None:
    for table in _BOOKKEEPING:
        connection.execute(
            sql.SQL("revoke all on {} from {}").format(
                sql.Identifier(table), sql.Identifier(f"{schema}_app")
            )
        )
