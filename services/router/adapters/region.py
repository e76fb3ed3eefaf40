"""The region's policy at the platform's present speed (ARCHITECTURE §4.13)."""

from __future__ import annotations

from datetime import timedelta

from services.router.domain.policy import FUTURE, Policy
from shared.contracts.pack import Pack
from shared.runtime.clock import DatabaseClock


class PacedRegion:
    """Keeps what `ports.Region` promises."""

    def __init__(self, pack: Pack, clock: DatabaseClock) -> None:
        self._pack = pack
        self._clock = clock

    def policy(self) -> Policy:
        """Return the pack's tolerances, widened where platform time runs fast."""
        rule = timedelta(seconds=self._pack.region.backdating_tolerance_s)
        return Policy(
            self._pack,
            future=self._clock.tolerance(FUTURE),
            back_dating=self._clock.tolerance(rule),
        )
