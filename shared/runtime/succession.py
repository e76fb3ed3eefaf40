"""Which committed events may be published unread: those whose predecessor is known to stand before them."""

from __future__ import annotations

from shared.runtime.events import unpack_headers
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
        found = _version(row)
        if found is None:
            return False
        place, version = found
        if version != self._last.get(place, 0) + 1:
            return False
        self._remember(place, version)
        return True

    def read(self, row: OutboxRow) -> None:
        """Remember *row*, which was read in the order of the sequence."""
        found = _version(row)
        if found is not None:
            self._remember(*found)

    def _remember(self, place: _Place, version: int) -> None:
        self._last.pop(place, None)
        self._last[place] = version  # at the end: the oldest is forgotten first
        if len(self._last) > MOST:
            del self._last[next(iter(self._last))]


def _version(row: OutboxRow) -> tuple[_Place, int] | None:
    """Return place and version; None of what is no event (a dead letter's twin, a halt)."""
    headers = dict(unpack_headers(row.headers))
    subject, sequence = headers.get("ce_subject"), headers.get("ce_sequence")
    if subject is None or sequence is None or "dead_reason" in headers or not sequence.isdigit():
        return None
    return (row.topic, subject), int(sequence)
