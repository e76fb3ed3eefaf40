"""First offsets: every consumer's place is written down before it runs, so that none is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.contracts.consumers import CONSUMERS
from shared.contracts.raw_consumers import raw_consumers
from shared.runtime import operations
from shared.runtime.database import Database
from shared.runtime.kafka import bounds_of


async def seed_offsets(
    address: str, databases: Mapping[str, str], departments: Iterable[str] = ()
) -> int:
    """Write the earliest offset of each topic for each consumer that has none yet.

    *address* is the broker's, *databases* maps a service to its DSN, *departments* are the pack's.
    An offset that exists stays as it is. Returns how many were written; raises Unavailable.
    """
    known = CONSUMERS | raw_consumers(departments)
    consumers = {who: topics for who, topics in known.items() if who.split(".")[0] in databases}
    heard = sorted({topic for topics in consumers.values() for topic in topics})
    bounds = await bounds_of(address, heard) if heard else {}
    written = 0
    for consumer, topics in sorted(consumers.items()):
        service = consumer.split(".")[0]
        database = Database(databases[service], schema=service, instance="supervisor", size=1)
        own = {at: bound for at, bound in bounds.items() if at.topic in topics}
        try:
            written += await operations.seed(database, consumer, own, at="earliest")
        finally:
            await database.close()
    return written
