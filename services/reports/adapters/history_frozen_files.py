"""Frozen months of imported history as files: each revision a folder that appears at once or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from services.reports.adapters.history_source import HistoryRefused
from services.reports.domain.freezing import Revision, Sheet
from services.reports.domain.history_terms import Terms
from services.reports.freeze_handlers import hash_of

FOLDER = "frozen"
ROWS, RECORD = "cases.parquet", "revision.json"


class Source(Struct, frozen=True, kw_only=True):
    """An imported file a month could be counted from: SHA-256 (hex) of the file and of its terms."""

    number: int
    sha256: str
    mapping_sha256: str
    terms: Terms


class LocalMonth(Struct, frozen=True, kw_only=True):
    """What a month of imported history was frozen or revised from.

    `revision.epoch` is the number of the newest file imported by then, `revision.files` the rows;
    its pack is made of the rows' own names, so only its hash is kept. `as_of` (UTC) is when open cases were judged and `as_of_from` who said so; the data ended at
    `counted_until` (UTC), the month's end where they reached its last day, and began at
    `counted_from` if that was after the begin of what the month is compared with.
    """

    revision: Revision
    region: str
    as_of: datetime
    as_of_from: str
    counted_until: datetime | None = None
    counted_from: datetime | None = None
    sources: list[Source]


def name_of(sheet: Sheet) -> str:
    """Return the name of a stored table's file."""
    return f"{str(sheet).replace('/', '-')}.json"


class FrozenFolder:
    """`DIR/frozen/<region>/<month>/<number>`: the record, the rows, every table."""

    def __init__(self, local: Path, region: str) -> None:
        self._root = local / FOLDER / region

    def record(self, month: str, number: int | None = None) -> LocalMonth | None:
        """Return revision *number* of *month*, None: the newest; raises HistoryRefused."""
        place = self._root / month
        known = [int(each.name) for each in place.glob("*") if each.name.isdigit()]
        wanted = max(known, default=None) if number is None else number
        if wanted not in known:
            return None
        path = place / str(wanted) / RECORD
        try:
            return msgspec.json.decode(path.read_bytes(), type=LocalMonth)
        except (OSError, msgspec.DecodeError) as wrong:
            raise HistoryRefused(
                f"{path} cannot be read ({wrong}): put it back from a copy of the folder"
            ) from wrong

    def path(self, kept: LocalMonth, name: str) -> Path:
        """Return where a file of a stored month lies."""
        return self._root / kept.revision.month / str(kept.revision.number) / name

    def body(self, kept: LocalMonth, name: str, sha256: str) -> bytes | None:
        """Return the stored bytes; None when they are gone or no longer what was stored."""
        try:
            found = self.path(kept, name).read_bytes()
        except FileNotFoundError:
            return None
        return found if hash_of(found) == sha256 else None

    def put_back(self, kept: LocalMonth, name: str, body: bytes) -> None:
        """Write a file of a stored month again."""
        path = self.path(kept, name)
        partial = path.with_name(f".{name}.partial")
        write(partial, body)
        partial.replace(path)

    @contextmanager
    def draft(self, month: str) -> Iterator[Path]:
        """Give a folder to write a revision into; it is gone afterwards unless it was kept."""
        place = self._root / month
        place.mkdir(parents=True, exist_ok=True)
        try:
            with TemporaryDirectory(dir=place, prefix=".draft-") as above:
                made = Path(above) / "made"
                made.mkdir()
                yield made
        finally:
            if not any(place.iterdir()):
                place.rmdir()

    def keep(self, draft: Path, kept: LocalMonth) -> bool:
        """Make *draft* the revision it is the files of; False when another took its number."""
        write(draft / RECORD, msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
        final = self.path(kept, RECORD).parent
        _synced(draft / ROWS)
        _synced(draft)
        try:
            # a folder that has files is never replaced
            draft.rename(final)
        except OSError:
            if final.exists():
                return False
            raise
        _synced(final.parent)
        return True


def write(path: Path, body: bytes) -> None:
    """Write *body* so that it outlives a loss of power."""
    with path.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())


def _synced(path: Path) -> None:
    known = os.open(path, os.O_RDONLY)
    try:
        os.fsync(known)
    finally:
        os.close(known)
