"""CSV: opens in a spreadsheet with Chinese intact, figures as numbers, sums as in the tables."""

from __future__ import annotations

import csv
import io

from services.reports.adapters.csv_file import csv_file
from services.reports.adapters.formats import Form, document, render
from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from tests.unit.reports.test_forms import first


def _lines(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_every_table_of_the_report_is_there_with_its_total() -> None:
    """Parts sum to the total in what a bureau computes with, too."""
    lines = _lines(render(first(), Form.CSV))
    for grid in document(first()).grids:
        begin = lines.index([grid.caption]) + 2
        rows = lines[begin : begin + len(grid.rows)]
        total = lines[begin + len(grid.rows)]

        assert sum(int(row[1]) for row in rows) == int(total[1])


def test_it_begins_with_a_byte_order_mark() -> None:
    """A Chinese spreadsheet program takes it for GBK otherwise."""
    assert render(first(), Form.CSV).startswith(b"\xef\xbb\xbf")


def test_the_same_figures_give_the_same_bytes() -> None:
    """A file that is filed can be compared."""
    assert render(first(), Form.CSV) == render(first(), Form.CSV)


def test_a_text_is_never_a_formula() -> None:
    """A name that begins like a formula must not be run by whoever opens the file."""
    lines = _lines(csv_file(_report(["=1+1", -3])))

    assert ["'=1+1", "-3"] in lines


def test_what_there_is_not_is_empty_and_what_is_hidden_is_marked() -> None:
    """An empty cell is no zero."""
    lines = _lines(csv_file(_report(["甲", None], ["乙", "＊"])))

    assert [["甲", ""], ["乙", "＊"]] == lines[5:7]


def _report(*rows: list[Cell]) -> Document:
    grid = Grid(
        name="表",
        caption="表",
        columns=[Column(name="单位", unit=Unit.TEXT), Column(name="起数")],
        rows=list(rows),
    )
    return Document(
        title="题", subtitle="期", summary=[], grids=[grid], footnotes=[], exercise=False,
        landscape=False,
    )  # fmt: skip
