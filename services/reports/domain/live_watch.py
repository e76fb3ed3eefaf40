"""What is said of one population's calls: minutes once they are closed, bins once they are judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from services.reports.domain.facts import Population
from services.reports.domain.live_baseline import Baseline
from services.reports.domain.live_calls import CallWindows, instant_of
from services.reports.domain.live_surge import Chart, in_bin, new_chart, step, threshold
from shared.contracts.pack import Surge
from shared.contracts.stats import Figure, LiveFigure, Verdict
from shared.contracts.values import Line

LINES = tuple(line for line in Line if line is not Line.UNKNOWN)
"""110, 119, 122, 12345 and other, so that the parts sum to the whole."""


class Place(NamedTuple):
    """Where it is counted: the region's code, its own area code for the whole, its areas."""

    region: str
    whole: str
    areas: tuple[str, ...]


class Frame(NamedTuple):
    """What every figure of one population has in common."""

    place: Place
    population: Population

    def figure(
        self, kind: Figure, of: str, span: tuple[datetime, datetime], value: int
    ) -> LiveFigure:
        """Return a figure of the whole region."""
        return LiveFigure(
            region=self.place.region,
            area=self.place.whole,
            figure=kind,
            of=of,
            exercise=self.population is Population.EXERCISE,
            start=span[0],
            end=span[1],
            value=value,
        )


class Series(NamedTuple):
    """What one chart watches; without an area the whole region."""

    line: Line
    area: str | None


class Watch:
    """The charts of one population and what was said of its windows.

    `baseline` is what its calls are compared with, None while there is too little history;
    `latest` the newest verdict of every chart.
    """

    def __init__(self, frame: Frame, surge: Surge) -> None:
        self.baseline: Baseline | None = None
        self.latest: dict[Series, LiveFigure] = {}
        self._frame, self._surge = frame, surge
        self._limits = (
            threshold(surge, len(LINES)),
            threshold(surge, len(LINES) * len(frame.place.areas)),
        )
        self.begin_again()

    @property
    def frame(self) -> Frame:
        """Return what its figures have in common."""
        return self._frame

    def begin_again(self) -> None:
        """Forget all windows and charts."""
        self._charts: dict[Series, Chart] = {}
        self._said: dict[tuple[int, str], int] = {}
        self._judged: int | None = None

    def closed(self, calls: CallWindows, minutes: range) -> Iterator[LiveFigure]:
        """Yield the closed *minutes* that were not said yet, or said otherwise, of every line."""
        self._said = {key: n for key, n in self._said.items() if key[0] in minutes}
        found = calls.by_line(self._frame.population, minutes)
        begun = min((minute for minute, _ in (*self._said, *found)), default=minutes.stop - 1)
        for minute in range(begun, minutes.stop):
            span = (instant_of(minute), instant_of(minute + 1))
            for line in LINES:
                count = found[minute, line]
                if self._said.get((minute, line)) != count:
                    self._said[minute, line] = count
                    yield self._frame.figure(Figure.CALLS, line, span, count)

    def judged(self, calls: CallWindows, minutes: range) -> Iterator[LiveFigure]:
        """Judge the whole bins of *minutes* that were not judged yet, each once; yield the verdicts."""
        size = self._surge.bin_minutes
        first, end = -(-minutes.start // size), minutes.stop // size
        begin = first if self._judged is None else max(self._judged, first)
        for number in range(begin, end):
            yield from self._bin(calls, range(number * size, (number + 1) * size))
        self._judged = max(begin, end)

    def _bin(self, calls: CallWindows, minutes: range) -> Iterator[LiveFigure]:
        found = calls.by_area(self._frame.population, minutes)
        whole: Counter[str] = Counter()
        for (line, _), count in found.items():
            whole[line] += count
        for line in LINES:
            yield self._charted(Series(line, None), whole[line], minutes)
            for area in self._frame.place.areas if self.baseline else ():
                series = Series(line, area)
                before = self.latest.get(series)
                said = self._charted(series, found[line, area], minutes)
                # of a hundred quiet charts nobody wants to hear every five minutes
                if said.verdict is Verdict.SURGE or (before and before.verdict is Verdict.SURGE):
                    yield said

    def _charted(self, series: Series, calls: int, minutes: range) -> LiveFigure:
        span = (instant_of(minutes.start), instant_of(minutes.stop))
        said = self._frame.figure(Figure.SURGE, series.line, span, calls)
        said = said if series.area is None else replace(said, area=series.area)
        if self.baseline is None:
            said = replace(said, verdict=Verdict.LEARNING)
        else:
            usual = in_bin(self.baseline.of(series.line, series.area, span[0]), self._surge)
            limit = self._limits[series.area is not None]
            chart = self._charts.get(series) or new_chart(self._surge)
            chart = step(chart, calls, usual, self._surge, limit=limit, at=span[1])
            self._charts[series] = chart
            said = replace(
                said,
                verdict=Verdict.SURGE if chart.since else Verdict.QUIET,
                expected=round(usual.calls, 4),
                statistic=round(chart.statistic, 3),
                threshold=round(limit, 3),
                since=chart.since,
            )
        self.latest[series] = said
        return said
