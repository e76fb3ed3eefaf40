"""A report as people read it, before any form: captions, columns and rows.

Every text is Chinese; a `wording.Text` among them says the same in English.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Unit(StrEnum):
    """What the numbers of a column are."""

    TEXT = "text"
    COUNT = "count"
    PERCENT = "percent"
    SECONDS = "seconds"
    MINUTES = "minutes"
    POINTS = "points"
    MARK = "mark"


class Column(Struct, frozen=True, kw_only=True):
    """A column under a group's name; `summed`: its total is the sum of its rows.

    A percentage names the columns it is computed from; `of_total`: of the total of its
    denominator's column.
    """

    name: str
    unit: Unit = Unit.COUNT
    group: str = ""
    summed: bool = False
    numerator: int | None = None
    denominator: int | None = None
    of_total: bool = False


Cell = str | int | float | None
"""None: there is nothing to say (–). Percentages are percents, lengths are seconds."""

SUPPRESSED = "＊"
"""Stands for a cell hidden in what is published."""


class Chart(Struct, frozen=True, kw_only=True):
    """Bars of one column of counts or percentages, lying or upright (a course over time).

    With `weight`, only rows with at least `least` in that column: a rate of three says nothing.
    """

    column: int
    upright: bool = False
    weight: int | None = None
    least: int = 0


class Grid(Struct, frozen=True, kw_only=True):
    """One table; `total` None: it has none. `name` is short, for the tab of a workbook.

    `part` is the heading of the section it opens, empty where it goes on with the one before.
    """

    name: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    total: list[Cell] | None = None
    notes: list[str] = []
    chart: Chart | None = None
    part: str = ""


class Document(Struct, frozen=True, kw_only=True):
    """A whole report, in the order read; `signature` names the blanks at its end (签发, 审核…)."""

    title: str
    subtitle: str
    summary: list[str]
    grids: list[Grid]
    footnotes: list[str]
    exercise: bool
    landscape: bool
    signature: list[str] = []
