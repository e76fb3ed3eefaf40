"""Serial numbers: what is reserved is there to be taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from services.router.adapters.numbers import KEPT_DAYS, BlockNumbers
from shared.runtime.database import Database
from tests.builders import T0


class _Counters:
    """The counters' one statement, without its table."""

    def __init__(self) -> None:
        self._last: dict[object, int] = {}

    async def write(self, sql: str, day: object, size: int) -> list[dict[str, Any]]:
        self._last[day] = self._last.get(day, 0) + size
        return [{"last": self._last[day]}]


@pytest.mark.parametrize("days_late", [0, KEPT_DAYS, 400])
async def test_a_call_of_long_ago_gets_its_number(days_late: int) -> None:
    """A record may come late to a process that has numbered many later days."""
    numbers, today = BlockNumbers(cast("Database", _Counters())), T0.date()
    for ago in range(KEPT_DAYS):
        await numbers.reserve([today - timedelta(days=ago)])
    day = today - timedelta(days=days_late)
    await numbers.reserve([day])

    assert 1 == numbers.take(day)
