"""What is played, as the settings choose it: the pack's own day, or a recorded one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.drill.adapters.recordings import RecordingAbsent, reading, recorded_calls
from services.drill.config import REGION_DAY, Settings
from services.drill.domain import recorded, scenario, unit_play
from services.drill.domain.plan import Send
from services.drill.domain.scenario import Window
from services.drill.domain.unit_play import Act, Duty
from services.drill.handlers import UnitAnswers
from shared.contracts.order import Order
from shared.contracts.pack import Pack


@dataclass(frozen=True)
class Programme:
    """The requests in order of time, and how units answer an order."""

    sends: tuple[Send, ...]
    unit_answers: UnitAnswers


def programme(settings: Settings, pack: Pack, start: datetime) -> Programme:
    """Return what is played from *start* (platform, UTC) on. Raises RecordingAbsent."""
    day = start.astimezone(pack.region.zone).date()
    window = Window(start, start + timedelta(minutes=settings.minutes))
    behaviour, seed = pack.drill.behaviour, settings.seed

    def from_the_pack(duty: Duty, _: Order) -> Sequence[Act]:
        return unit_play.answers(duty, behaviour, seed)

    if settings.play == REGION_DAY:
        return Programme(scenario.played(pack, seed, day, window), from_the_pack)
    mapping = reading(settings.play)
    if settings.data_dir is None:
        raise RecordingAbsent(f"LIANDONG_DRILL_DATA_DIR must name the folder of {mapping.file}")
    calls = recorded_calls(mapping, settings.data_dir)
    of_day = recorded.played(pack, mapping, calls, seed, day)

    def as_recorded(duty: Duty, order: Order) -> Sequence[Act]:
        call = of_day.calls.get(order.incident_id)
        if call is None:
            return from_the_pack(duty, order)
        return recorded.answers(duty, call, pack, mapping, seed)

    return Programme(scenario.in_window(of_day.sends, window), as_recorded)
