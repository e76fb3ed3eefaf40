"""A month's facts in the engine of sets: written as files at its freeze, counted where it is large.

The engine and Arrow are imported when they are first needed and, in the service, in a process that
ends afterwards: an idle service holds neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import msgspec

from services.reports.adapters.file_names import digest, path_of
from services.reports.domain.freezing import FrozenFile, Revision
from services.reports.domain.period import Period
from services.reports.domain.report import Report
from services.reports.handlers import Question, Table
from shared.contracts.pack import Pack
from shared.runtime.database import Database

LARGE = 100_000
"""Calls received or limits due from which a period is counted by sets (ADR 0020)."""

OPEN = "open"
"""Where the facts of months that are not frozen are written when somebody asks for them."""

T = TypeVar("T")
_AMOUNT = """
select (select count(*) from (select 1 from call_fact where received_at >= $1 and received_at < $2
  limit $3) c) + (select count(*) from (select 1 from clock_fact where due >= $1 and due < $2
  limit $3) k) as amount"""


class MonthFiles:
    """The engine on DuckDB: facts come from PostgreSQL through Arrow, files lie in *folder*."""

    def __init__(self, database: Database, folder: Path, *, large: int = LARGE) -> None:
        self._database = database
        self._folder = folder
        self._large = large

    async def write(self, period: Period, epoch: int) -> list[FrozenFile]:
        """Write the facts of *period* as of *epoch*; raises Unavailable."""
        return await apart(_write, self._database.dsn, self._folder, period, epoch)

    async def counts(self, question: Question) -> bool:
        """Say whether this engine answers *question*; raises Unavailable."""
        if question.table not in COUNTED:
            return False
        return await self.amount(question.period, self._large) >= self._large

    async def amount(self, period: Period, most: int) -> int:
        """Return the calls received and limits due in *period*, each counted up to *most*."""
        rows = await self._database.fetch(_AMOUNT, period.start, period.end, most)
        return int(rows[0]["amount"])

    async def table(
        self, question: Question, pack: Pack, *, as_of_epoch: int | None = None
    ) -> Report:
        """Compute a table over sets, equal to what the pure functions give; raises Unavailable."""
        told = msgspec.json.encode(pack)
        return await apart(_table, self._database.dsn, question, told, as_of_epoch)

    async def current(self, period: Period, kind: str) -> tuple[FrozenFile, Path]:
        """Write the facts of an open month as they are now; return the file of *kind*."""
        folder = self._folder / OPEN
        written = await apart(_write, self._database.dsn, folder, period, None)
        kept = {path_of(folder, period.label, file) for file in written}
        for path in set((folder / period.label).iterdir()) - kept:
            path.unlink(missing_ok=True)  # what it was before
        file = next(each for each in written if each.kind == kind)
        return file, path_of(folder, period.label, file)

    async def arrow(self, path: Path) -> Path:
        """Return the same facts as an Arrow stream, kept beside the Parquet file."""
        written = path.with_suffix(".arrow")
        if not written.exists():
            await apart(_arrow, path, written)
        return written

    async def rows(self, path: Path, after: int, count: int) -> bytes:
        """Return at most *count* rows from row *after* (0: the first), as a JSON list."""
        return await apart(_rows, path, after, count)

    async def hashes(self, revision: Revision) -> Mapping[str, str]:
        """Return the SHA-256 (hex) of each file of *revision* that is there, by kind."""
        return await asyncio.to_thread(self._hashes, revision)

    def _hashes(self, revision: Revision) -> Mapping[str, str]:
        paths = {file.kind: path_of(self._folder, revision.month, file) for file in revision.files}
        return {kind: digest(path) for kind, path in paths.items() if path.exists()}

    def path(self, month: str, file: FrozenFile) -> Path:
        """Return where *file* of *month* lies."""
        return path_of(self._folder, month, file)


COUNTED = frozenset({Table.OVERVIEW, Table.CATEGORIES, Table.UNITS, Table.TIERS})


async def apart(action: Callable[..., T], *args: object) -> T:
    """Run *action* in a process of its own, which takes its memory with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, action, *args)


def _arrow(path: Path, written: Path) -> None:
    from services.reports.adapters import fact_streams  # noqa: PLC0415 - see above

    fact_streams.write_arrow(path, written)


def _rows(path: Path, after: int, count: int) -> bytes:
    from services.reports.adapters import fact_streams  # noqa: PLC0415 - see above

    return fact_streams.rows_as_json(path, after, count)


def _write(dsn: str, folder: Path, period: Period, epoch: int | None) -> list[FrozenFile]:
    from services.reports.adapters import arrow_facts, month_sets, parquet_files  # noqa: PLC0415 - see above

    with month_sets.opened() as db:
        known = arrow_facts.load(db, dsn, period, as_of_epoch=epoch)
        month_sets.judge(db, period, arrow_facts.cuts(known, period))
        return parquet_files.write(db, folder, period.label)


def _table(dsn: str, question: Question, told: bytes, epoch: int | None) -> Report:
    from services.reports.adapters import month_questions  # noqa: PLC0415 - see above

    return month_questions.answer(dsn, question, msgspec.json.decode(told, type=Pack), epoch)
