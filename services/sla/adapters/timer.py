"""The firing loop: wakes at the next known step and fires what the database says is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import structlog

from services.sla.handlers import Fired, fire_due
from services.sla.ports import DueClocks, Firing
from shared.contracts.sla import ClockChange, ClockChangeKind, ClockKind
from shared.runtime import metrics
from shared.runtime.clock import DatabaseClock
from shared.runtime.errors import GuardLost, Unavailable
from shared.runtime.tracing import about, trace_id

POLL_S = 0.005
"""Between two looks while clocks keep coming due: they are then fired in small batches."""
IDLE_S = 0.1
"""At least this often even when nothing is known to be near: another instance may start a clock."""
SOONEST_S = 0.001
RETRY_S = 0.1

_log = structlog.get_logger()


def tally(changes: Sequence[ClockChange]) -> None:
    """Count *changes* that are certain."""
    for pair, count in Counter((change.kind, change.clock) for change in changes).items():
        _counted(*pair).inc(count)


@cache
def _counted(kind: ClockChangeKind, clock: ClockKind) -> Any:
    return metrics.CLOCK_CHANGES.labels(kind, clock)


class Timer:
    """One per process; several share the work, since a firing skips what another is writing.

    Firing asks only the database's clock; ours decides no more than when to look.
    """

    name = "timer"

    def __init__(self, clocks: DueClocks, clock: DatabaseClock) -> None:
        self.waiting: str | None = "PostgreSQL"
        self._clocks = clocks
        self._clock = clock
        self._early = asyncio.Event()
        self._wake_at: datetime | None = None

    def expect(self, at: datetime) -> None:
        """Look again no later than *at* (UTC)."""
        if self._wake_at is not None and at < self._wake_at:
            self._wake_at = at
            self._early.set()

    async def run(self) -> None:
        """Fire until cancelled; waits out a missing database."""
        skip = False
        while True:
            started = asyncio.get_running_loop().time()
            try:
                fired = await fire_due(self._clocks, self._clock, skip=skip)
            except (Unavailable, GuardLost) as error:
                self.waiting = str(error)
                await asyncio.sleep(RETRY_S)
                continue
            self.waiting = None
            self._show(fired)
            overdue = fired.due.earliest is not None and fired.due.earliest <= fired.due.now
            # another instance is at the same rows: leave it those and look at the batch behind
            skip = not skip and overdue and fired.left >= len(fired.written)
            if overdue:
                used = asyncio.get_running_loop().time() - started
                await asyncio.sleep(max(0.0, POLL_S - used))
            else:
                await self._sleep(fired.due.earliest)

    async def _sleep(self, earliest: datetime | None) -> None:
        """Sleep until *earliest*, or until somebody expects something sooner, at most IDLE_S."""
        self._early.clear()
        self._wake_at = earliest or datetime.max.replace(tzinfo=self._clock.now().tzinfo)
        until = self._clock.now().timestamp() + IDLE_S * self._clock.speed
        while (wait := self._wait(until)) > SOONEST_S:
            # not wait_for: on Python 3.11 it loses a cancellation that meets the wake-up
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._early.wait()
            self._early.clear()
        await asyncio.sleep(max(0.0, wait))
        self._wake_at = None

    def _wait(self, until: float) -> float:
        if self._wake_at is None:
            return 0.0
        at = min(until, self._wake_at.timestamp())
        return (at - self._clock.now().timestamp()) / self._clock.speed

    def _show(self, fired: Fired) -> None:
        if not fired.written:
            return
        with about(lambda: map(_ids_of, fired.written)):
            _log.debug("clocks fired")
        now = self._clock.now()
        for firing in fired.written:
            tally(firing.outcome.changes)
            step = fired.due.steps[firing.before.incident_id]
            metrics.FIRE_LATENESS.observe(
                max(0.0, (now - step).total_seconds() / self._clock.speed)
            )


def _ids_of(firing: Firing) -> dict[str, str]:
    clocks = firing.outcome.clocks
    ids = {"incident": str(clocks.incident_id)}
    if (trace := trace_id(clocks.trace)) is not None:
        ids["trace"] = trace
    return ids
