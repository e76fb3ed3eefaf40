"""The waiting line of one channel: first in, first out per (incident, recipient), urgent first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from uuid import UUID

from services.notify.domain.notice import Key
from shared.contracts.order import Order
from shared.contracts.values import Lane

_LANES = (Lane.URGENT, Lane.ORDINARY)


@dataclass(slots=True, eq=False)
class Held:
    """A notice in this process's hands. Moments are monotonic wall seconds; `body` is the order's JSON.

    `version` is of its last event in `notice.events`; 0 while none was said. `out`: its line has sent it.
    """

    order: Order
    cause: UUID
    body: bytes
    queued: float
    trace: str | None = None
    version: int = 0
    attempts: int = 0
    due: float = 0.0
    first_tried: float | None = None
    alone: bool = False
    pointless: str | None = None
    out: bool = False

    @property
    def notice_id(self) -> UUID:
        """The provider's idempotency key."""
        return self.order.notice_id

    @property
    def key(self) -> Key:
        """The line it stands in."""
        return Key(self.order.channel, self.order.incident_id, self.order.recipient)


class Line:
    """Who may go next. One per key is out at a time; nothing passes an earlier one of its key.

    Lines are passed on themselves and not looked up by their keys: hashing ids is what it would cost.
    One that ended is empty, whoever still has it.
    """

    def __init__(self) -> None:
        self._held: dict[UUID, Held] = {}
        self._waiting: dict[Key, deque[Held]] = {}
        self._ready: dict[Lane, deque[deque[Held]]] = {lane: deque() for lane in _LANES}
        self._later: list[tuple[float, int, deque[Held]]] = []
        self._ticket = 0

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, notice_id: UUID) -> bool:
        return notice_id in self._held

    @property
    def ready(self) -> int:
        """How many lines have somebody who could go now (at most: some may have left since)."""
        return sum(len(keys) for keys in self._ready.values())

    def add(self, held: Held, now: float) -> None:
        """Take *held* in at the end of its line; one that is in already stays where it is."""
        if self._held.setdefault(held.notice_id, held) is not held:
            return
        line = self._waiting.setdefault(held.key, deque())
        line.append(held)
        if len(line) == 1:
            self._call(line, now)

    def take(self, now: float, limit: int) -> list[Held]:
        """Send out up to *limit* heads of lines, urgent ones first; one marked alone goes alone."""
        while self._later and self._later[0][0] <= now:
            _, _, line = heappop(self._later)
            if line and line[0].due <= now:
                self._ready[line[0].order.lane].append(line)
        taken: list[Held] = []
        for lane in _LANES:
            lines = self._ready[lane]
            while lines and len(taken) < limit:
                head = self._head(lines[0], now)
                if head is not None and head.alone and taken:
                    return taken
                lines.popleft()
                if head is not None:
                    head.out = True
                    taken.append(head)
                    if head.alone:
                        return taken
        return taken

    @staticmethod
    def _head(line: deque[Held], now: float) -> Held | None:
        if not line or line[0].out or line[0].due > now:
            return None
        return line[0]

    def done(self, held: Held, now: float) -> None:
        """Let *held* leave for good (delivered, given up, superseded, another's); the next may go.

        One that left during its request may be in again as another: that one stays as it is.
        """
        if self._held.get(held.notice_id) is not held:
            return
        held.out = False
        del self._held[held.notice_id]
        key = held.key
        line = self._waiting[key]
        was_head = line[0] is held
        line.remove(held)
        if not line:
            del self._waiting[key]
        elif was_head:
            self._call(line, now)

    def again(self, held: Held, due: float) -> None:
        """Put *held* back at the head of its line, to go at *due*; nothing if it left meanwhile."""
        if self._held.get(held.notice_id) is held:
            held.out = False
            held.due = due
            self._at(due, self._waiting[held.key])

    def overtaken(self, notice_id: UUID, reason: str, now: float) -> Held | None:
        """Take out a notice that has become pointless; None if it is out or not here.

        One that is out may be delivered at this moment: it is marked, and not tried again.
        """
        held = self._held.get(notice_id)
        if held is None:
            return None
        held.pointless = reason
        if held.out:
            return None
        self.done(held, now)
        return held

    def get(self, notice_id: UUID) -> Held | None:
        """Return the notice with this id."""
        return self._held.get(notice_id)

    def ids(self) -> list[UUID]:
        """Return all that are held here."""
        return list(self._held)

    def next_due(self) -> float | None:
        """Return when the next waiting one may go, None when nobody waits for a moment."""
        return self._later[0][0] if self._later else None

    def _call(self, line: deque[Held], now: float) -> None:
        head = line[0]
        if head.due <= now:
            self._ready[head.order.lane].append(line)
        else:
            self._at(head.due, line)

    def _at(self, due: float, line: deque[Held]) -> None:
        self._ticket += 1
        heappush(self._later, (due, self._ticket, line))
