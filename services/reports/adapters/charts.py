"""Bars as inline SVG, drawn from a table's own cells: no script, nothing loaded from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from services.reports.domain.document import Cell, Chart, Grid, Unit
from services.reports.domain.wording import Text

WIDTH = 680
_ROW, _BAR, _LABEL, _NUMBER = 22, 14, 210, 70
_NARROW = 170
_HEIGHT, _FOOT, _HEAD, _LEFT = 150, 22, 16, 8
_MANY = 16
"""More columns than this carry a label only at every second one."""
_TALL = 24
"""More lying bars than this stand in two columns: a chart is never split between pages."""


class Bar(NamedTuple):
    """One bar: what it is called, how long it is, what is written at its end."""

    name: str
    value: float
    text: str


def chart(grid: Grid) -> str:
    """Return the chart of *grid* as SVG text, empty where it has none or nothing to show."""
    if grid.chart is None:
        return ""
    column = grid.columns[grid.chart.column]
    found = [(row[0], row[grid.chart.column]) for row in grid.rows if _heavy(row, grid.chart)]
    of_hundred = {Unit.PERCENT: "{:.2f}%", Unit.POINTS: "{:.2f}"}.get(column.unit)
    bars = [
        Bar(name if isinstance(name, str) else str(name), float(value), form.format(value))
        for name, value in found
        if isinstance(value, (int, float)) and (form := of_hundred or "{:,.0f}")
    ]
    if not any(bar.value for bar in bars) or len(bars) < 2:
        return ""
    top = 100.0 if of_hundred else max(bar.value for bar in bars)
    label = escape(_label(grid.caption, column.name), {'"': "&quot;"})
    return _upright(bars, top, label) if grid.chart.upright else _lying(bars, top, label)


def _label(caption: str, column: str) -> str:
    words = [f"{caption}：{column}"]
    if isinstance(caption, Text) and isinstance(column, Text):
        words.append(f"{caption.en}: {column.en}")
    return " / ".join(words)


def _heavy(row: Sequence[Cell], wanted: Chart) -> bool:
    weight = None if wanted.weight is None else row[wanted.weight]
    return wanted.weight is None or (isinstance(weight, int) and weight >= wanted.least)


def _lying(bars: Sequence[Bar], top: float, label: str) -> str:
    columns = 2 if len(bars) > _TALL else 1
    rows = -(-len(bars) // columns)
    width, name = WIDTH / columns, _NARROW if columns > 1 else _LABEL
    room = width - name - _NUMBER
    parts = []
    for n, bar in enumerate(bars):
        x, y = n // rows * width, n % rows * _ROW + (_ROW - _BAR) // 2
        length = bar.value / top * room
        middle = y + _BAR - 3
        parts.append(
            _text(bar.name, f'x="{x + name - 8:.0f}" y="{middle}"', "name")
            + f'<rect x="{x + name:.0f}" y="{y}" width="{length:.1f}" height="{_BAR}"/>'
            + f'<text x="{x + name + length + 6:.1f}" y="{middle}">{bar.text}</text>'
        )
    return _svg(parts, rows * _ROW, label)


def _text(name: str, place: str, kind: str) -> str:
    """Return a label in both languages, of which the page shows one."""
    if not isinstance(name, Text):
        return f'<text {place} class="{kind}">{escape(name)}</text>'
    return (
        f'<text {place} class="{kind} zh">{escape(name)}</text>'
        f'<text {place} class="{kind} en" lang="en">{escape(name.en)}</text>'
    )


def _upright(bars: Sequence[Bar], top: float, label: str) -> str:
    step = (WIDTH - 2 * _LEFT) / len(bars)
    every = 2 if len(bars) > _MANY else 1
    parts = []
    for n, bar in enumerate(bars):
        height = bar.value / top * (_HEIGHT - _HEAD)
        x, y = _LEFT + n * step, _HEIGHT - height
        centre = x + step / 2
        parts.append(
            f'<rect x="{x + step * 0.15:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{height:.1f}"/>'
        )
        if bar.value:
            parts.append(f'<text x="{centre:.1f}" y="{y - 4:.1f}" class="column">{bar.text}</text>')
        if n % every == 0:
            short = escape(bar.name.removesuffix(" 时")[-5:])
            parts.append(f'<text x="{centre:.1f}" y="{_HEIGHT + 15}" class="column">{short}</text>')
    axis = f'<line x1="{_LEFT}" y1="{_HEIGHT}" x2="{WIDTH - _LEFT}" y2="{_HEIGHT}"/>'
    return _svg([*parts, axis], _HEIGHT + _FOOT, label)


def _svg(parts: Sequence[str], height: int, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )
