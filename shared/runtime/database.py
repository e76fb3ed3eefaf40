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


class _Connection(asyncpg.Connection):
    """No session state is ever set, so nothing needs resetting: saves a round trip a release."""

    def get_reset_query(self) -> str:
        return ""


async def connect(dsn: str, schema: str, instance: str) -> Any:
    """Open one connection of its own (the relay's); raises Unavailable."""
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
    """A small pool in one service's schema; every error is Unavailable, GuardLost or a bug."""

    def __init__(self, dsn: str, *, schema: str, instance: str, size: int = POOL_SIZE) -> None:
        self.dsn = dsn
        self.schema = schema
        self.instance = instance
        self._size = size
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Connect; raises Unavailable while PostgreSQL is away."""
        async with self._opening:
            if self._pool is not None:
                return
            with translated():
                self._pool = await asyncpg.create_pool(
                    self.dsn,
                    min_size=1,
                    max_size=self._size,
                    timeout=_CONNECT_TIMEOUT_S,
                    max_inactive_connection_lifetime=0,
                    server_settings=_server_settings(self.schema, self.instance),
                    connection_class=_Connection,
                    max_cacheable_statement_size=0,
                )

    async def close(self) -> None:
        """Close without waiting for what a dead server will not answer."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def connection(self, *, writing: bool = False) -> AsyncIterator[Any]:
        """Lend one connection; a broken one is terminated, not returned."""
        await self.open()
        with translated(writing=writing):
            async with self._pool.acquire(timeout=_CONNECT_TIMEOUT_S) as lent:
                yield lent

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """Return the rows of one reading statement."""
        async with self.connection() as lent:
            return await lent.fetch(sql, *args)  # type: ignore[no-any-return]

    async def write(self, sql: str, *args: Any) -> list[Any]:
        """Run one autocommit writing statement; an interruption leaves it unknown."""
        async with self.connection(writing=True) as lent:
            return await lent.fetch(sql, *args)  # type: ignore[no-any-return]
