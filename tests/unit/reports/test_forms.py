"""What a person gets: a page without outside addresses, a workbook with real numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from xml.dom import minidom
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from services.reports.adapters.formats import KINDS, Form, accepted, document, render
from services.reports.domain.facts import Facts, Population
from services.reports.domain.overview import Overview, overview
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.report import Report
from services.reports.domain.units import UnitTable, unit_table
from services.reports.handlers import Question, Table, compute
from tests.unit.reports.cases import (
    NOVEMBER,
    T0,
    a_call,
    a_clock,
    a_duty,
    facts,
    opened,
    xianju,
)
from tests.unit.reports.test_bulletin import QUARTER, made


def a_month() -> Facts:
    """Return some calls of two kinds and the clocks of two units."""
    found: list[Any] = []
    for n in range(30):
        call = a_call(n, T0 + timedelta(hours=n), category="fire.vehicle" if n % 3 else "order")
        found += [call, opened(call, state="invalid" if n % 10 == 0 else "closed")]
        for kind in ("ack", "arrival", "assembly", "feedback", "handle"):
            took = None if n % 7 == 0 else timedelta(minutes=n)
            unit = "xj-traffic" if n % 4 else "xj-rescue"
            found.append(a_clock(n, kind, took=took, unit=unit, incident_id=call.opens))
        found.append(a_duty(n))
    return facts(*found)


def first(population: Population = Population.REAL) -> Overview:
    """Return T1 of the month."""
    return overview(a_month(), NOVEMBER, population, xianju())


def third() -> UnitTable:
    """Return T3 of the month."""
    return unit_table(a_month(), NOVEMBER, Population.REAL, xianju())


REPORTS: dict[str, Callable[[], Overview | UnitTable]] = {
    "overview": first,
    "units": third,
    "published overview": lambda: published_overview(first()),
    "published units": lambda: published_units(third()),
    "nothing": lambda: overview(facts(), NOVEMBER, Population.EXERCISE, xianju()),
    "no units": lambda: unit_table(facts(), NOVEMBER, Population.EXERCISE, xianju()),
}


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("report", REPORTS)
def test_the_same_figures_give_the_same_bytes(report: str, form: Form) -> None:
    """Recomputed byte for byte, the workbook's zip and creation stamps included."""
    assert render(REPORTS[report](), form) == render(REPORTS[report](), form)


@pytest.mark.parametrize("report", REPORTS)
def test_a_page_needs_nothing_from_outside(report: str) -> None:
    """Self-contained: no address, no script; charts are drawn inline and well-formed."""
    page = render(REPORTS[report](), Form.HTML).decode()

    assert not re.search(r"(https?:)?//|<script|<link|<img|@import|url\(", page)
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert minidom.parseString(drawing)  # noqa: S318 - drawn a moment ago by ourselves


def test_a_page_shows_the_figures() -> None:
    """The opening sentence, the rate and the bars say what was counted."""
    page = render(first(), Form.HTML).decode()

    assert "共接各类警情、诉求 30 起，有效 27 起，有效率 90.00%" in page
    assert page.count("<svg") > 2


def test_an_exercise_is_marked_at_the_top() -> None:
    """A drill's page cannot be taken for a real one."""
    assert "演练 · 非实战数据" in render(first(Population.EXERCISE), Form.HTML).decode()
    assert "非实战数据" not in render(first(), Form.HTML).decode()


def test_names_are_escaped() -> None:
    """An unknown unit's id comes from outside: neither table nor chart lets it be markup."""
    clocks = [a_clock(n, unit="<b>&" if n % 2 else "xj-rescue", took=T0 - T0) for n in range(40)]
    page = render(unit_table(facts(*clocks), NOVEMBER, Population.REAL, xianju()), Form.HTML)

    assert b"<svg" in page
    assert b"<b>" not in page
    assert 2 == page.count(b"&lt;b&gt;&amp;")


def sheets(report: Report, *, values: bool) -> Any:
    """Open the workbook, with what its formulas were last or the formulas themselves."""
    return load_workbook(BytesIO(render(report, Form.XLSX)), data_only=values)


def test_totals_of_a_workbook_are_formulas_over_real_numbers() -> None:
    """合计 is SUM of the rows above, rates divide the cells beside them."""
    sheet = sheets(first(), values=False)["按警情类别"]
    last = sheet.max_row

    assert f"=SUM(B5:B{last - 1})" == sheet[f"B{last}"].value
    assert f'=IF(B{last}=0,"–",B5/B{last})' == sheet["C5"].value
    assert isinstance(sheet["B5"].value, int)


def test_formulas_carry_the_value_that_was_computed() -> None:
    """A viewer that does not calculate shows the same figures."""
    book, report = sheets(first(), values=True), first()
    sheet = book["按警情类别"]

    assert report.valid == sheet[f"B{sheet.max_row}"].value
    assert 0.9 == book["总况"]["C5"].value


def recalculated(sheet: Any, formula: str) -> float | str:
    """Calculate what our workbooks use: a sum of cells, or one cell divided by another."""
    if summed := re.fullmatch(r"=SUM\(([A-Z]+\d+:[A-Z]+\d+)\)", formula):
        return sum(float(cell.value) for row in sheet[summed[1]] for cell in row)
    rate = re.fullmatch(r'=IF\(([A-Z]+\d+)=0,"–",([A-Z]+\d+)/\1\)', formula)
    assert rate, formula
    below, above = sheet[rate[1]].value, sheet[rate[2]].value
    return "–" if below == 0 else above / below


@pytest.mark.parametrize("report", [*REPORTS, "bulletin"])
def test_every_formula_gives_the_figure_that_was_computed(report: str) -> None:
    """Recalculated by a spreadsheet, no cell changes but by the rounding of a percentage."""
    table = made(QUARTER) if report == "bulletin" else REPORTS[report]()
    written, computed = (sheets(table, values=values) for values in (False, True))
    formulas = 0
    for name in written.sheetnames:
        for row in written[name].iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    formulas += 1
                    known = computed[name][cell.coordinate].value
                    found = recalculated(computed[name], cell.value)
                    assert found == (
                        known if isinstance(known, str) else pytest.approx(known, abs=6e-5)
                    )

    assert formulas or report.startswith("no")


@pytest.mark.parametrize("report", [first, third])
def test_sums_of_the_workbook_agree_with_the_figures(report: Any) -> None:
    """Each total formula sums to the total that was computed, cell by cell."""
    shown = document(report())
    book = sheets(report(), values=True)
    for grid in shown.grids:
        for n, column in enumerate(grid.columns):
            if column.summed and grid.total and grid.rows:
                above = [row[n] for row in grid.rows]
                assert grid.total[n] == sum(v for v in above if isinstance(v, int))
        assert grid.name in book.sheetnames


def test_sheets_are_ready_to_print() -> None:
    """Heads frozen and repeated, A4, one page wide."""
    sheet = sheets(third(), values=False)["到场"]

    assert "B6" == sheet.freeze_panes
    assert "$4:$5" == sheet.print_title_rows
    assert ("9", "landscape") == (str(sheet.page_setup.paperSize), sheet.page_setup.orientation)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert 0 == sheet.page_setup.fitToHeight


def test_a_workbook_says_what_it_is_on_every_page() -> None:
    """Title above and page number below; the paragraph and the blanks stand on the last sheet."""
    book = sheets(made(QUARTER), values=False)
    sheet = book["到场"]

    assert sheet.oddHeader.left.text == made(QUARTER).heading.title
    assert "&P" in sheet.oddFooter.center.text
    notes = [str(cell.value) for (cell,) in book["说明"].iter_rows()]
    assert any(note.startswith("2026年第3季度共接各类警情") for note in notes)
    assert any(note.startswith("签发：") for note in notes)


def test_a_page_prints_on_a4_with_heads_repeated_and_no_chart_split() -> None:
    """Title and page numbers in both languages, landscape for wide tables."""
    page = render(made(QUARTER), Form.HTML).decode()

    assert "size: A4 landscape" in page
    assert 'counter(page) " of " counter(pages)' in page
    assert "thead { display: table-header-group; }" in page
    assert re.search(r"svg \{[^}]*break-inside: avoid", page)


def test_a_reader_of_the_screen_hears_what_a_cell_is_of() -> None:
    """Every head has its scope, every chart a name, English is marked as such."""
    page = render(made(QUARTER), Form.HTML).decode()

    assert not re.search(r"<th(?![^>]*scope=)[ >]", page)
    assert page.count("<svg") == page.count('aria-label="') - 2
    assert not re.search(r'class="en"(?! lang="en")', page)


def test_a_workbook_has_no_stamp_of_its_own() -> None:
    """Every member of the zip and the creation date are fixed."""
    archive = ZipFile(BytesIO(render(first(), Form.XLSX)))

    assert {(1980, 1, 1, 0, 0, 0)} == {each.date_time for each in archive.infolist()}
    assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")


def test_hidden_cells_are_marked_in_every_form() -> None:
    """What is published shows ＊, the workbook sums nothing over it."""
    report = published_overview(first())
    assert None in [part.count for part in report.by_hour.rows]
    sheet = sheets(report, values=False)["按时段"]

    assert "＊" in {sheet[f"B{n}"].value for n in range(5, 29)}
    assert not str(sheet["B29"].value).startswith("=")


@pytest.mark.parametrize(
    ("header", "form"),
    [
        (None, Form.JSON),
        ("*/*", Form.JSON),
        ("application/json", Form.JSON),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Form.HTML),
        (Form.XLSX.media_type, Form.XLSX),
        ("image/png", Form.JSON),
    ],
)
def test_the_accept_header_chooses(header: str | None, form: Form) -> None:
    """The first form we have wins, JSON where none is asked for."""
    assert form is accepted(header)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("table", Table)
def test_every_table_comes_in_every_form(table: Table, published: bool, form: Form) -> None:
    """A table that one form cannot show, or that a frozen month cannot be read as, is half a table."""
    found = compute(Question(table, NOVEMBER, Population.REAL, published), a_month(), xianju())

    assert isinstance(found, KINDS[table])
    assert render(found, form)
