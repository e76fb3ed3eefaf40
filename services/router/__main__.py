"""router: `python -m services.router` with `LIANDONG_ROUTER_*` set; wires everything real."""

from __future__ import annotations

import os
from datetime import timedelta

from starlette.applications import Starlette

from services.router.adapters.answers import StoredAnswers
from services.router.adapters.doors import CommandDoors
from services.router.adapters.incidents import StoredIncidents
from services.router.adapters.numbers import BlockNumbers
from services.router.adapters.parked import ParkedWatch
from services.router.adapters.reads import ReadDoors
from services.router.adapters.region import PacedRegion
from services.router.adapters.retention import RetainedRows, RetentionSweep
from services.router.config import Settings
from services.router.domain.requests import Answer, Request
from services.router.handlers import Commands, Desk, Handlers
from services.router.retention_handlers import Retention
from shared.contracts.consumers import CONSUMERS
from shared.contracts.values import Lane
from shared.runtime import keys, logs, service, settings
from shared.runtime.clock import DatabaseClock
from shared.runtime.consumer import Consumer, Handler
from shared.runtime.database import Database
from shared.runtime.group import GroupCommit
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.keys import Keyring
from shared.runtime.packs import load_pack
from shared.runtime.pruning import Pruning, kept_days
from shared.runtime.relay import Relay
from shared.runtime.store import Store
from shared.runtime.web import Server, health_routes


async def start() -> None:
    """Run router until it is told to stop."""
    mine = settings.read(Settings, "router", os.environ)
    logs.configure("router", mine.instance, mine.log_level)
    keyring = Keyring(keys.load(mine.secrets).api_keys)
    pack = load_pack(mine.region_dir)
    database = Database(mine.database.reveal(), schema="router", instance=mine.instance)
    relay = Relay(database, KafkaSink(mine.kafka, name=f"router-{mine.instance}"))
    store = Store(database, relay.written)
    clock = DatabaseClock(database)
    await service.until_available(clock.sync)
    region, incidents = PacedRegion(pack, clock), StoredIncidents(database)
    desk = Desk(clock, region, BlockNumbers(database), incidents)
    handlers = Handlers(desk)
    retained = RetainedRows(database)

    def consumer(name: str, handler: Handler, lane: Lane) -> Consumer:
        source = KafkaSource(mine.kafka, group=name, topics=CONSUMERS[name], instance=mine.instance)
        return Consumer(name, source, store, handler, lane=lane, batch=mine.batch)

    group: GroupCommit[Request, Answer] = GroupCommit(
        "commands", Commands(desk, StoredAnswers(store)).decide, store
    )
    limit = timedelta(seconds=pack.region.parked_feedback_limit_s)
    doors = [
        *CommandDoors(group, keyring).routes(),
        *ReadDoors(database, keyring, clock, limit).routes(),
    ]
    parts: list[service.Part] = [
        relay,
        clock,
        consumer("router.urgent", handlers.on_calls, Lane.URGENT),
        consumer("router.ordinary", handlers.on_calls, Lane.ORDINARY),
        consumer("router.feedback", handlers.on_feedback, Lane.URGENT),
        group,
        ParkedWatch(database),
        Pruning(database, kept_days("router")),
        RetentionSweep(store, Retention(desk, retained), retained),
    ]
    server = Server(Starlette(routes=[*doors, *health_routes(parts)]), mine)
    await service.run([*parts, server])


if __name__ == "__main__":
    service.main(start)
