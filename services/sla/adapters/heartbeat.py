"""The heartbeat on both lanes: sla lives, and how far behind its timers are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.sla.adapters.statements import OPEN_COUNT
from shared.contracts import ids
from shared.contracts.envelope import Message
from shared.contracts.sla import Heartbeat
from shared.contracts.topics import lane_topic
from shared.contracts.values import Lane, Producer
from shared.runtime import metrics
from shared.runtime.clock import Clock
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.store import Store, Work, guarded

HEARTBEAT = guarded("heartbeat", "heartbeat_id", {"instance": "text"})


class Pulse:
    """Says every *every_s* wall seconds how many clocks are open and the oldest one's delay.

    Each instance has a series per lane, numbered on over restarts. `oldest_overdue_s` is in wall
    seconds since the oldest step that should have been fired.
    """

    name = "heartbeat"

    def __init__(self, store: Store, clock: Clock, *, instance: str, every_s: float) -> None:
        self.waiting: str | None = None
        self._store = store
        self._clock = clock
        self._instance = instance
        self._every_s = every_s
        self._series = {lane: ids.heartbeat_id(Producer.SLA, f"{instance}/{lane}") for lane in Lane}

    async def run(self) -> None:
        """Beat until cancelled; a beat that cannot be written is left out."""
        while True:
            try:
                await self._beat()
            except (Unavailable, GuardLost) as error:
                self.waiting = str(error)
            else:
                self.waiting = None
            await asyncio.sleep(self._every_s)

    async def _beat(self) -> None:
        database = self._store.database
        seen = (await database.fetch(OPEN_COUNT))[0]
        metrics.OPEN_CLOCKS.set(seen["open"])
        beats = await database.fetch(
            "select heartbeat_id, version from heartbeat where heartbeat_id = any($1::uuid[])",
            list(self._series.values()),
        )
        said = _last(beats)
        work = Work()
        for lane, series in self._series.items():
            beat = said.get(series, 0)
            work.put(HEARTBEAT, series, beat, beat + 1, self._instance)
            work.publish(self._message(lane, series, beat + 1, seen))
        await self._store.commit(work)

    def _message(self, lane: Lane, series: UUID, beat: int, seen: Any) -> Message:
        earliest = seen["earliest"]
        behind = (seen["now"] - earliest).total_seconds() if earliest else 0.0
        return Message(
            topic=lane_topic("sla", lane),
            key=self._instance,
            producer=Producer.SLA,
            family="heartbeat",
            change="said",
            aggregate=series,
            version=beat,
            time=seen["now"],
            lane=lane,
            data=Heartbeat(
                instance=self._instance,
                beat=beat,
                said_at=seen["now"],
                open_clocks=seen["open"],
                oldest_overdue_s=max(0.0, behind / self._clock.speed),
            ),
        )


def _last(rows: Sequence[Any]) -> dict[UUID, int]:
    return {row["heartbeat_id"]: row["version"] for row in rows}
