"""Memory and CPU of the six idle services, after one report was rendered in every format."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import typer

from benchmarks.path import cpu_seconds
from benchmarks.report import write
from deploy.local.stack import Stack
from deploy.local.wiring import SERVICES

FORMATS = ("json", "html", "xlsx")


def proportional_kb(pid: int) -> int:
    """Return the proportional set size of a process in KiB: shared pages counted by share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError(f"no Pss of process {pid}")


async def measure(idle_s: float) -> dict[str, Any]:
    """Start the platform, render the month, wait, and add up memory and idle CPU."""
    with tempfile.TemporaryDirectory(prefix="liandong-memory-") as folder:
        async with Stack(run_dir=Path(folder), disposable=True, tell=print) as stack:
            await stack.ready()
            await _render(stack)
            pids = {name: stack.pid(name) for name in stack.parts}
            before = cpu_seconds(pids)
            await asyncio.sleep(idle_s)
            after = cpu_seconds(pids)
            sizes = {s: round(proportional_kb(stack.pid(f"{s}-1")) / 1024, 1) for s in SERVICES}
    idle = {name: round(100 * (after[name] - before[name]) / idle_s, 1) for name in pids}
    return {
        "idle_s": idle_s,
        "total_mb": round(sum(sizes.values()), 1),
        "pss_mb": sizes,
        "idle_cpu_percent": idle,
    }


async def _render(stack: Stack) -> None:
    month = datetime.now(UTC).strftime("%Y-%m")
    key = {"Authorization": f"Bearer {stack.secrets.keys['desk']}"}
    async with httpx.AsyncClient(timeout=60, headers=key) as http:
        for form in FORMATS:
            for table in ("overview", "units"):
                answer = await http.get(
                    f"{stack.http('reports')}/v1/months/{month}/{table}", params={"format": form}
                )
                answer.raise_for_status()


def main(idle_s: float = 10) -> None:
    """Print a table and write build/bench/memory.json."""
    write("memory", asyncio.run(measure(idle_s)))


if __name__ == "__main__":
    typer.run(main)
