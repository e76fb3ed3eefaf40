"""What the fixtures of conftest.py hand to a test, for its type hints."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.local.stack import Stack
from deploy.topics import Topic, create_topics

SERVICES = ("intake", "router", "sla", "notify", "reports", "drill")


@dataclass(frozen=True)
class SessionKafka:
    """The session's broker: names are fresh for each test, so tests cannot meet."""

    address: str

    async def topic(
        self, stem: str = "test", *, partitions: int = 1, config: dict[str, str | int] | None = None
    ) -> str:
        """Create a topic nobody else uses and return its name."""
        name = self.unique(stem)
        await create_topics(self.address, [Topic(name, partitions, config or {}, dead=False)])
        return name

    async def topics(self, *topics: Topic) -> list[str]:
        """Create *topics*, their names taken as they are, where they are missing."""
        return await create_topics(self.address, topics)

    @staticmethod
    def unique(stem: str) -> str:
        """Return a name nobody else uses: for topics, groups, consumers."""
        return f"{stem}.{uuid.uuid4().hex[:10]}"


@dataclass(frozen=True)
class FreshDatabase:
    """A database with `platform` and every service's schema, migrations applied, nothing in it."""

    name: str
    admin: str
    apps: dict[str, str]

    def dsn(self, service: str = "router") -> str:
        """Return the DSN of role `<service>_app`; the schema has the service's name."""
        return self.apps[service]


MakeStack = Callable[..., Stack]
"""Takes `Stack`'s own settings except its folder."""

Lines = Callable[[], list[dict[str, Any]]]
"""Returns the JSON lines logged since the test began."""
