"""What the `.dead` twins say becomes a fault with what tells one halt from another; nothing of a letter."""

from __future__ import annotations

from collections.abc import Iterable

from services.notify.adapters.alarms import Alarms
from services.notify.adapters.deadletters import DeadLetters
from services.notify.domain.alarm import AlarmKind, Fault
from shared.contracts.values import Lane
from shared.runtime.bus import Partition, Record
from shared.runtime.database import Database
from shared.runtime.distress import Distress
from shared.runtime.events import unpack_headers
from shared.runtime.store import OUTBOX, Store, Work


class Raised(Alarms):
    """Remembers the faults."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    async def put(self, faults: Iterable[Fault], work: Work) -> None:
        self.faults += faults


class Said(Store):
    """A store that hands what is said to the reader of the twins."""

    def __init__(self) -> None:
        super().__init__(Database("", schema="notify", instance="test"))
        self.alarms = Raised()

    async def commit(self, work: Work) -> None:
        for _, topic, key, headers, value in work.rows[OUTBOX]:
            record = Record(Partition(topic, 0), 0, key, value, tuple(unpack_headers(headers)))
            await DeadLetters(self.alarms).on_records([record], Work())


async def test_two_halts_of_one_consumer_are_told_apart() -> None:
    """By what stands still where (`Halt.standing`), said as a digest: no sentence reaches a topic."""
    store = Said()
    place = [Partition("call.urgent.v1", 3)]
    for why in ("damage at 3@100", "damage at 3@170", "damage at 3@100"):
        await Distress("router.urgent", store, Lane.URGENT).call(place, why)
    first, second, again = store.alarms.faults

    assert {(AlarmKind.CONSUMER_HALTED, "router.urgent", "halted")} == {
        (f.kind, f.subject, f.reason) for f in store.alarms.faults
    }
    assert first == again
    assert first.which != second.which
