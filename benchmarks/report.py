"""What every benchmark ends with: a readable table and build/bench/<name>.json with the machine beside."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"
PACKAGES = (
    "aiokafka",
    "asyncpg",
    "msgspec",
    "uvloop",
    "starlette",
    "httpx",
    "faust-streaming",
    "faststream",
)


def machine() -> dict[str, Any]:
    """Return processor, cores, memory, Python and the versions of what was measured."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in _lines("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = next(
        (line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0"
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_mb": int(memory) // 1024,
        "python": platform.python_version(),
        "system": platform.platform(),
        "postgres": _said("postgres", "--version"),
        "kafka": "4.3.1",
        "packages": {name: version(name) for name in PACKAGES},
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _said(*command: str) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "from the wheel"


def write(name: str, result: dict[str, Any]) -> Path:
    """Print *result* and write it, with the machine, to build/bench/<name>.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(
        json.dumps(result | {"machine": machine()}, indent=1, ensure_ascii=False) + "\n"
    )
    show(name, result)
    return path


def show(name: str, result: dict[str, Any]) -> None:
    """Print scalars as one table and each list of rows as another."""
    console = Console()
    scalars = Table("figure", "value", title=name)
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = Table(*value[0], title=f"{name}: {key}")
            for row in value:
                rows.add_row(*(str(v) for v in row.values()))
            console.print(rows)
        else:
            scalars.add_row(key, json.dumps(value) if isinstance(value, dict) else str(value))
    console.print(scalars)
