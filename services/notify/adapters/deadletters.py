"""Hears the `.dead` twins of every topic: what a service diverted, or that it stands still, alarms the desk."""

from __future__ import annotations

from collections.abc import Sequence

from services.notify.adapters.alarms import Alarms
from services.notify.domain.alarm import OTHER, AlarmKind, Fault, word
from shared.runtime.bus import Record
from shared.runtime.distress import HALTED
from shared.runtime.store import Work


class DeadLetters:
    """What a RecordReader over the twins does. Only the runtime's own headers are read, never the letter."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    async def on_records(self, records: Sequence[Record], work: Work) -> None:
        """Raise one fault for each record."""
        await self._alarms.put(map(_fault, records), work)


def _fault(record: Record) -> Fault:
    reason, subject = _header(record, "dead_reason"), _header(record, "dead_consumer")
    kind = AlarmKind.CONSUMER_HALTED if reason == HALTED.decode() else AlarmKind.DEAD_LETTER
    return Fault(kind, subject, reason, which=_header(record, "dead_halt"))


def _header(record: Record, name: str) -> str:
    value = next((v for k, v in reversed(record.headers) if k == name), None)
    return word(value.decode("ascii", "replace")) if value else OTHER
