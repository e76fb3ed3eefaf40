"""Runs notify: settings -> adapters -> handlers -> parts; the only constructor of real things."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from services.notify.adapters.acknowledging import Acknowledging
from services.notify.adapters.alarms import Alarms
from services.notify.adapters.custody import Custody
from services.notify.adapters.deadletters import DeadLetters
from services.notify.adapters.digesting import Digesting
from services.notify.adapters.doors import application
from services.notify.adapters.ledger import PostgresLedger
from services.notify.adapters.providers import HttpProvider
from services.notify.adapters.readback import MARK_DAYS, FeedReadback
from services.notify.adapters.records import RecordReader
from services.notify.adapters.sending import Sender, Senders
from services.notify.adapters.settling import Settling
from services.notify.adapters.watchdog import Watchdog
from services.notify.config import Settings
from services.notify.handlers import Listener
from shared.contracts.consumers import CONSUMERS
from shared.contracts.pack import Pack
from shared.contracts.raw_consumers import DEAD_LETTERS, FEED_READBACK, raw_consumers
from shared.contracts.values import Lane
from shared.runtime import keys, logs, service, settings
from shared.runtime.clock import DatabaseClock
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.keys import Keyring, SecretsFile
from shared.runtime.packs import load_pack
from shared.runtime.pruning import Pruning, kept_days
from shared.runtime.relay import Relay
from shared.runtime.service import Part, until_available
from shared.runtime.store import Store
from shared.runtime.web import Server


@dataclass
class Wired:
    """A whole notify, not running yet."""

    parts: list[Part]
    database: Database
    providers: Mapping[str, HttpProvider]

    async def run(self) -> None:
        """Run until told to stop, then let go of what was opened."""
        try:
            await service.run(self.parts)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close connections."""
        for provider in self.providers.values():
            await provider.close()
        await self.database.close()


async def notify() -> None:
    """Run the service until it is told to stop."""
    config = settings.read(Settings, "notify", os.environ)
    logs.configure("notify", config.instance, config.log_level)
    wired = await wire(config, load_pack(config.region_dir), keys.load(config.secrets))
    await wired.run()


async def wire(
    config: Settings,
    pack: Pack,
    secrets: SecretsFile,
    consumers: Mapping[str, tuple[str, ...]] | None = None,
) -> Wired:
    """Build everything; waits for PostgreSQL. *consumers* maps consumer name to topics (by default all)."""
    departments = [department.id for department in pack.departments]
    heard = CONSUMERS | raw_consumers(departments) if consumers is None else consumers
    # a name of this life: rows held by an earlier one of the same instance are taken over at once
    owner = f"{config.instance}/{uuid.uuid4().hex[:12]}"
    database = Database(config.database.reveal(), schema="notify", instance=config.instance)
    relay = Relay(database, KafkaSink(config.kafka, name=f"notify.{config.instance}"))
    store = Store(database, relay.written)
    clock = DatabaseClock(database)
    await until_available(clock.sync)

    settling = Settling(pack, store, clock, owner)
    providers = _providers(config, pack, secrets)

    async def ours() -> None:
        await custody.ensure()

    senders = Senders(
        {
            policy.channel.value: Sender(
                policy.channel.value, providers[policy.channel.value], policy, settling.settle, ours
            )
            for policy in pack.notices.channels
        },
        settling,
    )
    settling.senders = senders
    cutoff_s = pack.notices.digest_after_s
    custody = Custody(
        database, senders, instance=config.instance, owner=owner, digest_after_s=cutoff_s
    )
    await until_available(custody.open)

    alarms = Alarms(pack, store, senders, clock, owner=owner)
    parts: list[Part] = [
        relay,
        clock,
        settling,
        *senders.by_channel.values(),
        custody,
        alarms,
        Watchdog(database, alarms, limit_s=config.sla_silent_s, again_s=cutoff_s),
        Digesting(pack, store, senders, clock, owner=owner, quiet_s=config.digest_quiet_s),
        Acknowledging(pack, store, clock, owner=owner),
        Pruning(database, kept_days("notify") | {FEED_READBACK: MARK_DAYS}),
    ]
    listener = Listener(pack, PostgresLedger(database, owner), senders, clock)
    for name, topics in heard.items():
        source = KafkaSource(
            config.kafka, group=name, topics=topics, instance=config.instance,
            gather_ms=_gather_ms(name),
        )  # fmt: skip
        if name.startswith(FEED_READBACK):
            readback = FeedReadback(name, departments, store)
            parts.append(RecordReader(name, source, store, readback.on_records, alarms))
        elif name.startswith(DEAD_LETTERS):
            letters = DeadLetters(alarms)
            parts.append(RecordReader(name, source, store, letters.on_records, alarms))
        elif name.startswith("notify."):
            lane = Lane.ORDINARY if ".ordinary" in name else Lane.URGENT
            parts.append(Consumer(name, source, store, listener.on_events, lane=lane))
    parts.append(Server(application(database, Keyring(secrets.api_keys), parts), config))
    return Wired(parts, database, providers)


def _gather_ms(consumer: str) -> int:
    """Return how long the broker gathers for *consumer*: a dispatch order waits for nothing, the rest may."""
    if consumer.startswith(FEED_READBACK):
        return 2000
    return 250 if consumer.startswith(("notify.clocks", DEAD_LETTERS)) else 0


def _providers(config: Settings, pack: Pack, secrets: SecretsFile) -> dict[str, HttpProvider]:
    addresses = config.provider_addresses()
    return {
        policy.channel.value: HttpProvider(
            addresses[policy.channel],
            secrets.provider_keys.get(policy.channel, ""),
            policy.timeout_s,
        )
        for policy in pack.notices.channels
    }


if __name__ == "__main__":
    service.main(notify)
