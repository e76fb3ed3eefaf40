"""Doing things when their platform time has come."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from services.drill.adapters.timeline import HeapTimeline
from tests.unit.drill.stage import T0

SPEED = 7200.0


class RunningClock:
    """Platform time from T0 on, two hours a wall second."""

    speed = SPEED

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Return platform time, UTC."""
        return T0 + timedelta(seconds=(time.monotonic() - self._began) * SPEED)


async def run_until_idle(timeline: HeapTimeline) -> None:
    """Run until nothing is pending, at most five seconds."""
    running = asyncio.create_task(timeline.run())
    try:
        async with asyncio.timeout(5):
            while timeline.pending and not running.done():
                await asyncio.sleep(0.005)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_actions_are_done_in_the_order_of_their_moments_and_never_early() -> None:
    """Whatever the order they were planned in."""
    clock, done = RunningClock(), []
    timeline = HeapTimeline(clock, T0 + timedelta(days=1))

    def plan(minute: int) -> None:
        async def note() -> None:
            done.append((minute, clock.now() >= T0 + timedelta(minutes=minute)))

        timeline.at(T0 + timedelta(minutes=minute), note, "x")

    for minute in (60, 5, 30):
        plan(minute)
    await run_until_idle(timeline)

    assert [(5, True), (30, True), (60, True)] == done


async def test_nothing_is_planned_beyond_the_horizon_but_counted() -> None:
    """The play ends; what would have come after it is told."""
    timeline = HeapTimeline(RunningClock(), T0)

    async def never() -> None:
        raise AssertionError

    assert not timeline.at(T0 + timedelta(seconds=1), never, "sheet")
    assert {"sheet": 1} == dict(timeline.beyond)
    assert 0 == timeline.pending


async def test_an_action_that_fails_ends_the_process() -> None:
    """A fault of ours is not swallowed."""
    timeline = HeapTimeline(RunningClock(), T0 + timedelta(days=1))

    async def broken() -> None:
        raise ValueError("ours")

    timeline.at(T0, broken, "x")
    with pytest.raises(ValueError, match="ours"):
        async with asyncio.timeout(5):
            await timeline.run()
