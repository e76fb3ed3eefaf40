"""Which calls were met lately: of the others it may be assumed that nobody sent them before."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from uuid import UUID

REMEMBERED = 10_000


class Met:
    """The ids of the newest calls; kept only to guess, for the store's guard proves.

    As long as repeats and revisions come (a hotline that sends everything anew), nothing is guessed.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._newest: dict[UUID, None] = {}
        self._only_new = False

    def none_of(self, calls: AbstractSet[UUID]) -> bool:
        """Say whether *calls* are probably all new."""
        return self._only_new and self._newest.keys().isdisjoint(calls)

    def found(self, calls: Iterable[UUID], *, known: bool) -> None:
        """Note that *calls* are decided on now, and whether some of them were *known*."""
        self._only_new = not known
        self._newest.update(dict.fromkeys(calls))
        while len(self._newest) > self._remembered:
            del self._newest[next(iter(self._newest))]
