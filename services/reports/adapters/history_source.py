"""The CSV of an import: its header, its columns and, from another encoding, its text in UTF-8."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from services.reports.domain.history_header import WrongHeader, placed
from services.reports.domain.history_mapping import Mapping

_BUFFER = 1 << 20

Told = Callable[[str], None]


class HistoryRefused(Exception):
    """The file, the mapping or the folder cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Source:
    """A CSV in UTF-8 and where the wanted columns stand in it; `skip` lines above the header."""

    path: Path
    width: int
    places: dict[str, int]
    delimiter: str
    skip: int


def source_of(file: Path, mapping: Mapping) -> tuple[Mapping, Source]:
    """Return *file* with the places of its columns, and the mapping as far as it has them.

    Raises HistoryRefused.
    """
    with _opened(file, mapping) as text:
        header = next(
            csv.reader(islice(text, mapping.skip_rows, None), delimiter=mapping.delimiter), []
        )
    try:
        kept, places = placed(header, mapping)
    except WrongHeader as wrong:
        raise HistoryRefused(f"{file.name} has {wrong}") from wrong
    return kept, Source(file, len(header), places, mapping.delimiter, mapping.skip_rows)


@contextmanager
def _opened(file: Path, mapping: Mapping) -> Iterator[TextIO]:
    try:
        encoding = "utf-8-sig" if _is_utf8(mapping) else mapping.encoding
        with file.open(encoding=encoding, errors="replace", newline="") as text:
            yield text
    except OSError as away:
        raise HistoryRefused(f"{file}: {away.strerror}; name a file that can be read") from away
    except LookupError as unknown:
        raise HistoryRefused(f"encoding: {unknown}; write utf-8, gb18030, latin-1 …") from unknown


def _is_utf8(mapping: Mapping) -> bool:
    return mapping.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig", "ascii"}


def in_utf8(source: Source, mapping: Mapping, scratch: Path, tell: Told) -> Source:
    """Return *source*, or its wanted columns rewritten in UTF-8: of another encoding or mixed lines.

    Raises HistoryRefused where a quote is never closed.
    """
    if not _is_utf8(mapping):
        tell(f"decoding {mapping.encoding}")
    elif _ends_two_ways(source.path):
        tell("its lines end in two ways: rewriting them")
    else:
        return source
    try:
        return _rewritten(source, mapping, scratch)
    except csv.Error as wrong:
        raise HistoryRefused(
            f"{source.path.name} cannot be read as CSV ({wrong}): a quote is opened and not closed; "
            "correct the file or its `delimiter`"
        ) from wrong


def _ends_two_ways(file: Path) -> bool:
    """Say whether lines (or those within quotes) end with a carriage return and without: DuckDB reads one kind."""
    both = every = 0
    last = b""
    with file.open("rb", buffering=0) as raw:
        while block := raw.read(_BUFFER):
            both += (last + block).count(b"\r\n")
            every += block.count(b"\n")
            last = block[-1:] if block.endswith(b"\r") else b""
    return 0 < both < every


def _rewritten(source: Source, mapping: Mapping, scratch: Path) -> Source:
    path = scratch / "decoded.csv"
    with (
        _opened(source.path, mapping) as text,
        path.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        lines = islice(text, source.skip, None)
        for record in csv.reader(lines, delimiter=source.delimiter):
            if not record:
                continue
            # a delimiter too many at the end is no field, as DuckDB has it
            whole = len(record) == source.width or record[source.width :] == [""]
            # two fields too many: refused as malformed further on, in its place
            writer.writerow(
                [record[at] for at in source.places.values()]
                if whole
                else ["?"] * (len(source.places) + 2)
            )
    places = {name: n for n, name in enumerate(source.places)}
    return Source(path, len(places), places, ",", 0)


def digest(file: Path) -> str:
    """Return the SHA-256 of *file*; raises HistoryRefused."""
    whole = hashlib.sha256()
    try:
        with file.open("rb", buffering=0) as raw:
            while block := raw.read(_BUFFER):
                whole.update(block)
    except OSError as away:
        raise HistoryRefused(f"{file}: {away.strerror}; name a file that can be read") from away
    return whole.hexdigest()
