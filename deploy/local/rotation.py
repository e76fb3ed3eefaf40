"""Bounds the log of a running part: copied aside and truncated, the oldest copy forgotten."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MOST_BYTES = 20 * 1024 * 1024
KEPT = 3
"""Copies beside the log: `router-1.log.1` is the newest, `.3` the oldest."""


def rotate(log: Path, *, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> bool:
    """Copy *log* aside and empty it once it is longer than *most_bytes*; say whether that was done.

    The part goes on writing to the file it has open: it appends, so that its next line stands at
    the new beginning. What it writes between the last look and the truncation is lost (at most a
    few lines of a log, never of a record).
    """
    if not log.exists() or log.stat().st_size <= most_bytes:
        return False
    for number in range(kept, 1, -1):
        older = _copy(log, number - 1)
        if older.exists():
            older.replace(_copy(log, number))
    newest = _copy(log, 1)
    with log.open("rb") as source, newest.open("wb") as target:
        newest.chmod(log.stat().st_mode & 0o777)
        shutil.copyfileobj(source, target)
        shutil.copyfileobj(source, target)  # what came while we copied
    os.truncate(log, 0)
    return True


def _copy(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
