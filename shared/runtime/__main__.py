"""The operator's command: `python -m shared.runtime offsets … | deadletter …`."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from shared.contracts.consumers import CONSUMERS
from shared.contracts.raw_consumers import raw_consumers
from shared.runtime import operations
from shared.runtime.bus import Partition
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.kafka import bounds_of
from shared.runtime.packs import load_pack

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
offsets_app = typer.Typer(no_args_is_help=True, help="Where consumers stand.")
dead_app = typer.Typer(no_args_is_help=True, help="Records that could not be handled.")
app.add_typer(offsets_app, name="offsets")
app.add_typer(dead_app, name="deadletter")

outbox_app = typer.Typer(no_args_is_help=True, help="Events the broker refused for good.")
app.add_typer(outbox_app, name="outbox")

R = TypeVar("R")
ConsumerName = Annotated[str, typer.Option("--consumer", help="such as router.urgent")]
TopicName = Annotated[str, typer.Option("--topic")]
PartitionNumber = Annotated[int, typer.Option("--partition")]
RecordOffset = Annotated[int, typer.Option("--record", help="offset of the record")]


def _setting(consumer: str, field: str) -> str:
    name = f"LIANDONG_{consumer.split('.', 1)[0].upper()}_{field}"
    if name not in os.environ:
        typer.echo(f"set {name} (as the service has it) and run this again", err=True)
        raise typer.Exit(2)
    return os.environ[name]


def _run(consumer: str, action: Callable[[Database], Awaitable[R]]) -> R:
    async def inner() -> R:
        service = consumer.split(".", 1)[0]
        database = Database(
            _setting(consumer, "DATABASE"), schema=service, instance="operator", size=1
        )
        try:
            return await action(database)
        finally:
            await database.close()

    try:
        return asyncio.run(inner())
    except Unavailable as error:
        typer.echo(f"not done: {error}", err=True)
        raise typer.Exit(1) from None


@offsets_app.command("seed")
def seed(
    consumer: ConsumerName,
    at: Annotated[str, typer.Option(help="earliest or latest")] = "earliest",
    topic: Annotated[str | None, typer.Option("--topic", help="default: all it hears")] = None,
) -> None:
    """Store where a new consumer starts; existing rows stay."""

    async def action(database: Database) -> int:
        topics = [topic] if topic else _heard(consumer)
        bounds = await bounds_of(_setting(consumer, "KAFKA"), topics)
        return await operations.seed(database, consumer, bounds, at=at)

    typer.echo(f"{consumer}: {_run(consumer, action)} partitions seeded at {at}")


def _heard(consumer: str) -> list[str]:
    if consumer in CONSUMERS:
        return list(CONSUMERS[consumer])
    pack = load_pack(Path(_setting(consumer, "REGION_DIR")))
    raw = raw_consumers(department.id for department in pack.departments)
    if consumer not in raw:
        raise typer.BadParameter(f"{consumer} is none of {', '.join([*CONSUMERS, *raw])}")
    return list(raw[consumer])


@offsets_app.command("set")
def set_offset(
    consumer: ConsumerName,
    topic: TopicName,
    partition: PartitionNumber,
    following: Annotated[int, typer.Option("--next", help="offset to handle next")],
) -> None:
    """Continue a halted consumer at another offset: know why before you do."""
    done = _run(
        consumer,
        lambda db: operations.set_offset(db, consumer, Partition(topic, partition), following),
    )
    typer.echo("set" if done else "no such row: seed it")


@offsets_app.command("list")
def list_offsets(consumer: ConsumerName) -> None:
    """Show the stored offsets of the consumer's service."""
    for row in _run(consumer, operations.offsets):
        typer.echo(
            f"{row['consumer']}  {row['topic']}/{row['partition']}  next {row['next']}"
            f"  dead in a row {row['dead_run']}"
        )


@dead_app.command("list")
def list_dead(
    consumer: ConsumerName,
    state: Annotated[str, typer.Option(help="open, replayed or discarded")] = "open",
    limit: Annotated[int, typer.Option(max=operations.LIST_LIMIT)] = 50,
) -> None:
    """List dead letters of the consumer's service, oldest first, without their bodies."""
    rows = _run(consumer, lambda db: operations.dead_letters(db, state=state, limit=limit))
    for row in rows:
        typer.echo(
            f"{row['found_at']:%Y-%m-%d %H:%M:%S%z}  {row['consumer']}  {row['topic']}/{row['partition']}"
            f"@{row['record']}  {row['reason']} ({row['stage']})  {row['detail']}"
        )
    typer.echo(f"{len(rows)} {state}")


@dead_app.command("replay")
def replay(
    consumer: ConsumerName, topic: TopicName, partition: PartitionNumber, record: RecordOffset
) -> None:
    """Send a dead letter again to its topic: same id, consumers that had it drop it."""
    _settle(consumer, Partition(topic, partition), record, "replayed")


@dead_app.command("discard")
def discard(
    consumer: ConsumerName, topic: TopicName, partition: PartitionNumber, record: RecordOffset
) -> None:
    """Settle a dead letter without sending it again."""
    _settle(consumer, Partition(topic, partition), record, "discarded")


def _settle(consumer: str, partition: Partition, record: int, state: str) -> None:
    done = _run(
        consumer,
        lambda db: operations.settle(
            db, consumer, partition, record, state=state, by=getpass.getuser()
        ),
    )
    typer.echo(state if done else "no such open dead letter")
    if not done:
        raise typer.Exit(1)


@dead_app.command("allow")
def allow(consumer: ConsumerName) -> None:
    """Let a consumer that halted at its dead-letter limit go on."""
    done = _run(consumer, lambda db: operations.allow_dead_letters(db, consumer))
    typer.echo(f"{consumer}: {done} partitions go on")


@outbox_app.command("parked")
def list_parked(consumer: ConsumerName) -> None:
    """List the parked keys of the consumer's service and why the broker refuses them."""
    for row in _run(consumer, operations.parked):
        typer.echo(
            f"{row['parked_at']:%Y-%m-%d %H:%M:%S%z}  {row['topic']}  "
            f"{row['key'].decode(errors='replace')}  {row['reason']}"
        )


@outbox_app.command("release")
def release(consumer: ConsumerName) -> None:
    """Try the parked keys again, after the cause is gone."""
    typer.echo(f"{_run(consumer, operations.release_parked)} keys released")


if __name__ == "__main__":
    app()
