"""Keeps frozen months in PostgreSQL: ends epochs, stores revisions and their bytes by hash."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from services.reports.domain.facts import Population
from services.reports.domain.freezing import (
    EpochEnd,
    FrozenFile,
    FrozenSheet,
    Revision,
    RevisionReason,
    Sheet,
)
from shared.contracts.envelope import Message, encode
from shared.runtime.database import Database
from shared.runtime.errors import GuardLost
from shared.runtime.events import pack_headers

CONSUMER = "reports.facts"

_REVISIONS = """
select m.*, e.offsets,
  (select json_agg(json_build_object('table', t.name, 'population', t.population,
     'published', t.published, 'formula', t.formula, 'sha256', encode(t.sha256, 'hex'))
     order by t.name, t.population, t.published)
   from frozen_table t where t.month = m.month and t.revision = m.revision) as sheets,
  (select json_agg(json_build_object('kind', f.kind, 'rows', f.rows, 'size', f.size,
     'sha256', encode(f.sha256, 'hex')) order by f.kind)
   from frozen_file f where f.month = m.month and f.revision = m.revision) as files
from frozen_month m join epoch_end e on e.number = m.epoch
where m.month = $1"""
_NEWEST = f"{_REVISIONS} and m.revision = coalesce($2, m.revision) order by m.revision desc limit 1"
_PAGE = f"{_REVISIONS} and m.revision > $2 order by m.revision limit $3"

_OFFSETS = """
select coalesce(jsonb_object_agg(topic || '/' || partition, next), '{}') from consumer_offset
where consumer = $1"""
_END = """
insert into epoch_end (number, offsets, at) values ($1, $2::jsonb, platform.now()) returning at"""

_BODY = """
insert into frozen_body (sha256, body) values ($1, $2) on conflict (sha256) do nothing"""
_MONTH = """
insert into frozen_month (month, revision, epoch, at, reason, pack_stamp, pack)
values ($1, $2, $3, $4, $5, $6, $7)"""
_TABLE = """
insert into frozen_table (month, revision, name, population, published, formula, sha256)
values ($1, $2, $3, $4, $5, $6, $7)"""

_FILE = """
insert into frozen_file (month, revision, kind, rows, size, sha256)
values ($1, $2, $3, $4, $5, $6)"""


_SAY = """
insert into outbox (lane, topic, key, headers, value) values ($1, $2, $3, $4, $5)"""


class FrozenMonths:
    """The archive on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> datetime:
        """Return platform time, UTC."""
        rows = await self._database.fetch("select platform.now() as now")
        now: datetime = rows[0]["now"]
        return now

    async def revision(self, month: str, number: int | None = None) -> Revision | None:
        """Return revision *number* of *month*, the newest without one."""
        rows = await self._database.fetch(_NEWEST, month, number)
        return _revision(rows[0]) if rows else None

    async def revisions(self, month: str, *, after: int, limit: int) -> list[Revision]:
        """Return at most *limit* revisions numbered above *after*, in order."""
        rows = await self._database.fetch(_PAGE, month, after, limit)
        return [_revision(row) for row in rows]

    async def offsets(self) -> Mapping[str, int]:
        """Return the next offset the facts were taken up to, by `<topic>/<partition>`."""
        rows = await self._database.fetch(
            "select topic, partition, next from consumer_offset where consumer = $1", CONSUMER
        )
        return {f"{row['topic']}/{row['partition']}": row["next"] for row in rows}

    async def end_epoch(self) -> EpochEnd:
        """End the open epoch; its row's lock waits for batches in flight and holds later ones."""
        async with (
            self._database.connection(writing=True) as connection,
            connection.transaction(isolation="read_committed"),
        ):
            number = await connection.fetchval("select number from epoch for update")
            # a statement of its own: its snapshot sees the batches the lock waited for
            offsets = await connection.fetchval(_OFFSETS, CONSUMER)
            at = await connection.fetchval(_END, number, offsets)
            await connection.execute("update epoch set number = number + 1")
        return EpochEnd(number=number, at=at, offsets=json.loads(offsets))

    async def keep(
        self, revision: Revision, bodies: Iterable[bytes], said: Iterable[Message] = ()
    ) -> bool:
        """Store *revision*, its *bodies* and the outbox rows of what is *said* in one transaction.

        False when its number is taken: then nothing of it is written or said.
        """
        key = (revision.month, revision.number)
        try:
            async with (
                self._database.connection(writing=True) as connection,
                connection.transaction(),
            ):
                await connection.execute(
                    _MONTH,
                    *key,
                    revision.epoch,
                    revision.at,
                    revision.reason,
                    revision.pack_stamp,
                    bytes.fromhex(revision.pack_sha256),
                )
                await connection.executemany(_BODY, _hashed(bodies))
                await connection.executemany(_TABLE, [_row(key, each) for each in revision.sheets])
                await connection.executemany(_FILE, [_file(key, each) for each in revision.files])
                await connection.executemany(_SAY, [_outgoing(each) for each in said])
        except GuardLost:
            return False
        return True

    async def body(self, sha256: str) -> bytes | None:
        """Return the stored bytes with this hash (hex)."""
        rows = await self._database.fetch(
            "select body from frozen_body where sha256 = $1", bytes.fromhex(sha256)
        )
        return bytes(rows[0]["body"]) if rows else None

    async def put_back(self, bodies: Iterable[bytes]) -> None:
        """Store *bodies* that are missing."""
        async with (
            self._database.connection(writing=True) as connection,
            connection.transaction(),
        ):
            await connection.executemany(_BODY, _hashed(bodies))


def _hashed(bodies: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Return hash and bytes in the order of the hashes, so that two writers cannot deadlock."""
    return sorted({(sha256(body).digest(), body) for body in bodies})


def _row(key: tuple[str, int], frozen: FrozenSheet) -> tuple[Any, ...]:
    sheet = frozen.sheet
    digest = bytes.fromhex(frozen.sha256)
    return (*key, sheet.table, sheet.population, sheet.published, frozen.formula, digest)


def _outgoing(message: Message) -> tuple[Any, ...]:
    key, headers, value = encode(message)
    return (message.lane.number, message.topic, key, pack_headers(headers), value)


def _file(key: tuple[str, int], file: FrozenFile) -> tuple[Any, ...]:
    return (*key, file.kind, file.rows, file.size, bytes.fromhex(file.sha256))


def _revision(row: Any) -> Revision:
    return Revision(
        month=row["month"],
        number=row["revision"],
        at=row["at"],
        reason=RevisionReason(row["reason"]) if row["reason"] else None,
        epoch=row["epoch"],
        offsets=json.loads(row["offsets"]),
        pack_stamp=row["pack_stamp"],
        pack_sha256=row["pack"].hex(),
        sheets=[_sheet(each) for each in json.loads(row["sheets"])],
        files=[FrozenFile(**each) for each in json.loads(row["files"] or "[]")],
    )


def _sheet(said: dict[str, Any]) -> FrozenSheet:
    return FrozenSheet(
        sheet=Sheet(
            table=said["table"],
            population=Population(said["population"]),
            published=said["published"],
        ),
        formula=said["formula"],
        sha256=said["sha256"],
    )
