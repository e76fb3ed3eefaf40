"""A report as a workbook: real numbers, formulas for totals and rates, ready to print."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from services.reports.domain.document import Cell, Column, Document, Grid, Unit

_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""Files carry no stamp of their own: the same figures give the same bytes."""
_HEAD_ROW = 3
_A4 = 9
_NUMBERS = {
    Unit.TEXT: "@",
    Unit.COUNT: "#,##0",
    Unit.PERCENT: "0.00%",
    Unit.SECONDS: "0",
    Unit.MINUTES: "0.0",
    Unit.POINTS: "0.00",
    Unit.MARK: "@",
}
_SCALE = {Unit.PERCENT: 100, Unit.MINUTES: 60}
_FONT = "Microsoft YaHei"
_NUMBER_WIDTH, _WIDEST, _HEAD_HEIGHT, _NOTE_WIDTH = 9, 36, 30, 110


def workbook(document: Document) -> bytes:
    """Return *document* as XLSX, one sheet a table, cells frozen under their heads."""
    target = BytesIO()
    book = Workbook(target, {"in_memory": True})
    book.set_properties({"title": document.title, "created": _CREATED.replace(tzinfo=None)})
    style = partial(_style, book, {})
    for grid in document.grids:
        _Sheet(book.add_worksheet(grid.name), document, grid, style).write()
    _notes(book.add_worksheet("说明"), document, style)
    book.close()
    return target.getvalue()


def _notes(sheet: Any, document: Document, style: Any) -> None:
    """Write what is no table: the paragraphs, the footnotes, the blanks to be signed."""
    sheet.set_column(0, 0, _NOTE_WIDTH)
    blanks = [f"{blank}：{'_' * 16}" for blank in document.signature]
    lines = [document.title, document.subtitle, *document.summary, *document.footnotes, *blanks]
    for n, line in enumerate(lines):
        sheet.write_string(n, 0, line, style(text_wrap=True, bold=n == 0))
    _printed(sheet, document)


def _style(book: Workbook, known: dict[tuple[Any, ...], Any], **wanted: Any) -> Any:
    key = tuple(sorted(wanted.items()))
    if key not in known:
        known[key] = book.add_format({"font_name": _FONT, "font_size": 10, **wanted})
    return known[key]


def _printed(sheet: Any, document: Document) -> None:
    sheet.set_paper(_A4)
    if document.landscape:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.75, bottom=0.75)
    sheet.set_header(f"&L{document.title.replace('&', '&&')}&R&A")
    sheet.set_footer("&C第 &P 页 / 共 &N 页")


class _Sheet:
    """Writes one table: title, subtitle, heads (two rows where columns are grouped), rows, total."""

    def __init__(self, sheet: Any, document: Document, grid: Grid, style: Any) -> None:
        self._sheet = sheet
        self._document = document
        self._grid = grid
        self._style = style
        self._grouped = any(column.group for column in grid.columns)
        self._first = _HEAD_ROW + (2 if self._grouped else 1)
        self._last = self._first + len(grid.rows) - 1
        self._total_row = self._last + 1

    def write(self) -> None:
        """Write it all."""
        sheet, grid = self._sheet, self._grid
        sheet.write_string(
            0, 0, f"{self._document.title} {grid.caption}", self._style(bold=True, font_size=14)
        )
        sheet.write_string(1, 0, self._document.subtitle, self._style(font_color="#5B6876"))
        self._heads()
        for n, row in enumerate(grid.rows):
            for column, cell in enumerate(row):
                self._cell(self._first + n, column, cell)
        if grid.total is not None:
            for column, cell in enumerate(grid.total):
                self._total(column, cell)
        below = self._total_row + 2
        for n, note in enumerate(grid.notes):
            sheet.write_string(below + n, 0, note, self._style(font_color="#5B6876"))
        sheet.freeze_panes(self._first, 1)
        sheet.repeat_rows(_HEAD_ROW, self._first - 1)
        _printed(sheet, self._document)

    def _heads(self) -> None:
        head = self._style(
            bold=True,
            border=1,
            align="center",
            valign="vcenter",
            text_wrap=True,
            bg_color="#F1F4F7",
        )
        self._sheet.set_row(self._first - 1, _HEAD_HEIGHT)
        begun: dict[str, int] = {}
        for n, column in enumerate(self._grid.columns):
            self._sheet.set_column(n, n, self._width(n))
            self._sheet.write_string(self._first - 1, n, column.name, head)
            if self._grouped and not column.group:
                self._sheet.merge_range(_HEAD_ROW, n, self._first - 1, n, column.name, head)
            begun.setdefault(column.group, n)
        for name, n in begun.items():
            span = sum(column.group == name for column in self._grid.columns)
            if name and span > 1:
                self._sheet.merge_range(_HEAD_ROW, n, _HEAD_ROW, n + span - 1, name, head)
            elif name:
                self._sheet.write_string(_HEAD_ROW, n, name, head)

    def _width(self, n: int) -> int:
        """Return the width for the texts of a column; Chinese takes two places a character."""
        texts = [row[n] for row in self._grid.rows if isinstance(row[n], str)]
        longest = max((_places(str(text)) for text in texts), default=0)
        return min(max(longest + 2, _NUMBER_WIDTH), _WIDEST)

    def _cell(self, row: int, n: int, value: Cell) -> None:
        column = self._grid.columns[n]
        form = self._style(border=1, num_format=_NUMBERS[column.unit], **_aligned(value, column))
        if value is None or isinstance(value, str):
            self._sheet.write_string(row, n, "–" if value is None else value, form)
        elif column.numerator is not None:
            self._sheet.write_formula(row, n, self._rate(row, column), form, _scaled(value, column))
        else:
            self._sheet.write_number(row, n, _scaled(value, column), form)

    def _total(self, n: int, value: Cell) -> None:
        column = self._grid.columns[n]
        form = self._style(
            border=1,
            bold=True,
            bg_color="#F1F4F7",
            num_format=_NUMBERS[column.unit],
            **_aligned(value, column),
        )
        row = self._total_row
        if value is None or isinstance(value, str):
            self._sheet.write_string(row, n, "–" if value is None else value, form)
        elif column.summed and self._whole(n):
            first, last = xl_rowcol_to_cell(self._first, n), xl_rowcol_to_cell(self._last, n)
            self._sheet.write_formula(row, n, f"=SUM({first}:{last})", form, value)
        elif column.numerator is not None:
            self._sheet.write_formula(row, n, self._rate(row, column), form, _scaled(value, column))
        else:
            self._sheet.write_number(row, n, _scaled(value, column), form)

    def _whole(self, n: int) -> bool:
        """Say whether every cell of the column is a number: a hidden one cannot be summed."""
        return bool(self._grid.rows) and all(isinstance(row[n], int) for row in self._grid.rows)

    def _rate(self, row: int, column: Column) -> str:
        above = xl_rowcol_to_cell(row, column.numerator or 0)
        line = self._total_row if column.of_total else row
        below = xl_rowcol_to_cell(line, column.denominator or 0)
        return f'=IF({below}=0,"–",{above}/{below})'


def _places(text: str) -> int:
    return sum(1 if character.isascii() else 2 for character in text)


def _aligned(value: Cell, column: Column) -> dict[str, Any]:
    if column.unit is Unit.TEXT:
        return {"align": "left", "text_wrap": True}
    return {"align": "right"} if value is None or isinstance(value, str) else {}


def _scaled(value: float, column: Column) -> float:
    scale = _SCALE.get(column.unit)
    return value / scale if scale else value
