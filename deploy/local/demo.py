"""`make demo`: a day of a region on a real stack, played by the drill and watched until all is quiet."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local import until_stopped
from deploy.local.accounting import account
from deploy.local.demo_day import SPEED, STANDSTILL, DemoDay, chosen
from deploy.local.errors import PartFailed, StackError
from deploy.local.observing import Look, Observer
from deploy.local.run_folder import ROOT, RUN
from deploy.local.screen import Screen
from deploy.local.stack import REGIONS, Stack
from deploy.local.supervisor import Status
from shared.runtime.packs import load_pack

DRAIN_S = 90.0
"""Wall seconds all queues have to become empty once the scenario is played."""
OUT = ROOT / "build" / "demo"
_LOOK_S = 0.8
_CALM_LOOKS = 2


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
    out: Annotated[Path, typer.Option(help="where summary.json and the tables go")] = OUT,
    stack: Annotated[str, typer.Option(help="folder below run")] = "demo",
) -> None:
    """Play one day of a region in two minutes, on real Kafka and PostgreSQL."""
    try:
        pack = load_pack(REGIONS / region)
        day = chosen(
            pack,
            datetime.now(pack.region.zone).date(),
            seconds=seconds,
            start_hour=start_hour,
            recording=data or None,
            seed=seed,
        )
        sys.exit(until_stopped.run(_demo(region, day, out, RUN / stack)))
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        sys.exit(1)


async def _demo(region: str, day: DemoDay, out: Path, run_dir: Path) -> int:
    console = Console()
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)

    def tell(status: Status) -> None:
        console.print(str(status), highlight=False, soft_wrap=True)

    async with (
        Stack(
            region=region,
            environment={"drill": day.settings()},
            clock=(day.eve, STANDSTILL),
            run_dir=run_dir,
            fresh=True,
            disposable=True,
            tell=tell,
        ) as stack,
        Observer(stack) as observer,
    ):
        await stack.set_clock(day.eve, SPEED)
        console.print(f"stack up after {time.monotonic() - began:.1f} s", highlight=False)
        with Screen(console, day.pack.region.zone, day.pack.region.name) as screen:
            last, left = await _until_drained(observer, screen, day.longest_s)
        return await account(day, observer, (last, left), out, console)


async def _until_drained(
    observer: Observer, screen: Screen, longest_s: float
) -> tuple[Look, dict[str, int]]:
    """Watch until nothing is left to do, twice in a row; return the last look and what is left.

    Once the scenario is played platform time stands still: clocks that would become due later in
    the night are not the day's, and nothing would ever be quiet.

    Where it does not end in time, what is left is not empty. Raises PartFailed when the drill died.
    """
    calm, standing = 0, False
    deadline = time.monotonic() + longest_s + DRAIN_S
    while True:
        look = await observer.look()
        if observer.stack.restarts["drill-1"]:
            raise PartFailed(
                "the drill died and its own account of the day with it; "
                f"its log lies in {observer.stack.folder.logs}"
            )
        screen.show(look)
        if look.played and not standing:
            await observer.stop_time()
            standing = True
        left = look.unfinished()
        calm = 0 if left or not standing else calm + 1
        if calm == _CALM_LOOKS or time.monotonic() > deadline:
            return look, left
        await asyncio.sleep(_LOOK_S)
