"""A report as one self-contained HTML page: Chinese or English by a toggle, ready to print on A4."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from services.reports.adapters.charts import chart
from services.reports.domain.document import Cell, Document, Grid, Unit
from services.reports.domain.wording import Text

_NOTHING = "–"
_NARROW_COLUMNS = 5
_LONG_ROWS = 12


class Group(NamedTuple):
    """A head over `span` columns; without a name it is the single column's own head."""

    name: str
    column: str
    span: int


def page(document: Document) -> bytes:
    """Return *document* as UTF-8 HTML; all text is escaped, charts are drawn inline."""
    text = _environment().get_template("report.html.j2").render(document=document)
    return text.encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.reports.adapters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = cell_text
    environment.filters["both"] = both
    environment.filters["english"] = _english
    environment.filters["css"] = _css_text
    environment.filters["groups"] = _groups
    environment.filters["layout"] = _layout
    environment.filters["chart"] = _drawn
    return environment


def both(text: str) -> Markup:
    """Return a text in both languages, of which the toggle shows one; without English as it is."""
    if isinstance(text, Text) and text.en != text:
        return Markup('<span class="zh">{}</span><span class="en" lang="en">{}</span>').format(
            str(text), text.en
        )
    return escape(str(text))


def _english(text: str) -> str:
    return text.en if isinstance(text, Text) else text


def _css_text(text: str) -> Markup:
    """Return *text* for a quoted string of a style sheet: what is no letter or digit by its number."""
    # every character that could end the string or the sheet is written as \hex
    return Markup("".join(c if c.isalnum() else f"\\{ord(c):x} " for c in text))  # noqa: S704


def cell_text(value: Cell, unit: Unit) -> str:
    """Return a cell as printed: percent with two decimals, minutes and seconds with one at most."""
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        return both(value)
    return _NUMBERS.get(unit, "{:,}").format(value / 60 if unit is Unit.MINUTES else value)


_NUMBERS = {
    Unit.PERCENT: "{:.2f}%",
    Unit.POINTS: "{:.2f}",
    Unit.MINUTES: "{:,.1f}",
    Unit.SECONDS: "{:.0f}",
}


def _groups(grid: Grid) -> list[Group]:
    """Return the upper heads; none where no column belongs to a group."""
    if not any(column.group for column in grid.columns):
        return []
    found: list[Group] = []
    for name, columns in groupby(grid.columns, key=lambda column: column.group):
        members = list(columns)
        if name:
            found.append(Group(name, "", len(members)))
        else:
            found.extend(Group("", column.name, 1) for column in members)
    return found


def _layout(grid: Grid, landscape: bool) -> str:  # noqa: FBT001 - a filter's argument
    """Return how a table is laid out: its chart beside a narrow one, pages broken in a long one."""
    if landscape and len(grid.columns) <= _NARROW_COLUMNS:
        return "narrow" if grid.chart is None else "beside"
    return "long" if len(grid.rows) > _LONG_ROWS else "short"


def _drawn(grid: Grid) -> Markup:
    # every text inside was escaped where it was drawn
    return Markup(chart(grid))  # noqa: S704
