"""Reads the beginning of an unknown CSV for a mapping to start from."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from services.reports.adapters.history_source import HistoryRefused
from services.reports.domain.history_suggest import Column, suggestion
from services.reports.domain.history_time import BLANK

ROWS = 1000
_BEGINNING = 1 << 20


def suggested(file: Path) -> str:
    """Return a mapping for *file* as YAML; raises HistoryRefused."""
    try:
        with file.open("rb") as raw:
            beginning = raw.read(_BEGINNING)
    except OSError as away:
        raise HistoryRefused(f"{file}: {away.strerror}; name a file that can be read") from away
    encoding, text = _decoded(beginning)
    lines = text.splitlines(keepends=True)
    if len(beginning) == _BEGINNING:
        lines = lines[:-1]
    first = "".join(lines[: TITLES_AT_MOST + 1])
    delimiter = max(",;\t|", key=first.count)
    records = list(islice(csv.reader(lines, delimiter=delimiter), ROWS + 1)) if lines else [[]]
    above = _titles(records)
    header, *rows = records[above:]
    columns = [
        Column(
            name.strip(BLANK),
            [v for row in rows if at < len(row) and (v := row[at].strip(BLANK))],
        )
        for at, name in enumerate(header)
    ]
    return suggestion(columns, encoding=encoding, delimiter=delimiter, skip_rows=above)


TITLES_AT_MOST = 5


def _titles(records: Sequence[Sequence[str]]) -> int:
    """Return how many rows stand above the header: they fill less than half of its fields."""
    filled = [sum(bool(field.strip(BLANK)) for field in record) for record in records]
    widest = max(filled, default=0)
    first = next((n for n, many in enumerate(filled) if 2 * many > widest), 0)
    return first if first <= TITLES_AT_MOST else 0


def _decoded(beginning: bytes) -> tuple[str, str]:
    """Return the encoding and the text: UTF-8 where it is, else what Chinese systems write."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            # the last character may be cut in two
            text = beginning[: beginning.rfind(b"\n") + 1 or None].decode(encoding)
        except UnicodeDecodeError:
            continue
        return "utf-8" if encoding == "utf-8-sig" else encoding, text
    return "latin-1", beginning.decode("latin-1")
