"""One day of a region on a real stack, played by the drill, watched, and accounted for to the last id."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from itertools import product
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from deploy.local import summary, until_stopped
from deploy.local.errors import StackError
from deploy.local.following import Journal, Trail, follow
from deploy.local.observing import Look, Observer
from deploy.local.run_folder import ROOT, RUN
from deploy.local.screen import Screen
from deploy.local.stack import REGIONS, Stack
from deploy.local.supervisor import Status
from shared.contracts.pack import Pack
from shared.runtime.packs import load_pack

SPEED = 720.0
LEAD_S = 10.0
"""Wall seconds from setting the clock to the first call: the services start meanwhile."""
TAIL_MINUTES = 120.0
"""Platform minutes units and desk go on after the last call: ten wall seconds."""
DRAIN_S = 90.0
"""Wall seconds all queues have to become empty once the scenario is played."""
BUSY_HOUR = 7
"""A shortened day begins here (local): the first hours after midnight have hardly any calls."""
DATA = "LIANDONG_DATA"
_LOOK_S = 0.5
_TABLES = ("overview", "units")
_SHOWN = 20
"""Offending ids that are printed; summary.json has them all."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """What is played: platform time from `start` (UTC) for `seconds` of wall time."""

    region: str
    pack: Pack
    start: datetime
    seconds: float
    recording: str | None
    seed: int

    @property
    def minutes(self) -> float:
        return self.seconds * SPEED / 60

    @property
    def day(self) -> date:
        return self.start.astimezone(self.pack.region.zone).date()

    def settings(self) -> dict[str, str]:
        """Return the drill's settings."""
        found = {
            "PLAY": self.recording or "region",
            "SEED": str(self.seed),
            "START": self.start.isoformat(),
            "MINUTES": str(self.minutes),
            "TAIL_MINUTES": str(TAIL_MINUTES),
        }
        return found | ({"DATA_DIR": str(data_dir())} if self.recording else {})


def demo(
    region: Annotated[str, typer.Option(help="folder below deploy/regions")] = "xianju",
    seconds: Annotated[
        float | None,
        typer.Option(help="wall seconds to play, from a busy hour; else the whole day", min=1),
    ] = None,
    data: Annotated[str, typer.Option(help="a recorded day instead: sf-fire")] = "",
    start_hour: Annotated[
        int | None, typer.Option(help="local hour to begin at", min=0, max=23)
    ] = None,
    seed: Annotated[int, typer.Option(help="another seed is another day")] = 20261122,
    out: Annotated[Path, typer.Option(help="where summary.json and the tables go")] = ROOT
    / "build"
    / "demo",
    stack: Annotated[str, typer.Option(help="folder below run")] = "demo",
) -> None:
    """Play one day of a region in two minutes, on real Kafka and PostgreSQL."""
    if data and not data_dir().is_dir():
        print(
            f"DATA={data} skipped: the recorded data is not in {data_dir()} ({DATA} names another folder)",
            file=sys.stderr,
        )
        sys.exit(1)
    pack = load_pack(REGIONS / region)
    hour = start_hour if start_hour is not None else (0 if seconds is None else BUSY_HOUR)
    played = Played(
        region=region,
        pack=pack,
        start=_start(pack, hour),
        seconds=seconds or (24 - hour) * 3600 / SPEED,
        recording=data or None,
        seed=seed,
    )
    try:
        sys.exit(until_stopped.run(_demo(played, out, RUN / stack)))
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        sys.exit(1)


def data_dir() -> Path:
    """Return where recorded data lies: beside the checkout, or where the environment says."""
    return Path(os.environ.get(DATA, ROOT.parent / "shared" / "data" / "data"))


def _start(pack: Pack, hour: int) -> datetime:
    zone = pack.region.zone
    today = datetime.now(zone).date()
    return datetime.combine(today, time_of_day(hour), zone).astimezone(UTC)


async def _demo(played: Played, out: Path, run_dir: Path) -> int:
    console = Console()
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    clock = (played.start - timedelta(seconds=LEAD_S * SPEED), SPEED)

    def tell(status: Status) -> None:
        console.print(str(status), highlight=False, soft_wrap=True)

    async with (
        Stack(
            region=played.region,
            environment={"drill": played.settings()},
            clock=clock,
            run_dir=run_dir,
            fresh=True,
            disposable=True,
            tell=tell,
        ) as stack,
        Observer(stack) as observer,
    ):
        console.print(f"stack up after {time.monotonic() - began:.1f} s", highlight=False)
        with Screen(console, played.pack.region.zone, played.pack.region.name) as screen:
            last, left = await _until_drained(observer, screen, played.seconds)
        return await _account(played, observer, (last, left), out, console)


async def _until_drained(
    observer: Observer, screen: Screen, seconds: float
) -> tuple[Look, dict[str, int]]:
    """Watch until nothing is left to do, twice in a row; return the last look and what is left.

    Raises nothing when it does not end: what is left is then not empty.
    """
    calm = 0
    deadline = time.monotonic() + LEAD_S + seconds + TAIL_MINUTES * 60 / SPEED + DRAIN_S
    while True:
        look = await observer.look()
        screen.show(look)
        left = look.unfinished()
        calm = 0 if left else calm + 1
        if calm == 2 or time.monotonic() > deadline:
            return look, left
        await asyncio.sleep(_LOOK_S)


async def _account(
    played: Played,
    observer: Observer,
    ended: tuple[Look, dict[str, int]],
    out: Path,
    console: Console,
) -> int:
    """Follow every id, write tables and summary, print them; the exit code says whether all is well."""
    last, left = ended
    journal, records = await observer.journal(), await observer.records()
    trail = follow(journal, records)
    tables, missing = await _tables(played, observer, out)
    content = summary.summary(
        journal,
        records,
        await observer.clocks(),
        trail,
        dead_letters=last.counts["dead_letters"],
        tables=tables,
    )
    path = summary.write(out, content)
    console.print(summary.shown(content, _notes(journal, last, left)))
    console.print(f"{path}", *content["tables"], sep="\n", highlight=False, soft_wrap=True)
    return _verdict(trail, left, missing, console)


def _notes(journal: Journal, last: Look, left: dict[str, int]) -> dict[str, object]:
    """Return what a person should know beside the counts."""
    answers = Counter(command.answered for command in journal.commands.values())
    refused = Counter(
        command.reason or str(command.status)
        for command in journal.commands.values()
        if command.answered not in ("accepted", "repeated")
    )
    not_played = Counter(last.drill["not_played"]) + Counter(last.drill["beyond"])
    return {
        "commands": _counted(answers),
        "commands refused": _counted(refused) or "none",
        "clocks still running": last.counts["clocks_running"],
        "incidents still open": last.counts["incidents_open"],
        "not played": _counted(not_played) or "nothing",
        "still queued": _counted(left) or "nothing",
    }


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


async def _tables(played: Played, observer: Observer, out: Path) -> tuple[list[str], list[str]]:
    """Write day's and month's tables, population exercise, as HTML and JSON.

    Returns the paths written, and what reports could not give with its answer.
    """
    periods = (("days", f"{played.day:%Y-%m-%d}"), ("months", f"{played.day:%Y-%m}"))
    written, missing = [], []
    for (kind, label), table, form in product(periods, _TABLES, ("html", "json")):
        path = out / f"{label}-{table}.{form}"
        path.unlink(missing_ok=True)
        try:
            path.write_bytes(await observer.table(f"/v1/{kind}/{label}/{table}", form))
        except httpx.HTTPError as error:
            missing.append(f"{path.name}: {error}")
        else:
            written.append(os.path.relpath(path, ROOT))
    return written, missing


def _verdict(
    trail: Trail, left: Mapping[str, int], missing: Sequence[str], console: Console
) -> int:
    """Name everything that is wrong; 0 where nothing is."""
    wrong = [
        f"{name}: {offence.stage}: {offence.what}: {offence.id}"
        for name, offences in (("lost", trail.lost), ("doubled", trail.doubled))
        for offence in offences[:_SHOWN]
    ]
    wrong += [f"table missing: {each}" for each in missing]
    if left:
        wrong.append(f"not drained after {DRAIN_S:.0f} s: {_counted(left)}")
    for line in wrong:
        console.print(line, style="red", highlight=False, soft_wrap=True)
    return 1 if wrong else 0
