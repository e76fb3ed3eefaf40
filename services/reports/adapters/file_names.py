"""Where a closed month's files lie and what they hash to: light enough for an idle service."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path

from services.reports.domain.freezing import FrozenFile

_NAMED = 16
"""Digits of the hash in a file's name; the whole hash stands in the database."""


def digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def path_of(folder: Path, month: str, file: FrozenFile) -> Path:
    """Return where *file* of *month* lies."""
    return folder / month / f"{file.kind}-{file.sha256[:_NAMED]}.parquet"
