"""Starts intake: settings, adapters, handlers, doors."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial

from services.intake.adapters.app import Doors
from services.intake.adapters.body import known_charset
from services.intake.adapters.contacts import Contacts
from services.intake.adapters.feed_door import Feed, FeedDoor
from services.intake.adapters.gate import Gate
from services.intake.adapters.read_api import read_api
from services.intake.adapters.reads import CallReads
from services.intake.adapters.retained import CaseTable, RetainedCalls
from services.intake.adapters.retention import RetentionSweep
from services.intake.adapters.submissions import Ceilings, Submissions
from services.intake.adapters.tables import CallTable, FeedbackTable, RejectionTable
from services.intake.adapters.vault import ContactVault
from services.intake.config import Settings
from services.intake.domain.ceiling import Ceiling
from services.intake.domain.handling import read_handling
from services.intake.domain.reading import hotlines
from services.intake.domain.records import read_record
from services.intake.domain.times import FUTURE_TOLERANCE, Horizon
from services.intake.handlers import Handlers
from services.intake.retention_handlers import Retention, on_incidents
from shared.contracts.consumers import CONSUMERS
from shared.contracts.values import Lane
from shared.runtime import keys, logs, packs, service, settings
from shared.runtime.clock import DatabaseClock
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.group import GroupCommit
from shared.runtime.kafka import KafkaSink, KafkaSource
from shared.runtime.pruning import Pruning, kept_days
from shared.runtime.relay import Relay
from shared.runtime.store import Store
from shared.runtime.web import Server, health_routes

NAME, CASES = "intake", "intake.cases"
GATHER_MS, HEARD_AT_ONCE = 1000, 2000
"""Nobody waits for what intake hears: a few large batches a second, beside the calls' path."""


async def main() -> None:
    """Run until told to stop."""
    config = settings.read(Settings, NAME, os.environ)
    logs.configure(NAME, config.instance, config.log_level)
    secrets = keys.load(config.secrets)
    vault = ContactVault(secrets.vault_key, secrets.caller_salt)
    keyring = keys.Keyring(secrets.api_keys)
    pack = packs.load_pack(config.region_dir)
    known = hotlines(pack, readable=known_charset)

    database = Database(config.database.reveal(), schema=NAME, instance=config.instance)
    relay = Relay(database, KafkaSink(config.kafka, name=f"{NAME}-{config.instance}"))
    store = Store(database, relay.written)
    clock = DatabaseClock(database)
    await service.until_available(clock.sync)

    decide = Handlers(
        calls=CallTable(database),
        feedback=FeedbackTable(database),
        rejections=RejectionTable(database),
        vault=vault,
        now=clock.now,
        region=pack.region.code,
    )
    size = {"batch": config.group, "queue": config.queue}
    calls = {lane: GroupCommit(f"calls.{lane}", decide.on_calls, store, **size) for lane in Lane}
    heard = KafkaSource(
        config.kafka,
        group=CASES,
        topics=CONSUMERS[CASES],
        instance=config.instance,
        gather_ms=GATHER_MS,
    )
    listener = Consumer(
        CASES,
        heard,
        store,
        partial(on_incidents, cases=CaseTable(database)),
        lane=Lane.ORDINARY,
        batch=HEARD_AT_ONCE,
    )
    period, retained = timedelta(days=pack.region.retention_days), RetainedCalls(database)
    retention = Retention(
        retained, period, heard_all=lambda: listener.waiting is None and heard.lag() == 0
    )
    feedback = GroupCommit("feedback", decide.on_feedback, store, **size)
    refusals = GroupCommit("refusals", decide.on_refusals, store, **size)
    submissions = Submissions(calls, feedback, refusals, relay.backlog, _ceilings(config))
    door = FeedDoor(
        gate=Gate(keyring, known, drill_mode=lambda: clock.speed != 1),
        feeds=(
            Feed("calls", "call_id", read_record, submissions.call),
            Feed("handling", "feedback_id", read_handling, submissions.handling),
        ),
        settings=config,
        refuse=submissions.refusal,
        digest=vault.digest,
        horizon=lambda: Horizon(clock.now(), clock.tolerance(FUTURE_TOLERANCE)),
    )
    parts: list[service.Part] = [relay, clock, *calls.values(), feedback, refusals]
    # what ends retention may wait for a person without calls being sent elsewhere: no part of /ready
    keeping: list[service.Part] = [
        listener,
        RetentionSweep(store, retention, retained, period),
        Pruning(database, kept_days(NAME)),
    ]
    reads = read_api(keyring, CallReads(database), Contacts(database, vault), config)
    server = Server(Doors(door, reads), config)
    parts.append(server)
    reads.router.routes.extend(health_routes(parts))
    await service.run([*parts, *keeping])


def _ceilings(config: Settings) -> Ceilings:
    return Ceilings(
        ordinary=Ceiling(config.ordinary_rows, config.ordinary_age_s),
        urgent=Ceiling(config.urgent_rows, config.urgent_age_s),
    )


if __name__ == "__main__":
    service.main(main)
