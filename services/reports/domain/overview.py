"""T1, the overview in the manner of Xianju: what came in, what of it counted, and as what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from services.reports.domain.changes import Opening
from services.reports.domain.facts import Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.period import Period
from services.reports.domain.quantities import Breakdown, Rate, breakdown, rate
from services.reports.domain.response import Response, response_of
from services.reports.domain.standing import Standing
from services.reports.domain.tally import Case, Tally, tally
from services.reports.domain.wording import AFFAIRS, LINES
from shared.contracts.pack import UNCLASSIFIED, Pack

K = TypeVar("K")

FORMULA = 3
"""Version of the definitions below; a frozen month names the one it was computed with.

2: `opening`. 3: `response`; the paragraph counts only what could be compared.
"""


class LeftOut(Struct, frozen=True):
    """Counted beside, in no rate; `exercise` only where the population is the real one."""

    test: int
    exercise: int | None


class Overview(Struct, frozen=True, kw_only=True):
    """T1. `received` = `valid` + `invalid` + `duplicate`; every breakdown is of the valid ones.

    None stands for a number suppressed in what is published. `by_affair` and `by_category` are
    None there: they nest in `by_row` and would give its hidden cells away. `opening` compares with
    other periods; None where it was not asked for. `response` is None where nobody recorded it.
    """

    heading: Heading
    received: int | None
    valid: int | None
    invalid: int | None
    duplicate: int | None
    valid_rate: Rate | None
    unclassified: int | None
    left_out: LeftOut | None
    by_row: Breakdown
    by_line: Breakdown
    by_affair: Breakdown | None
    by_category: Breakdown | None
    by_area: Breakdown
    by_hour: Breakdown
    by_day: Breakdown | None
    by_month: Breakdown | None
    opening: Opening | None = None
    response: Response | None = None


def overview(facts: Facts, period: Period, population: Population, pack: Pack) -> Overview:
    """Compute T1 of *period* from *facts*; calls outside of it are not counted."""
    return overview_of(tally(facts, period, population, pack), period, population, pack)


def overview_of(counted: Tally, period: Period, population: Population, pack: Pack) -> Overview:
    """Return T1 of what was *counted* in *period*."""
    valid = counted.standings[Standing.VALID]
    received = counted.ours - counted.standings[Standing.TEST]
    days = {str(each): str(each) for each in period.days}

    def by(key: Callable[[Case], str], names: Mapping[str, str]) -> Breakdown:
        return breakdown(valid, _summed(counted.cases, key), names)

    def by_time(
        key: Callable[[tuple[str, str]], str], names: Mapping[str, str], *, shown: bool = True
    ) -> Breakdown | None:
        return _complete(valid, _summed(counted.hours, key), names) if shown else None

    return Overview(
        heading=heading("T1", FORMULA, period, population, pack),
        received=received,
        valid=valid,
        invalid=counted.standings[Standing.INVALID],
        duplicate=counted.standings[Standing.DUPLICATE],
        valid_rate=rate(valid, received),
        unclassified=_summed(counted.cases, lambda case: case[0])[UNCLASSIFIED],
        left_out=LeftOut(
            counted.standings[Standing.TEST],
            counted.inside - counted.ours if population is Population.REAL else None,
        ),
        by_row=by(lambda case: pack.category(case[0]).row, _rows(pack)),
        by_line=breakdown(valid, counted.lines, LINES),
        by_affair=by(lambda case: case[1], AFFAIRS),
        by_category=by(lambda case: case[0].split(".")[0], _categories(pack)),
        by_area=by(lambda case: case[2], {area.code: area.name for area in pack.areas}),
        by_hour=_complete(valid, _summed(counted.hours, lambda at: at[1]), _HOURS),
        by_day=by_time(lambda at: at[0], days, shown=1 < len(days) <= _DAYS_SHOWN),
        by_month=by_time(
            lambda at: at[0][:_MONTH],
            {each: each for each in period.months},
            shown=len(days) > _DAYS_SHOWN,
        ),
        response=response_of(counted.lines, counted.responses),
    )


_DAYS_SHOWN = 31
"""Longer periods are shown by month."""
_MONTH = len("YYYY-MM")

_HOURS: Mapping[str, str] = {f"{hour:02}": f"{hour:02} 时" for hour in range(24)}


def _summed(counts: Counter[K], key: Callable[[K], str]) -> Counter[str]:
    """Return *counts* by a coarser *key*."""
    summed: Counter[str] = Counter()
    for each, n in counts.items():
        summed[key(each)] += n
    return summed


def _complete(total: int, counts: Mapping[str, int], names: Mapping[str, str]) -> Breakdown:
    return breakdown(total, counts, names, complete=True)


def _rows(pack: Pack) -> dict[str, str]:
    return {row.id: row.name for row in pack.table_rows}


def _categories(pack: Pack) -> dict[str, str]:
    """Return the categories of the first level; what is unclassified is the remainder."""
    return {c.code: c.name for c in pack.categories if "." not in c.code and c.code != UNCLASSIFIED}
