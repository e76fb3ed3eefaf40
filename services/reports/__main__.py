"""Starts reports, its live picture (`live`), or, given a command (`month 2026-11 --region xianju`), writes a table."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.fact_tables import FactTables
from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.adapters.month_files import MonthFiles
from services.reports.config import Settings
from services.reports.domain.facts import Population
from services.reports.domain.live import Live, LivePolicy
from services.reports.domain.live_watch import Place
from services.reports.handlers import on_events
from services.reports.live_handlers import HEARD
from shared.contracts.consumers import CONSUMERS
from shared.contracts.values import Lane
from shared.runtime import keys, logs, packs, service, settings
from shared.runtime.ahead import Ahead
from shared.runtime.clock import DatabaseClock
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.events import Event
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.keys import Keyring
from shared.runtime.pruning import Pruning, kept_days
from shared.runtime.relay import Relay
from shared.runtime.service import Part
from shared.runtime.store import Store, Work
from shared.runtime.web import Server

NAME, CONSUMER, LIVE = "reports", "reports.facts", "live"
LIVE_HELP = "Run the live picture of a stack: a service, set up by LIANDONG_REPORTS_*."


async def run() -> None:
    """Run the service until it is stopped."""
    from services.reports.adapters.http import application  # noqa: PLC0415 - the commands need no web

    own = settings.read(Settings, NAME, os.environ)
    logs.configure(NAME, own.instance, own.log_level)
    service.yield_to_others(own.niceness)
    pack = packs.load_pack(own.region_dir)
    database = Database(own.database.reveal(), schema=NAME, instance=own.instance)
    relay = Relay(database, KafkaSink(own.kafka, name=f"{NAME}-{own.instance}"))
    tables = FactTables()

    async def handler(events: Sequence[Event], work: Work) -> None:
        await on_events(events, work, facts=tables)

    source = Ahead(
        KafkaSource(
            own.kafka,
            group=CONSUMER,
            topics=CONSUMERS[CONSUMER],
            instance=own.instance,
            gather_ms=own.gather_ms,
        )
    )
    consumer = Consumer(
        CONSUMER,
        source,
        Store(database, relay.written),
        handler,
        lane=Lane.ORDINARY,
        batch=own.batch,
    )
    parts: list[Part] = [relay, consumer, Pruning(database, kept_days("reports"))]
    keyring = Keyring(keys.load(own.secrets).api_keys)
    files = MonthFiles(database, own.months)
    app = application(pack, FactReader(database), FrozenMonths(database), keyring, parts, files)
    await service.run([*parts, Server(app, own)])


async def live() -> None:
    """Run the live picture, in a process of its own: nothing else waits for it or needs it."""
    from services.reports.adapters import live as stream  # noqa: PLC0415
    from services.reports.adapters.live_door import application  # noqa: PLC0415
    from services.reports.adapters.live_facts import PostgresLiveFacts  # noqa: PLC0415
    from services.reports.adapters.live_telling import Picture, Undertaker  # noqa: PLC0415

    own = settings.read(Settings, NAME, os.environ)
    logs.configure(stream.GROUP, own.instance, own.log_level)
    service.yield_to_others(own.niceness)
    pack = packs.load_pack(own.region_dir)
    database = Database(own.database.reveal(), schema=NAME, instance=own.instance, size=2)
    clock = DatabaseClock(database)
    await service.until_available(clock.sync)
    policy = LivePolicy(pack.surge)
    place = Place(pack.region.code, pack.region.area_code, tuple(a.code for a in pack.areas))
    populations = [Population.of(exercise=clock.speed != 1)]
    picture = Picture(
        Live(place, policy, populations),
        PostgresLiveFacts(database, pack),
        clock,
        KafkaSink(own.kafka, name=f"{stream.GROUP}-{own.instance}"),
        heal_s=own.live_heal_s,
    )
    undertaker = Undertaker(Store(database), stream.GROUP)
    heard = stream.FaustStream(own.kafka, HEARD, picture.hear, undertaker.bury)
    parts: list[Part] = [clock, picture, heard]
    app = application(picture, Keyring(keys.load(own.secrets).api_keys), parts)
    await service.run([*parts, Server(app, own)])


def main() -> None:
    """Run the service or its live picture; with other arguments, a command."""
    if sys.argv[1:] == [LIVE]:
        service.main(live)
        return
    if len(sys.argv) > 1:
        from services.reports.adapters.commands import app  # noqa: PLC0415 - typer stays out of the service

        # taken above already, and named here so that `--help` says it
        app.command(LIVE, help=LIVE_HELP)(lambda: service.main(live))
        app()
        return
    service.main(run)


if __name__ == "__main__":
    main()
