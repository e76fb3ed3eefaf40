"""Starts the drill: settings → doors and providers → the play; the only constructor of real things."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import msgspec

from services.drill.adapters import doors, providers
from services.drill.adapters.programme import programme
from services.drill.adapters.providers import Provider
from services.drill.adapters.timeline import HeapTimeline
from services.drill.config import PROVIDERS_ONLY, Settings
from services.drill.domain.journal import Journal
from services.drill.domain.provider_faults import outage
from services.drill.handlers import DeskPart, Play
from shared.contracts.pack import Channel
from shared.runtime import logs, service
from shared.runtime.clock import DatabaseClock
from shared.runtime.database import Database
from shared.runtime.keys import Keyring, SecretsFile
from shared.runtime.packs import load_pack
from shared.runtime.service import Part, until_available
from shared.runtime.settings import read
from shared.runtime.web import Server

DESK_ROUND_S = 0.5


class DrillSecrets(SecretsFile, frozen=True, kw_only=True, omit_defaults=True):
    """The drill plays everybody, so it holds everybody's clear key, by scope."""

    clear_keys: dict[str, str] = msgspec.field(default_factory=dict)


async def main() -> None:
    """Run until stopped."""
    settings = read(Settings, "drill", os.environ)
    logs.configure("drill", settings.instance, settings.log_level)
    secrets = msgspec.json.decode(settings.secrets.read_bytes(), type=DrillSecrets)
    pack = load_pack(settings.region_dir)
    clock = DatabaseClock(
        Database(settings.database.reveal(), schema="drill", instance=settings.instance)
    )
    await until_available(clock.sync)
    start = settings.start or clock.now()
    ends = start + timedelta(minutes=settings.minutes)
    timeline = HeapTimeline(clock, ends + timedelta(minutes=settings.tail_minutes))
    playing = settings.play != PROVIDERS_ONLY
    journal = Journal(kept=None if playing else settings.receipts_kept)
    parts: list[Part] = [clock, timeline]
    async with doors.client() as http:
        centre = doors.Doors(
            http, intake=settings.intake, router=settings.router, keys=secrets.clear_keys
        )
        play = Play(
            pack=pack,
            clock=clock,
            timeline=timeline,
            hotlines=centre,
            centre=centre,
            journal=journal,
        )
        if playing:
            played = programme(settings, pack, start)
            play.begin(played.sends, played.unit_answers)
            parts.append(DeskPart(centre, journal, DESK_ROUND_S))
        app = providers.app(
            _provider(settings, play, (start, ends)),
            keys=secrets.provider_keys,
            keyring=Keyring(secrets.api_keys),
            parts=parts,
            progress=lambda: _progress(journal, timeline, clock, ends),
        )
        await service.run([*parts, Server(app, settings)])


def _provider(settings: Settings, play: Play, played: tuple[datetime, datetime]) -> Provider:
    """Return the gateways, erring only while a scenario is played and faults are wanted."""
    playing = settings.play != PROVIDERS_ONLY
    errs = settings.faults and playing
    away = outage(settings.seed, *played)
    return Provider(
        journal=play.journal,
        ordered=play.ordered if playing else lambda _: None,
        seed=settings.seed if errs else None,
        away=lambda channel: errs and channel == Channel.SMS and away.holds(play.clock.now()),
    )


def _progress(
    journal: Journal, timeline: HeapTimeline, clock: DatabaseClock, ends: datetime
) -> dict[str, object]:
    """Return what is told of a running play; `done` when its day is over and nothing is pending."""
    now = clock.now()
    return journal.progress() | {
        "platform_time": now,
        "ends": ends,
        "pending": timeline.pending,
        "beyond": dict(timeline.beyond),
        "latest_s": round(timeline.latest_s, 2),
        "done": now >= ends and timeline.pending == 0,
    }


if __name__ == "__main__":
    service.main(main)
