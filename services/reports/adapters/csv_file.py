"""A report as CSV: one table after the other, numbers as numbers, for a spreadsheet or a script."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Protocol

from services.reports.domain.document import Cell, Column, Document, Grid

BOM = "\ufeff"
"""Without it a spreadsheet reads Chinese as Latin."""


class _Writer(Protocol):
    """What is used of the library's writer."""

    def writerow(self, row: Iterable[Cell], /) -> object:
        """Write one line."""


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_file(document: Document) -> bytes:
    """Return *document* as UTF-8 with a byte-order mark, lines ended by CR LF (RFC 4180).

    Each table begins with a line holding its caption and ends with an empty line. Percentages are
    percents, lengths seconds; an empty cell says nothing (–), ＊ is hidden. A text that a
    spreadsheet would take for a formula is preceded by an apostrophe.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for line in (document.title, document.subtitle, *document.summary):
        writer.writerow([_safe(line)])
    writer.writerow([])
    for grid in document.grids:
        _write(writer, grid)
    for line in document.footnotes:
        writer.writerow([_safe(line)])
    return (BOM + text.getvalue()).encode()


def _write(writer: _Writer, grid: Grid) -> None:
    writer.writerow([_safe(grid.caption)])
    writer.writerow([_safe(_head(column)) for column in grid.columns])
    for row in (*grid.rows, *([grid.total] if grid.total else [])):
        writer.writerow([_safe(cell) for cell in row])
    for note in grid.notes:
        writer.writerow([_safe(note)])
    writer.writerow([])


def _head(column: Column) -> str:
    return f"{column.group} {column.name}" if column.group else column.name


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
