"""PostgreSQL as the record: few connections, bounded waits, one kind of error for "away"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from shared.runtime.errors import GuardLost, Unavailable

POOL_SIZE = 3
"""With the relay's own connection: at most four per process."""

_GUARD, _UNIQUE, _DEADLOCK, _SERIALIZATION = "LD001", "23505", "40P01", "40001"
_AWAY = ("57P01", "57P02", "57P03", "25P03", "25006", "55P03", "57014")
_AWAY_CLASSES = ("08", "53")
"""Connection lost; out of disk, memory or connections: nobody's event is guilty of that."""
_CONNECT_TIMEOUT_S = 5.0


def _server_settings(schema: str, instance: str) -> dict[str, str]:
    return {
        "search_path": schema,
        "application_name": instance,
        "timezone": "UTC",
        "jit": "off",
        # a large statement is re-planned at every call otherwise (1.1 -> 0.6 ms)
        "plan_cache_mode": "force_generic_plan",
        # a stopped process must not hold anything
        "idle_in_transaction_session_timeout": "3s",
        "lock_timeout": "3s",
        "statement_timeout": "20s",
    }


async def connect(dsn: str, schema: str, instance: str) -> Any:
    """Open one connection; raises Unavailable."""
    with translated():
        return await asyncpg.connect(
            dsn,
            server_settings=_server_settings(schema, instance),
            timeout=_CONNECT_TIMEOUT_S,
            max_cacheable_statement_size=0,
        )


class translated:  # noqa: N801 - reads as a word: `with translated():`
    """Turn what asyncpg raises when the server is killed into Unavailable, and guards into GuardLost.

    `writing` marks an interrupted commit: whether it happened is then unknown.
    """

    def __init__(self, *, writing: bool = False) -> None:
        self._writing = writing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (Unavailable, GuardLost)):
            return
        if isinstance(error, asyncpg.PostgresError):
            code = error.sqlstate or ""
            if code == _GUARD:
                raise GuardLost(str(error)) from None
            if code in (_UNIQUE, _DEADLOCK, _SERIALIZATION):
                raise GuardLost(code) from error
            if code in _AWAY or code[:2] in _AWAY_CLASSES:
                raise Unavailable(f"PostgreSQL: {error}", unknown=self._writing) from error
            return
        # a killed server makes asyncpg raise InterfaceError, OSError and internal errors alike
        lost = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
        # an argument of the wrong type is an InterfaceError and a ValueError: our bug, it crashes
        if isinstance(error, lost) and not isinstance(error, ValueError):
            raise Unavailable(f"PostgreSQL: {error!r}", unknown=self._writing) from error


class Database:
    """A few connections in one service's schema; every error is Unavailable, GuardLost or a bug.

    Lent without a task or a timer of their own: asyncpg's pool starts two tasks a statement, which
    cost more than a small statement itself (95 instead of 35 us).
    """

    def __init__(self, dsn: str, *, schema: str, instance: str, size: int = POOL_SIZE) -> None:
        self.dsn = dsn
        self.schema = schema
        self.instance = instance
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self._open: set[Any] = set()

    async def open(self) -> None:
        """Connect; raises Unavailable while PostgreSQL is away."""
        async with self.connection():
            return

    async def close(self) -> None:
        """Close without waiting for what a dead server will not answer."""
        self._idle.clear()
        while self._open:
            self._open.pop().terminate()

    @asynccontextmanager
    async def connection(self, *, writing: bool = False) -> AsyncIterator[Any]:
        """Lend one connection; one that may be broken or in a transaction is terminated."""
        with translated(writing=writing):
            await self._slot()
            try:
                lent = await self._connected()
                try:
                    yield lent
                except asyncpg.PostgresError:
                    self._take_back(lent)  # the server answered: it is in order
                    raise
                except BaseException:
                    self._drop(lent)
                    raise
                self._take_back(lent)
            finally:
                self._slots.release()

    async def _slot(self) -> None:
        if self._slots.locked():
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await self._slots.acquire()
        else:
            await self._slots.acquire()

    async def _connected(self) -> Any:
        while self._idle:
            lent = self._idle.pop()
            if not lent.is_closed():
                return lent
            self._drop(lent)
        lent = await connect(self.dsn, self.schema, self.instance)
        self._open.add(lent)
        return lent

    def _take_back(self, lent: Any) -> None:
        if lent in self._open and not lent.is_closed() and not lent.is_in_transaction():
            self._idle.append(lent)
        else:
            self._drop(lent)

    def _drop(self, lent: Any) -> None:
        self._open.discard(lent)
        lent.terminate()

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """Return the rows of one reading statement."""
        async with self.connection() as lent:
            return await lent.fetch(sql, *args)  # type: ignore[no-any-return]

    async def write(self, sql: str, *args: Any) -> list[Any]:
        """Run one autocommit writing statement; an interruption leaves it unknown."""
        async with self.connection(writing=True) as lent:
            return await lent.fetch(sql, *args)  # type: ignore[no-any-return]
