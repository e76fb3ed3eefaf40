"""A reader of records that stands still calls the desk as a consumer does: once for each halt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from services.notify.adapters import records
from services.notify.adapters.alarms import Alarms
from services.notify.adapters.records import RecordReader
from services.notify.domain.alarm import Fault
from shared.runtime.bus import Bounds, Partition, Record
from shared.runtime.database import Database
from shared.runtime.distress import halt_id
from shared.runtime.errors import Halt
from shared.runtime.memory import MemoryBroker, MemorySource
from shared.runtime.store import Store, Work
from tests.engine import running, until

TOPIC = "in.dead"


class Behind(Database):
    """Its stored offset lies before what the log still holds."""

    def __init__(self) -> None: ...

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        return [(TOPIC, 0, 2, None, None, 0, 0, 0)]


class Moving(MemorySource):
    """A log that goes on meanwhile."""

    end = 10

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, Bounds]:
        self.end += 1
        return dict.fromkeys(partitions, Bounds(5, self.end))


class Heard(Alarms):
    """What the desk's alarms were told."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    async def tell(self, faults: Iterable[Fault]) -> None:
        self.faults += faults


async def _nothing(_: Sequence[Record], __: Work) -> None: ...


async def test_a_halt_is_told_once_while_the_log_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks every two seconds, and the end of the log has moved: the same halt all the same."""
    monkeypatch.setattr(records, "HALT_RECHECK_S", 0.01)
    heard = Heard()
    source = Moving(MemoryBroker({TOPIC: 1}), group="g", topics=[TOPIC])
    reader = RecordReader("notify.dead", source, Store(Behind()), _nothing, heard)

    async def looked() -> bool:
        return source.end >= 14

    async with running(reader):
        await until(looked, within_s=3)

    assert 1 == len(heard.faults)
    assert "outside the log (5 to " in (reader.waiting or "")


async def test_each_halt_is_told_and_none_is_known_for_good() -> None:
    """Two in turn once each; no name is left in the alarm by which next week's would count as told."""
    heard = Heard()
    source = MemorySource(MemoryBroker({TOPIC: 1}), group="g", topics=[TOPIC])
    reader = RecordReader("notify.dead", source, Store(Behind()), _nothing, heard)
    for why in ("gap", "gap", "damage", "gap", "damage"):
        await reader._halted(Halt(why))  # noqa: SLF001 - what a look at a broken log comes to

    assert [("", halt_id("gap")), ("", halt_id("damage"))] == [
        (fault.once, fault.which) for fault in heard.faults
    ]
