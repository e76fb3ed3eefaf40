"""Which part of which day a demo plays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local import demo_day
from deploy.local.demo_day import DATA, LEAD_S, SPEED, DemoDay, RecordingAbsent, chosen
from deploy.local.stack import REGIONS
from shared.runtime.clock import RESYNC_S
from shared.runtime.packs import load_pack

PACK = load_pack(REGIONS / "xianju")


def a_day(**options: Any) -> DemoDay:
    """Choose 23 November 2026 with no option but *options*."""
    plain: dict[str, Any] = {"seconds": None, "start_hour": None, "recording": None, "seed": 1}
    return chosen(PACK, date(2026, 11, 23), **(plain | options))


def test_a_whole_day_begins_at_local_midnight_and_takes_two_minutes() -> None:
    """`make demo`: one day of the county at speed 720."""
    day = a_day()

    assert datetime(2026, 11, 22, 16, tzinfo=UTC) == day.start
    assert 120 == day.seconds


def test_less_of_the_day_begins_at_a_busy_hour() -> None:
    """`make demo SECONDS=30`: six hours from 07:00, at the same speed."""
    day = a_day(seconds=30)

    assert datetime(2026, 11, 22, 23, tzinfo=UTC) == day.start
    assert "360.0" == day.settings()["MINUTES"]


def test_nothing_is_played_beyond_midnight() -> None:
    """The tables are of one day."""
    assert 10 == a_day(seconds=600, start_hour=22).seconds


def test_every_service_has_looked_at_the_clock_before_the_first_call() -> None:
    """Platform time runs LEAD_S before the day begins; services look every RESYNC_S."""
    day = a_day()

    assert LEAD_S * SPEED == (day.start - day.eve).total_seconds()
    assert LEAD_S > RESYNC_S


def test_an_unknown_recording_is_named_with_the_known_ones() -> None:
    """`make demo DATA=…` with a wrong name."""
    with pytest.raises(RecordingAbsent, match="there are sf-fire"):
        a_day(recording="atlantis")


def test_absent_data_is_a_clear_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`make demo DATA=sf-fire` where the recorded data is not present."""
    monkeypatch.setenv(DATA, str(tmp_path))

    with pytest.raises(RecordingAbsent, match=r"skipped: fire_sf_calls_2017-01\.csv is not in"):
        a_day(recording="sf-fire")


def test_a_recording_that_is_there_is_given_to_the_drill(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The drill is told which recording and where it lies."""
    monkeypatch.setenv(DATA, str(tmp_path))
    (tmp_path / "fire_sf_calls_2017-01.csv").touch()
    settings = a_day(recording="sf-fire").settings()

    assert ("sf-fire", str(demo_day.data_dir())) == (settings["PLAY"], settings["DATA_DIR"])
