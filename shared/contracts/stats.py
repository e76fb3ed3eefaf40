"""Figures as reports says them: live windows, what is open, surges; and those of frozen months."""

from __future__ import annotations

import msgspec

from shared.contracts.values import Instant, OpenEnum


class Figure(OpenEnum):
    """What is counted: calls of a line by minute, open incidents by state, units out, calls of a surge chart."""

    CALLS = "calls"
    OPEN = "open"
    UNITS_OUT = "units_out"
    SURGE = "surge"
    UNKNOWN = "unknown"


class Verdict(OpenEnum):
    """What a surge chart says; it is learning while there is too little history to compare with."""

    LEARNING = "learning"
    QUIET = "quiet"
    SURGE = "surge"
    UNKNOWN = "unknown"


class LiveFigure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`stats.live`: one figure of the window [start, end), UTC and platform time.

    `area` is a pack area code, the region's own for the whole; `of` the line (calls, surge) or the
    state (open). Figures of what stands now have an empty window at that instant. Of a surge
    `value` counts the calls of the window, `expected` is what the baseline expects there,
    `statistic` the chart's value of which `threshold` is the limit, `since` when it was passed.
    Real cases and exercises are separate figures. Never a source of truth: the facts are.
    """

    region: str
    area: str
    figure: Figure
    of: str = ""
    exercise: bool = False
    start: Instant
    end: Instant
    value: int
    verdict: Verdict | None = None
    expected: float | None = None
    statistic: float | None = None
    threshold: float | None = None
    since: Instant | None = None

    @property
    def name(self) -> str:
        """Return area and figure, the topic's key: `331024/calls.110`, an exercise's with its mark."""
        words = [self.figure, self.of] if self.of else [self.figure]
        words += ["exercise"] if self.exercise else []
        return f"{self.area}/{'.'.join(words)}"


class MonthlyFigure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`stats.monthly`: one published figure of a frozen month; the newest revision of a key counts.

    `area` is a pack area code, the region's own for the whole. A rate has `numerator` and
    `denominator` (0: nothing to divide by), a count only `numerator`. `suppressed`: the published
    table hides it or a part of it, and no number of it is said. `table` and `formula` name the
    definition; `revision` 0 is the freeze, 1..n corrections with their `reason`; `frozen_at` UTC,
    platform time. `population` is `real` or `exercise`, never both. A figure that a revision no
    longer has ends as a record without value.
    """

    region: str
    area: str
    month: str
    figure: str
    population: str
    table: str
    formula: int
    revision: int
    frozen_at: Instant
    numerator: int | None = None
    denominator: int | None = None
    suppressed: bool = False
    reason: str | None = None

    @property
    def name(self) -> str:
        """Return area, month and figure, the topic's key: `331024/2026-10/timely.handle`, an exercise's with its mark."""
        mark = [] if self.population == "real" else [self.population]
        return "/".join([self.area, self.month, ".".join([self.figure, *mark])])
