"""Bars as inline SVG, drawn from a table's own cells: no script, nothing loaded from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from services.reports.domain.document import Cell, Chart, Grid, Unit

WIDTH = 680
_ROW, _BAR, _LABEL, _NUMBER = 22, 14, 210, 70
_HEIGHT, _FOOT, _HEAD, _LEFT = 150, 22, 16, 8
_MANY = 16
"""More columns than this carry a label only at every second one."""


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
        Bar(str(name), float(value), (of_hundred or "{:.0f}").format(value))
        for name, value in found
        if isinstance(value, (int, float))
    ]
    if not any(bar.value for bar in bars) or len(bars) < 2:
        return ""
    top = 100.0 if of_hundred else max(bar.value for bar in bars)
    label = escape(f"{grid.caption}:{column.name}", {'"': "&quot;"})
    return _upright(bars, top, label) if grid.chart.upright else _lying(bars, top, label)


def _heavy(row: Sequence[Cell], wanted: Chart) -> bool:
    weight = None if wanted.weight is None else row[wanted.weight]
    return wanted.weight is None or (isinstance(weight, int) and weight >= wanted.least)


def _lying(bars: Sequence[Bar], top: float, label: str) -> str:
    room = WIDTH - _LABEL - _NUMBER
    parts = []
    for n, bar in enumerate(bars):
        y = n * _ROW + (_ROW - _BAR) // 2
        length = bar.value / top * room
        middle = y + _BAR - 3
        parts.append(
            f'<text x="{_LABEL - 8}" y="{middle}" class="name">{escape(bar.name)}</text>'
            f'<rect x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR}"/>'
            f'<text x="{_LABEL + length + 6:.1f}" y="{middle}">{bar.text}</text>'
        )
    return _svg(parts, len(bars) * _ROW, label)


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
