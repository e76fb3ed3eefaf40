"""What router does when retention ends: load, decide, store, like any other change."""

from __future__ import annotations

from datetime import timedelta

from services.router.domain.casebook import Casebook
from services.router.domain.commands import Purge
from services.router.handlers import Desk
from services.router.ports import Retained
from shared.contracts.values import Lane
from shared.runtime.store import Work

SYSTEM = "router"


class Retention:
    """Purges what is due by the database's clock; a hold that came meanwhile wins by the guard."""

    def __init__(self, desk: Desk, retained: Retained) -> None:
        self._desk = desk
        self._retained = retained

    @property
    def period(self) -> timedelta:
        """How long things are kept after their end."""
        return self._desk.region.policy().retention

    async def purge(self, lane: Lane, work: Work) -> int:
        """Put a batch of *lane*'s purges into *work*; return how many there are."""
        policy = self._desk.region.policy()
        due = await self._retained.due(lane, policy.retention)
        if not due.incidents:
            return 0
        book = Casebook(due.now, policy, self._desk.numbers.take)
        await self._desk.incidents.load(book, incidents=due.incidents)
        for incident_id in sorted(book.incidents):
            book.command(incident_id, Purge(by=SYSTEM))
        self._desk.incidents.save(work, book)
        return len(book.said)

    async def drop_parked(self) -> int:
        """Delete a batch of feedback that waited for its call all the retention; return how many."""
        return await self._retained.drop_parked(self.period)
