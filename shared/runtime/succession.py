"""Which committed events may be published unread: those whose predecessor is known to stand before them."""

from __future__ import annotations

from shared.runtime.store import OutboxRow

MOST = 50_000
"""Aggregates remembered; one forgotten is read from the outbox instead."""

_Place = tuple[str, bytes]


class Succession:
    """The last version taken over of each aggregate on each topic.

    A producer numbers the events of an aggregate 1, 2, 3 and the guard makes the outbox's sequence
    follow them, whichever instance wrote them. So the next version has nothing unread before it;
    a version after a gap may have, written by another instance.
    """

    def __init__(self) -> None:
        self._last: dict[_Place, int] = {}

    def follows(self, row: OutboxRow) -> bool:
        """Say whether *row* is the next of its aggregate, and remember it if so."""
        if row.subject is None:
            return False
        place = row.record.topic, row.subject
        if row.version != self._last.get(place, 0) + 1:
            return False
        self._remember(place, row.version)
        return True

    def read(self, row: OutboxRow) -> None:
        """Remember *row*, which was read in the order of the sequence."""
        if row.subject is not None:
            self._remember((row.record.topic, row.subject), row.version)

    def _remember(self, place: _Place, version: int) -> None:
        self._last.pop(place, None)
        self._last[place] = version  # at the end: the oldest is forgotten first
        if len(self._last) > MOST:
            del self._last[next(iter(self._last))]
