"""The one-machine stack from the command line: `python -m deploy.local demo | up | down | logs | clean`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Annotated

import typer

from deploy.local import processes, until_stopped
from deploy.local.demo import demo
from deploy.local.errors import StackError
from deploy.local.ownership import forget_abandoned
from deploy.local.run_folder import RUN, RunFolder
from deploy.local.stack import OPERATOR, Stack
from deploy.local.wiring import LIVE, SERVICES

_DOWN_TIMEOUT_S = 60.0

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command()(demo)

Region = Annotated[str, typer.Option(help="folder below deploy/regions")]
StackName = Annotated[str, typer.Option(help="folder below run; the region's name by default")]
Instances = Annotated[int, typer.Option(help="processes of each service", min=1, max=9)]


@app.command()
def up(region: Region = "xianju", stack: StackName = "", instances: Instances = 1) -> None:
    """Run the platform in real time until Ctrl-C; print its addresses."""
    sys.exit(_guarded(region, stack or region, instances))


@app.command()
def down(stack: StackName = "xianju") -> None:
    """Stop the stack that runs in another terminal, and whatever a dead one left behind."""
    folder = RunFolder(RUN / stack)
    supervisor = folder.supervisor()
    if supervisor is not None:
        os.kill(supervisor, signal.SIGTERM)
        deadline = time.monotonic() + _DOWN_TIMEOUT_S
        while folder.supervisor() is not None:
            if time.monotonic() > deadline:
                os.kill(supervisor, signal.SIGKILL)
                break
            time.sleep(0.1)
    left = folder.leftovers()
    processes.end(left)
    print(f"{stack}: stopped" if supervisor or left else f"{stack}: nothing was running")


@app.command()
def logs(stack: StackName = "xianju") -> None:
    """Follow the logs of every part."""
    files = sorted((RUN / stack / "logs").glob("*.log"))
    if not files:
        print(f"{stack} has no logs: `make up` starts it", file=sys.stderr)
        sys.exit(1)
    os.execvp("tail", ["tail", "-n", "5", "-F", *map(str, files)])  # noqa: S606 - tail takes over


@app.command()
def clean() -> None:
    """Delete the run folders of stacks that do not run, with their data."""
    for path in sorted(RUN.glob("*")):
        folder = RunFolder(path)
        try:
            folder.claim()
        except StackError as error:
            print(error, file=sys.stderr)
            sys.exit(1)
        folder.remove()
    forget_abandoned()


def _guarded(region: str, stack: str, instances: int) -> int:
    try:
        return until_stopped.run(_up(region, stack, instances))
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


async def _up(region: str, name: str, instances: int) -> int:
    counts = dict.fromkeys(SERVICES, instances)
    services = (*SERVICES, LIVE)
    async with Stack(
        region=region, services=services, run_dir=RUN / name, instances=counts, tell=print
    ) as stack:
        print(_addresses(stack), flush=True)
        await asyncio.Event().wait()
    return 0


def _addresses(stack: Stack) -> str:
    lines = ["", "Ready. Ctrl-C stops everything."]
    for name, part in stack.parts.items():
        lines.append(f"  {name:<12} {part.address}")
    keys = stack.folder.secrets / "keys.env"
    lines.append(f"  API keys     source {keys.relative_to(RUN.parent)}")
    lines.append(f"  for commands source {keys.with_name(OPERATOR).relative_to(RUN.parent)}")
    return "\n".join(lines)


if __name__ == "__main__":
    app()
