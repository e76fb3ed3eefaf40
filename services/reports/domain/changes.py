"""Which changes are worth a sentence: a named score, and no claim that the cases do not carry."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import sqrt

from msgspec import Struct

from services.reports.domain.quantities import UNSTABLE_BELOW

TOLD = 3
SIGNIFICANT = 3.29
"""|z| that chance alone reaches once in a thousand (two-sided): some sixty comparisons are made at once."""


class Subject(StrEnum):
    """What a change is of, in the order in which equal scores are told."""

    CATEGORY = "category"
    AREA = "area"
    ARRIVAL = "arrival"
    ASSEMBLY = "assembly"
    HANDLE = "handle"
    DUAL_FEEDBACK = "dual_feedback"
    FEEDBACK = "feedback"
    ACK = "ack"


class Finding(StrEnum):
    """What the comparison came to."""

    CHANGED = "changed"
    NO_CHANGE = "no_change"
    NOT_OVER = "not_over"
    DATA_END = "data_end"
    NOTHING_BEFORE = "nothing_before"


class Measured(Struct, frozen=True):
    """A figure of one period of `days`: `cases`, or for a rate `cases` of `of`."""

    cases: int
    of: int | None
    days: int


class Step(Struct, frozen=True, kw_only=True):
    """From an earlier period to this one.

    `moved`: this minus then, in cases; of a rate in percentage points. `percent`: of the earlier
    count, None where that is below `UNSTABLE_BELOW` (and of a rate). `z`: see `step`. `score`: how
    many cases changed x |z|, 0 where the change is not significant.
    """

    then: Measured
    moved: float
    percent: float | None
    z: float
    significant: bool
    score: float


class Change(Struct, frozen=True, kw_only=True):
    """One figure now, on the period before (环比) and on last year's (同比); None: not comparable."""

    subject: Subject
    id: str
    name: str
    now: Measured
    on_before: Step | None
    on_year: Step | None

    @property
    def compared(self) -> bool:
        """Say whether there was anything to compare it with."""
        return self.on_before is not None or self.on_year is not None

    @property
    def score(self) -> float:
        """Return the larger score of the two comparisons."""
        return max((s.score for s in (self.on_before, self.on_year) if s), default=0.0)


class Opening(Struct, frozen=True, kw_only=True):
    """What a report begins with; `changes` in the order told, `compared` figures were looked at.

    `valid` is the whole, which is told with its numbers whatever they come to; None: suppressed.
    `has_before`, `has_last_year`: that period had calls, so that something may be said of it.
    """

    finding: Finding
    before: str
    last_year: str | None
    compared: int
    valid: Change | None
    changes: list[Change]
    has_before: bool = True
    has_last_year: bool = True

    @property
    def yearly(self) -> bool:
        """Say whether the period before is last year's: only 同比 is told then."""
        return self.before == self.last_year


def step(now: Measured, then: Measured | None) -> Step | None:
    """Compare two periods; None where nothing can be (no earlier figure, or both are 0).

    Counts: z of the difference when calls come at the same rate per day in both periods (given
    their sum, the share of this period is binomial). Rates: z of two proportions, pooled. A change
    is significant when |z| >= SIGNIFICANT and it rests on enough cases: the larger count, or both
    denominators, at least UNSTABLE_BELOW. (The score is *ours*: it puts what concerns many cases
    and is sure before what is merely large in percent.)
    """
    if then is None:
        return None
    if now.of is None or then.of is None:
        return _of_counts(now, then)
    return _of_rates(now, now.of, then, then.of)


def _of_counts(now: Measured, then: Measured) -> Step | None:
    both = now.cases + then.cases
    if not both or not then.days:
        return None
    share = now.days / (now.days + then.days)
    z = (now.cases - both * share) / sqrt(both * share * (1 - share))
    moved = now.cases - then.cases
    sure = abs(z) >= SIGNIFICANT and max(now.cases, then.cases) >= UNSTABLE_BELOW and moved * z > 0
    percent = round(moved * 100 / then.cases, 2) if then.cases >= UNSTABLE_BELOW else None
    return _step(then, moved, percent, z, abs(moved) if sure else 0)


def _of_rates(now: Measured, n: int, then: Measured, m: int) -> Step | None:
    if not n or not m:
        return None
    pooled = (now.cases + then.cases) / (n + m)
    spread = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    moved = now.cases / n - then.cases / m
    z = moved / spread if spread else 0.0
    sure = abs(z) >= SIGNIFICANT and min(n, m) >= UNSTABLE_BELOW
    return _step(then, round(moved * 100, 2), None, z, abs(moved) * n if sure else 0)


def _step(then: Measured, moved: float, percent: float | None, z: float, cases: float) -> Step:
    return Step(
        then=then,
        moved=moved,
        percent=percent,
        z=round(z, 2),
        significant=cases > 0,
        score=round(cases * abs(z), 2),
    )


def most_important(changes: Iterable[Change], at_most: int = TOLD) -> list[Change]:
    """Return the significant ones with the highest scores; ties by subject, then id."""
    order = {subject: place for place, subject in enumerate(Subject)}
    told = [change for change in changes if change.score > 0]
    return sorted(told, key=lambda c: (-c.score, order[c.subject], c.id))[:at_most]
