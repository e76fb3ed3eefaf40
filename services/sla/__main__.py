"""Starts sla: settings, PostgreSQL, Kafka, the firing loop, the heartbeat and the door."""

from __future__ import annotations

import os
import sys
from functools import partial

from services.sla.adapters.clocks import PostgresClocks
from services.sla.adapters.door import Door
from services.sla.adapters.heartbeat import Pulse
from services.sla.adapters.timer import Timer, tally
from services.sla.config import Settings
from services.sla.domain.rules import Rules, not_yet
from services.sla.handlers import on_incidents
from shared.contracts.consumers import CONSUMERS
from shared.contracts.values import Lane
from shared.runtime import keys, logs, service, settings
from shared.runtime.clock import DatabaseClock
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.packs import load_pack
from shared.runtime.pruning import Pruning, kept_days
from shared.runtime.relay import Relay
from shared.runtime.store import Store
from shared.runtime.web import Server

GATHER_MS = 200
"""Clocks may start this much later than they are heard of: limits are minutes, fetches cost CPU."""


async def main() -> None:
    """Run sla until SIGTERM."""
    given = settings.read(Settings, "sla", os.environ)
    logs.configure("sla", given.instance, given.log_level)
    pack = load_pack(given.region_dir)
    if refused := not_yet(pack):
        sys.exit(f"sla counts no working time yet; the pack asks for it in {', '.join(refused)}")
    database = Database(given.database.reveal(), schema="sla", instance=given.instance)
    relay = Relay(database, KafkaSink(given.kafka, name=f"sla-{given.instance}"))
    store = Store(database, relay.written)
    clock = DatabaseClock(database)
    clocks = PostgresClocks(database, relay.wake)
    timer = Timer(clocks, clock)
    handler = partial(
        on_incidents, sets=clocks, rules=Rules(pack), clock=clock, alarm=timer, tally=tally
    )
    consumers = [
        Consumer(
            name := f"sla.{lane}",
            KafkaSource(
                given.kafka,
                group=name,
                topics=list(CONSUMERS[name]),
                instance=given.instance,
                gather_ms=GATHER_MS,
            ),
            store,
            handler,
            lane=lane,
        )
        for lane in Lane
    ]
    pulse = Pulse(store, clock, instance=given.instance, every_s=given.heartbeat_s)
    parts: list[service.Part] = [relay, clock, timer, pulse, *consumers]
    parts.append(Pruning(database, kept_days("sla")))
    door = Door(clocks, keys.Keyring(keys.load(given.secrets).api_keys))
    await service.until_available(clock.sync)
    await service.run([*parts, Server(door.app(parts), given)])


if __name__ == "__main__":
    service.main(main)
