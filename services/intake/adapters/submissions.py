"""From a door to a group commit: the right queue, unless the outbox is above its ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.intake.domain.ceiling import Ceiling, Waiting, admits
from services.intake.domain.handling import HandlingReading
from services.intake.domain.reading import Reading
from services.intake.handlers import (
    Answer,
    Handed,
    HandedCall,
    HandedFeedback,
    HandedRefusal,
    lane_of,
)
from shared.contracts import ids
from shared.contracts.values import Lane
from shared.runtime.group import GroupCommit
from shared.runtime.relay import Backlog


class OutboxFull(Exception):
    """Too much waits to be sent on: this lane is refused for now."""


@dataclass(frozen=True)
class Ceilings:
    """When ordinary calls, and later urgent ones, are refused."""

    ordinary: Ceiling
    urgent: Ceiling


@dataclass(frozen=True)
class Submissions:
    """Hands over what was read; returns once it is durable.

    Raises Busy (queue full), OutboxFull, Unavailable (perhaps committed, safe to send again).
    """

    calls: Mapping[Lane, GroupCommit[HandedCall, Answer]]
    feedback: GroupCommit[HandedFeedback, Answer]
    refusals: GroupCommit[HandedRefusal, None]
    backlog: Backlog
    ceilings: Ceilings

    async def call(self, reading: Reading, handed: Handed) -> Answer:
        """Take in a call record or order."""
        self._admit(reading.lane)
        call_id = ids.call_id(handed.source.id, reading.source_id)
        return await self.calls[reading.lane].submit(HandedCall(call_id, reading, handed))

    async def handling(self, reading: HandlingReading, handed: Handed) -> Answer:
        """Take in a unit's record."""
        self._admit(lane_of(handed.source))
        key = ids.feedback_id(handed.source.id, reading.record_id, handed.digest.hex())
        return await self.feedback.submit(HandedFeedback(key, reading, handed))

    async def refusal(self, refusal: HandedRefusal) -> None:
        """Tell of a body that was refused."""
        self._admit(Lane.ORDINARY)
        await self.refusals.submit(refusal)

    def _admit(self, lane: Lane) -> None:
        backlog = self.backlog
        waiting = {each: Waiting(backlog.rows[each], backlog.age_s[each]) for each in Lane}
        if not admits(lane, waiting, self.ceilings.ordinary, self.ceilings.urgent):
            raise OutboxFull(lane)
