"""Says on a `.dead` twin that a consumer waits for a person: notify hears it and calls the duty desk."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from shared.contracts.topics import dead_topic
from shared.contracts.values import Lane
from shared.runtime.bus import Partition
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.events import pack_headers
from shared.runtime.store import OUTBOX, Store, Work

HALTED = b"halted"
"""`dead_reason` of a record that is no letter: nothing was diverted, nothing is handled either."""
AGAIN_S = 600.0
"""While it stands it is said again so often (wall seconds)."""


def halt_id(standing: str) -> str:
    """Return the short word that tells this halt (`Halt.standing`) from another, without its sentence."""
    return "h" + hashlib.sha256(standing.encode()).hexdigest()[:16]


class Distress:
    """One consumer's call: a record without a value, by the service's own outbox."""

    def __init__(
        self,
        consumer: str,
        store: Store,
        lane: Lane,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._store = store
        self._lane = lane
        self._monotonic = monotonic
        self._said: dict[str, float] = {}

    async def call(self, partitions: Iterable[Partition], why: str) -> None:
        """Say it, once for each reason and again while it stands; what cannot be written now is said later.

        *why* names the reason without numbers that move (`Halt.standing`).
        """
        now = self._monotonic()
        self._said = {said: at for said, at in self._said.items() if now - at < AGAIN_S}
        first = min(partitions, default=None)
        if first is None or why in self._said:
            return
        headers = [
            ("dead_reason", HALTED),
            ("dead_consumer", self._consumer.encode()),
            ("dead_halt", halt_id(why).encode()),
        ]
        work = Work()
        work.put(
            OUTBOX, self._lane.number, dead_topic(first.topic), self._consumer.encode(),
            pack_headers(headers), None,
        )  # fmt: skip
        with suppress(Unavailable, GuardLost):
            await self._store.commit(work)
            self._said[why] = now
