"""Starts the drill: settings → doors and providers → the play; the only constructor of real things."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.drill.adapters import doors, providers
from services.drill.adapters.recordings import RecordingAbsent, reading, recorded_calls
from services.drill.adapters.timeline import HeapTimeline
from services.drill.config import PROVIDERS_ONLY, REGION_DAY, Settings
from services.drill.domain import recorded, scenario, unit_play
from services.drill.domain.journal import Journal
from services.drill.domain.plan import Send
from services.drill.domain.scenario import Window
from services.drill.handlers import DeskPart, Play, UnitAnswers
from shared.contracts.pack import Pack
from shared.runtime import logs, service
from shared.runtime.clock import DatabaseClock
from shared.runtime.database import Database
from shared.runtime.keys import Keyring, SecretsFile
from shared.runtime.packs import load_pack
from shared.runtime.service import Part, until_available
from shared.runtime.settings import read
from shared.runtime.web import Server

DESK_ROUND_S = 0.25


class DrillSecrets(SecretsFile, frozen=True, kw_only=True, omit_defaults=True):
    """The drill plays everybody, so it holds everybody's clear key, by scope."""

    clear_keys: dict[str, str] = msgspec.field(default_factory=dict)


def scenario_of(
    settings: Settings, pack: Pack, start: datetime
) -> tuple[tuple[Send, ...], UnitAnswers]:
    """Return the requests of the play and how its units answer. Raises RecordingAbsent."""
    day = start.astimezone(pack.region.zone).date()
    window = Window(start, start + timedelta(minutes=settings.minutes))
    behaviour, seed = pack.drill.behaviour, settings.seed
    if settings.play == REGION_DAY:
        sends = scenario.played(pack, seed, day, window)
        return sends, lambda duty, _: unit_play.answers(duty, behaviour, seed)
    mapping = reading(settings.play)
    if settings.data_dir is None:
        raise RecordingAbsent(
            f"{settings.play} needs LIANDONG_DRILL_DATA_DIR, the folder of {mapping.file}"
        )
    calls = recorded_calls(mapping, settings.data_dir)
    of_day = recorded.played(pack, mapping, calls, seed, day)

    def as_recorded(duty: unit_play.Duty, order: Any) -> tuple[unit_play.Act, ...]:
        call = of_day.calls.get(order.incident_id)
        if call is None:
            return unit_play.answers(duty, behaviour, seed)
        return recorded.answers(duty, call, pack, mapping, seed)

    return scenario.in_window(of_day.sends, window), as_recorded


async def main() -> None:
    """Run until stopped."""
    settings = read(Settings, "drill", os.environ)
    logs.configure("drill", settings.instance, settings.log_level)
    secrets = msgspec.json.decode(settings.secrets.read_bytes(), type=DrillSecrets)
    pack = load_pack(settings.region_dir)
    database = Database(settings.database.reveal(), schema="drill", instance=settings.instance)
    clock = DatabaseClock(database)
    await until_available(clock.sync)
    start = settings.start or clock.now()
    ends = start + timedelta(minutes=settings.minutes)
    timeline = HeapTimeline(clock, ends + timedelta(minutes=settings.tail_minutes))
    journal = Journal()
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
            unit_answers=lambda *_: (),
        )
        parts: list[Part] = [clock, timeline]
        if settings.play != PROVIDERS_ONLY:
            sends, play.unit_answers = scenario_of(settings, pack, start)
            play.plan(sends)
            parts.append(DeskPart(centre, journal, DESK_ROUND_S))
        provider = providers.Provider(
            journal=journal,
            ordered=play.ordered,
            seed=settings.seed if settings.faults else None,
        )

        def progress() -> dict[str, Any]:
            return journal.progress() | {
                "platform_time": clock.now(),
                "ends": ends,
                "pending": timeline.pending,
                "beyond": dict(timeline.beyond),
                "done": clock.now() >= ends and timeline.pending == 0,
            }

        server = Server(
            providers.app(
                provider,
                keys=secrets.provider_keys,
                keyring=Keyring(secrets.api_keys),
                parts=parts,
                progress=progress,
            ),
            settings,
        )
        await service.run([*parts, server])


if __name__ == "__main__":
    service.main(main)
