"""What the state machine is told beside the state: the region and its tolerances."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from shared.contracts.pack import Pack

FUTURE = timedelta(seconds=60)
"""How far a unit's clock may run ahead (ours)."""

RETURN_LIMIT = timedelta(days=1)
"""Row 7 says one working day; a natural day until there is a working calendar (ours)."""

REPEAT_WINDOW = timedelta(hours=72)
"""How long after closing a call of the same chain reopens the incident (DOMAIN §5)."""


class Policy(Struct, frozen=True):
    """The region pack, and tolerances already widened for the platform's speed (ARCHITECTURE §4.13)."""

    pack: Pack
    future: timedelta = FUTURE
    back_dating: timedelta = timedelta(minutes=5)
    return_limit: timedelta = RETURN_LIMIT
    repeat_window: timedelta = REPEAT_WINDOW

    @property
    def retention(self) -> timedelta:
        """How long place, text and contact are kept after the end (DOMAIN §7: the pack says)."""
        return timedelta(days=self.pack.region.retention_days)
