"""Serial numbers of incidents: a process takes a block of a day's, so that processes do not queue."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import date

from shared.runtime.database import Database

BLOCK = 100
"""Serials taken at once; what is left of a block when a process stops is a gap."""

KEPT_DAYS = 8
"""Days whose rest is kept in memory."""

_TAKE = """
insert into number_counter as c (day, last) values ($1, $2)
on conflict (day) do update set last = c.last + excluded.last returning last
"""


class BlockNumbers:
    """Keeps what `ports.Numbers` promises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free: dict[date, deque[int]] = {}

    async def reserve(self, wanted: Iterable[date]) -> None:
        """Take a further block of each day that is short."""
        needed = Counter(wanted)
        while short := [d for d, n in needed.items() if len(self._free.get(d, ())) < n]:
            await self._take_block(short[0], max(needed[short[0]], BLOCK))
        for day in sorted(self._free)[:-KEPT_DAYS]:
            if day not in needed:  # a record may come weeks late
                del self._free[day]

    async def _take_block(self, day: date, size: int) -> None:
        last = (await self._database.write(_TAKE, day, size))[0]["last"]
        self._free.setdefault(day, deque()).extend(range(last - size + 1, last + 1))

    def take(self, day: date) -> int:
        """Return the lowest serial left; reserved beforehand."""
        return self._free[day].popleft()
