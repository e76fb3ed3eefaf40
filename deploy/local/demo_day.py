"""Which day a demo plays, how fast, and from when: the pack's scenario or a recorded day."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

import yaml

from deploy.local.errors import StackError
from deploy.local.run_folder import ROOT
from shared.contracts.pack import Pack

SPEED = 720.0
"""A day in two minutes."""
STANDSTILL = 0.001
"""Speed while services start and queues drain. Not 1: that would be the real population."""
LEAD_S = 4.0
"""Wall seconds from letting the clock run to the first call: every service has looked at it by then."""
TAIL_MINUTES = 120.0
"""Platform minutes units and desk go on after the last call: ten wall seconds."""
BUSY_HOUR = 7
"""A shortened day begins here (local): the first hours after midnight have hardly any calls."""
DATA = "LIANDONG_DATA"
RECORDINGS = ROOT / "services" / "drill" / "recordings"


class RecordingAbsent(StackError):
    """A recorded day was asked for that is not here."""


@dataclass(frozen=True, kw_only=True)
class DemoDay:
    """What is played: platform time from `start` (UTC) for `seconds` of wall time."""

    pack: Pack
    start: datetime
    seconds: float
    recording: str | None
    seed: int

    @property
    def date(self) -> date:
        """The local day that is played."""
        return self.start.astimezone(self.pack.region.zone).date()

    @property
    def eve(self) -> datetime:
        """Platform time (UTC) from which the clock runs."""
        return self.start - timedelta(seconds=LEAD_S * SPEED)

    @property
    def longest_s(self) -> float:
        """Wall seconds from letting the clock run until the drill has nothing left to do."""
        return LEAD_S + self.seconds + TAIL_MINUTES * 60 / SPEED

    def settings(self) -> dict[str, str]:
        """Return the drill's settings."""
        found = {
            "PLAY": self.recording or "region",
            "SEED": str(self.seed),
            "START": self.start.isoformat(),
            "MINUTES": str(self.seconds * SPEED / 60),
            "TAIL_MINUTES": str(TAIL_MINUTES),
        }
        return found | ({"DATA_DIR": str(data_dir())} if self.recording else {})


def chosen(
    pack: Pack,
    today: date,
    *,
    seconds: float | None,
    start_hour: int | None,
    recording: str | None,
    seed: int,
) -> DemoDay:
    """Return the whole local day, or *seconds* of it from a busy hour; never beyond its midnight.

    Raises RecordingAbsent where *recording* is unknown or its data is not on this machine.
    """
    if recording is not None:
        _require(recording)
    hour = start_hour if start_hour is not None else (0 if seconds is None else BUSY_HOUR)
    until_midnight = (24 - hour) * 3600 / SPEED
    start = datetime.combine(today, time_of_day(hour), pack.region.zone)
    return DemoDay(
        pack=pack,
        start=start.astimezone(UTC),
        seconds=min(seconds or until_midnight, until_midnight),
        recording=recording,
        seed=seed,
    )


def data_dir() -> Path:
    """Return where recorded data lies: beside the checkout, or where the environment says."""
    return Path(os.environ.get(DATA, ROOT.parent / "shared" / "data" / "data"))


def _require(recording: str) -> None:
    mapping = RECORDINGS / f"{recording}.yaml"
    if not mapping.is_file():
        known = ", ".join(sorted(path.stem for path in RECORDINGS.glob("*.yaml")))
        raise RecordingAbsent(f"no recording is called {recording}: there are {known}")
    file = yaml.safe_load(mapping.read_bytes())["file"]
    if not (data_dir() / file).is_file():
        raise RecordingAbsent(
            f"DATA={recording} skipped: {file} is not in {data_dir()}. Recorded data is no part of "
            f"this repository; {DATA} may name the folder it lies in"
        )
