"""Runs the live picture: tells what became true on `stats.live` and the gauges, and heals it from the facts."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import product

import structlog

from services.reports.domain.facts import Population
from services.reports.domain.live import GRACE, Live
from services.reports.domain.live_calls import Taken
from services.reports.live_handlers import compare, heal, messages, on_event
from services.reports.ports import LiveFacts
from shared.contracts.envelope import InvalidEnvelope, Message, encode
from shared.contracts.stats import Figure, LiveFigure, Verdict
from shared.contracts.topics import dead_topic
from shared.contracts.values import Lane
from shared.runtime import metrics
from shared.runtime.bus import Outgoing, PermanentRefusal, Record, Sink
from shared.runtime.clock import DatabaseClock
from shared.runtime.errors import Unavailable
from shared.runtime.events import decode, pack_headers
from shared.runtime.store import DEAD_LETTER, OUTBOX, Store, Work, dead_letter_row

FAMILIES = ("call", "incident")
TICK_S = 1.0
SAY_AGAIN_S = 60.0
"""What stands unchanged is said again so often, for a reader who began later."""
COMPARE_S = 3600.0
EARLY_S = (5.0, 15.0)
"""Looks into the facts soon after the first: what came before the stream had joined is in them."""
MOST_UNSENT = 20_000
"""Figures kept while the broker is away; older ones have lost their use."""
MOST_BURIED, BURIED_WINDOW_S = 50, 60.0
"""Dead letters a minute: more are counted only. Each is also one of `reports.facts`, which halts."""

_log = structlog.get_logger()


class Picture:
    """The live picture as a part: ticks once a second, heals every `heal_s` (wall seconds)."""

    name = "live picture"

    def __init__(
        self, live: Live, facts: LiveFacts, clock: DatabaseClock, sink: Sink, *, heal_s: float
    ) -> None:
        self.waiting: str | None = "the facts"
        self.live, self.clock = live, clock
        self._facts, self._sink, self._heal_s = facts, sink, heal_s
        self._early: tuple[float, ...] = ()
        self._standing: dict[str, int] = {}
        self._unsent: deque[Message] = deque(maxlen=MOST_UNSENT)
        self._healed = self._compared = self._said_all = float("-inf")

    def hear(self, record: Record) -> None:
        """Take the event in *record*; raises InvalidEnvelope for what is none."""
        event = decode(record)
        taken = on_event(event, self.live, self.clock.now())
        if taken is not None:
            metrics.LIVE_SNAPSHOTS.labels(event.family, taken).inc()

    async def run(self) -> None:
        """Begin with the facts, then tell, until cancelled."""
        for family, taken in product(FAMILIES, Taken):
            metrics.LIVE_SNAPSHOTS.labels(family, taken)
        telling = asyncio.create_task(self._tell())
        try:
            while True:
                await self._put_right()
                if self.waiting is None:
                    self._tick()
                if telling.done():
                    telling.result()
                await asyncio.sleep(TICK_S)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await self._sink.stop()

    async def _put_right(self) -> None:
        """Read the facts when it is time; without them the picture goes on with what it hears."""
        wall, now = time.monotonic(), self.clock.now()
        try:
            if wall - self._compared >= COMPARE_S:
                await compare(self.live, self._facts, now)
                self._compared = wall
            if wall - self._healed >= (self._early[0] if self._early else self._heal_s):
                await heal(self.live, self._facts, now)
                self._early = self._early[1:] if self._healed > 0 else EARLY_S
                self._healed = wall
        except Unavailable as away:
            _log.warning("live picture is not compared with the facts", why=str(away))
        else:
            self.waiting = None

    def _tick(self) -> None:
        now = self.clock.now()
        figures = self.live.advance(now, self.clock.tolerance(GRACE))
        standing = self.live.standing(now)
        self._unsent.extend(
            messages([*figures, *self._changed(standing)], now, time.time_ns() // 1_000_000)
        )
        show([*standing, *self.live.last_minute(now), *self.live.surges()])

    def _changed(self, standing: Iterable[LiveFigure]) -> list[LiveFigure]:
        again = time.monotonic() - self._said_all >= SAY_AGAIN_S
        if again:
            self._said_all = time.monotonic()
        changed = [f for f in standing if again or self._standing.get(f.name) != f.value]
        self._standing |= {figure.name: figure.value for figure in changed}
        return changed

    async def _tell(self) -> None:
        """Send what has gathered; a figure the broker did not take is sent again."""
        while True:
            batch = [self._unsent.popleft() for _ in range(min(len(self._unsent), 500))]
            if batch:
                outcomes = await self._sink.publish([_outgoing(message) for message in batch])
                told = list(zip(batch, outcomes, strict=True))
                for why in {str(o) for _, o in told if isinstance(o, PermanentRefusal)}:
                    _log.error("the broker refuses live figures for good", why=why)
                failed = [m for m, o in told if o and not isinstance(o, PermanentRefusal)]
                self._unsent.extendleft(reversed(failed))
                metrics.PUBLISHED.labels(Lane.ORDINARY).inc(outcomes.count(None))
                if not failed:
                    continue
            await asyncio.sleep(TICK_S / 4)


class Undertaker:
    """Buries what cannot be heard: a dead-letter row of `reports.live` and the topic's `.dead` twin."""

    def __init__(self, store: Store, consumer: str) -> None:
        self._store, self._consumer = store, consumer
        self._window, self._buried = 0.0, 0

    async def bury(self, record: Record, error: Exception) -> None:
        """Write *record* down with its reason; with the database away it is only counted and logged."""
        known = isinstance(error, InvalidEnvelope)
        reason, stage = (
            (error.reason, "decode") if isinstance(error, InvalidEnvelope) else ("crash", "crash")
        )
        metrics.DEAD_LETTERS.labels(self._consumer, reason).inc()
        place = {"topic": record.partition.topic, "partition": record.partition.number, "offset": record.offset}  # fmt: skip
        _log.error("record diverted", consumer=self._consumer, reason=reason, **place)
        if not self._room():
            return
        detail = str(error) if known else type(error).__name__
        work = Work()
        work.put(DEAD_LETTER, *dead_letter_row(self._consumer, record, reason, stage, detail))
        headers = [*record.headers, ("dead_reason", reason.encode()), ("dead_consumer", self._consumer.encode())]  # fmt: skip
        work.put(
            OUTBOX, Lane.ORDINARY.number, dead_topic(record.partition.topic), record.key or b"",
            pack_headers(headers), record.value,
        )  # fmt: skip
        try:
            await self._store.commit(work)
        except Unavailable as away:
            _log.warning("dead letter not written", why=str(away), **place)

    def _room(self) -> bool:
        now = time.monotonic()
        if now - self._window > BURIED_WINDOW_S:
            self._window, self._buried = now, 0
        self._buried += 1
        return self._buried <= MOST_BURIED


def show(figures: Sequence[LiveFigure]) -> None:
    """Set the gauges to *figures*."""
    for figure in figures:
        whose = Population.of(exercise=figure.exercise)
        match figure.figure:
            case Figure.CALLS:
                metrics.LIVE_CALLS.labels(figure.of, whose).set(figure.value)
            case Figure.OPEN:
                metrics.LIVE_OPEN.labels(figure.of, whose).set(figure.value)
            case Figure.UNITS_OUT:
                metrics.LIVE_UNITS_OUT.labels(whose).set(figure.value)
            case Figure.SURGE:
                series = (figure.of, figure.area, whose)
                metrics.LIVE_SURGE.labels(*series).set(figure.verdict is Verdict.SURGE)
                metrics.LIVE_SURGE_RATIO.labels(*series).set(_ratio(figure))


def _ratio(figure: LiveFigure) -> float:
    if figure.statistic is None or not figure.threshold:
        return -1.0
    return figure.statistic / figure.threshold


def _outgoing(message: Message) -> Outgoing:
    key, headers, value = encode(message)
    return Outgoing(message.topic, key, value, headers)
