"""Which broker and database a stack runs on: given addresses, a Docker engine's, or embedded ones."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from deploy.local.containers import ContainerKafka, ContainerPostgres, docker_engine_answers
from deploy.local.errors import StackError
from deploy.local.kafka import EmbeddedKafka, Heap, answers_metadata
from deploy.local.postgres import EmbeddedPostgres, answers_query

KAFKA = "LIANDONG_KAFKA"
POSTGRES = "LIANDONG_POSTGRES"


class Kind(StrEnum):
    """Where a part comes from, in the order of choice."""

    GIVEN = "given"
    CONTAINER = "container"
    EMBEDDED = "embedded"


class Broker(Protocol):
    """A broker with the faults tests make; one that was only given refuses to be hurt."""

    @property
    def address(self) -> str:
        """`host:port`."""

    async def start(self) -> None:
        """Start it and wait until it answers."""

    async def restart(self) -> None:
        """Start it again, same address, same data."""

    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Server(Protocol):
    """A database server with the faults tests make."""

    @property
    def address(self) -> str:
        """`host:port`."""

    @property
    def dsn(self) -> str:
        """The superuser's address; contains the password."""

    async def start(self) -> None:
        """Start it and wait until it answers."""

    async def restart(self) -> None:
        """Start it again, same address, same data."""

    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class _Given:
    """Somebody else's part: started and stopped by them, hurt by nobody here."""

    async def restart(self) -> None:
        self._refuse()

    def stop(self) -> None:
        """Leave it running: it is not ours."""

    def kill(self) -> None:
        self._refuse()

    def pause(self) -> None:
        self._refuse()

    def resume(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        raise StackError(
            f"a fault was asked for, but the address was given in {KAFKA} or {POSTGRES}: "
            "unset it to run on parts of our own"
        )


class GivenKafka(_Given):
    """The broker whose address stands in LIANDONG_KAFKA."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def start(self) -> None:
        """Raise StackError unless it answers."""
        if not await answers_metadata(self.address):
            raise StackError(f"{KAFKA}={self.address}: no Kafka broker answers there")


class GivenPostgres(_Given):
    """The server whose superuser DSN stands in LIANDONG_POSTGRES."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    @property
    def address(self) -> str:
        """Return `host:port` without the password."""
        return self.dsn.rpartition("@")[2].partition("/")[0]

    async def start(self) -> None:
        """Raise StackError unless it answers."""
        if not await asyncio.to_thread(answers_query, self.dsn):
            raise StackError(f"{POSTGRES} ({self.address}): no PostgreSQL answers there")


class Infrastructure:
    """One broker and one database for one stack, kept in *folder*."""

    def __init__(self, kafka: Broker, postgres: Server, kinds: tuple[Kind, Kind]) -> None:
        self.kafka = kafka
        self.postgres = postgres
        self.kinds = kinds

    async def start(self) -> None:
        """Start both side by side; when one fails the other is stopped."""
        started = await asyncio.gather(
            self.kafka.start(), self.postgres.start(), return_exceptions=True
        )
        failed = [error for error in started if isinstance(error, BaseException)]
        if failed:
            self.stop()
            raise failed[0]

    def stop(self) -> None:
        """Stop what was started here; the database first, its clients are gone by then."""
        try:
            self.postgres.stop()
        finally:
            self.kafka.stop()

    def remove(self) -> None:
        """Delete the data of what was started here and has stopped."""
        for part in (self.postgres, self.kafka):
            if isinstance(part, (EmbeddedKafka, EmbeddedPostgres)):
                part.remove()


def choose(
    folder: Path,
    *,
    logs: Path | None = None,
    heap: Heap = Heap.SMALL,
    environment: Mapping[str, str] = os.environ,
) -> Infrastructure:
    """Return the parts to use, not started: address given → container → embedded, each on its own."""
    logs = logs or folder
    engine: bool | None = None
    given_kafka, given_postgres = environment.get(KAFKA), environment.get(POSTGRES)
    if not (given_kafka and given_postgres):
        engine = docker_engine_answers(environment)
    kafka: Broker
    postgres: Server
    if given_kafka:
        kafka, kafka_kind = GivenKafka(given_kafka), Kind.GIVEN
    elif engine:
        kafka, kafka_kind = ContainerKafka(), Kind.CONTAINER
    else:
        kafka = EmbeddedKafka(folder / "kafka", heap=heap, log=logs / "kafka.log")
        kafka_kind = Kind.EMBEDDED
    if given_postgres:
        postgres, postgres_kind = GivenPostgres(given_postgres), Kind.GIVEN
    elif engine:
        postgres, postgres_kind = ContainerPostgres(), Kind.CONTAINER
    else:
        postgres = EmbeddedPostgres(folder / "postgres", log=logs / "postgres.log")
        postgres_kind = Kind.EMBEDDED
    return Infrastructure(kafka, postgres, (kafka_kind, postgres_kind))
