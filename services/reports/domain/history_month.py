"""A month of imported history, counted from its cases one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.reports.domain.cohorts import bands
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Population
from services.reports.domain.history_figures import (
    BANDS_S,
    BEFORE,
    DUE,
    ENDS,
    LAST_YEAR,
    LIMITED,
    TOTAL,
    Counts,
    HistoryMonth,
    Length,
    Measure,
    Row,
    limits_of,
    measures_of,
    month_of,
    part_name,
    row,
)
from services.reports.domain.history_mapping import Beside, Stamp
from services.reports.domain.history_rows import Case
from services.reports.domain.history_terms import Basis
from services.reports.domain.period import Period
from services.reports.domain.quantities import nearest_rank, seconds


def month(
    cases: Iterable[Case],
    region: str,
    period: Period,
    basis: Basis,
    population: Population = Population.REAL,
) -> HistoryMonth:
    """Compute the month from the cases themselves; those of other months are not counted."""
    known = list(cases)
    inside = [case for case in known if case.counted_at in period]
    valid = [case for case in known if stands_in(case, population)]
    ours = [case for case in valid if case.counted_at in period]
    owed = [case for case in valid if (due := case.stamps[Stamp.DUE]) and due in period]
    beside = Counter(case.standing for case in inside if case.standing)
    if population is Population.EXERCISE:
        beside = Counter()
    sent = [
        (each.unit, replace(case, units=1, stamps=each.stamps))
        for case in ours
        for each in case.responses
    ]
    hours = [(f"{case.counted_at.astimezone(period.zone):%H}", case) for case in ours]
    return month_of(
        region,
        period,
        population,
        basis,
        received=len(ours) + beside.total(),
        left_out={each: beside[each] for each in Beside if beside[each]},
        total=row("total", TOTAL, counts(ours, basis)),
        due_in_month=row("due", DUE, counts(owed, basis)),
        by={d: _parts([(c.values[d], c) for c in ours], basis) for d in basis.dimensions},
        by_hour=_parts(hours, basis),
        units=_parts(sent, basis),
        before=_earlier("before", BEFORE, period_before(period), known, basis, population),
        last_year=_earlier("last_year", LAST_YEAR, year_before(period), known, basis, population),
    )


def stands_in(case: Case, population: Population) -> bool:
    """Say whether *case* counts in the figures of *population*: invalid and the like in none."""
    if population is Population.EXERCISE:
        return case.standing is Beside.EXERCISE
    return case.standing is None


def _earlier(
    value: str,
    name: str,
    period: Period | None,
    cases: Sequence[Case],
    basis: Basis,
    population: Population,
) -> Row | None:
    inside = [case for case in cases if period and case.counted_at in period]
    if not inside:
        return None
    return row(value, name, counts([c for c in inside if stands_in(c, population)], basis))


def _parts(cases: Iterable[tuple[str | None, Case]], basis: Basis) -> list[Row]:
    parts: dict[str | None, list[Case]] = {}
    for value, case in cases:
        parts.setdefault(value, []).append(case)
    return [
        row(value, part_name(value), counts(parts[value], basis))
        for value in sorted(parts, key=lambda v: (v is None, v))
    ]


def is_overdue(case: Case, as_of: datetime) -> bool:
    """Say whether *case* has a due time and was closed after it, or is open and it has passed."""
    due, closed = case.stamps[Stamp.DUE], case.stamps[Stamp.CLOSED]
    return due is not None and (due < as_of if closed is None else closed > due)


@dataclass(frozen=True)
class _Due:
    """How the cases with a due time stand."""

    closed_by: int
    closed_after: int
    open_past: int
    open_not: int


def counts(cases: Sequence[Case], basis: Basis) -> Counts:
    """Count *cases*."""
    due = _due(cases, basis.as_of)
    closed = _with(cases, Stamp.CLOSED)
    with_due = _with(cases, Stamp.DUE)
    arrived = _with(cases, Stamp.ARRIVED)
    labelled = [case for case in cases if case.overdue is not None]
    equal = sum(case.overdue == is_overdue(case, basis.as_of) for case in labelled)
    said = sum(bool(case.overdue) for case in labelled)
    return Counts(
        cases=len(cases),
        units=sum(case.units for case in cases),
        closed=closed,
        open=len(cases) - closed,
        with_due=with_due,
        no_due=len(cases) - with_due,
        closed_by_due=due.closed_by,
        closed_after_due=due.closed_after,
        open_past_due=due.open_past,
        open_not_due=due.open_not,
        overdue=due.closed_after + due.open_past,
        label_overdue=said,
        label_not_overdue=len(labelled) - said,
        label_blank=len(cases) - len(labelled),
        label_equal=equal,
        label_different=len(labelled) - equal,
        dispatched=_with(cases, Stamp.DISPATCHED),
        arrived=arrived,
        never_arrived=len(cases) - arrived if Stamp.ARRIVED in basis.stamps else None,
        within={
            stamp: {limit: _within(cases, LIMITED[stamp], limit) for limit in limits}
            for stamp, limits in limits_of(basis.within)
        },
        bands={
            measure: bands(
                [t for t in _taken(cases, measure) if t >= timedelta()], BANDS_S[measure]
            )
            for measure in measures_of(basis.stamps)
            if measure in BANDS_S
        },
        lengths={measure: _length(cases, measure) for measure in measures_of(basis.stamps)},
    )


def _with(cases: Iterable[Case], stamp: Stamp) -> int:
    return sum(case.stamps[stamp] is not None for case in cases)


def _due(cases: Iterable[Case], as_of: datetime) -> _Due:
    closed = [(c.stamps[Stamp.CLOSED], d) for c in cases if (d := c.stamps[Stamp.DUE])]
    return _Due(
        sum(at is not None and at <= due for at, due in closed),
        sum(at is not None and at > due for at, due in closed),
        sum(at is None and due < as_of for at, due in closed),
        sum(at is None and due >= as_of for at, due in closed),
    )


def _taken(cases: Iterable[Case], measure: Measure) -> list[timedelta]:
    start, end = ENDS[measure]
    return [b - a for c in cases if (a := c.stamps[start]) and (b := c.stamps[end])]


def _within(cases: Iterable[Case], measure: Measure, limit: int) -> int:
    return sum(timedelta() <= t <= timedelta(seconds=limit) for t in _taken(cases, measure))


def _length(cases: Sequence[Case], measure: Measure) -> Length:
    taken = _taken(cases, measure)
    rows = sorted(each for each in taken if each >= timedelta())
    n, negative, unknown = len(rows), len(taken) - len(rows), len(cases) - len(taken)
    if not rows:
        return Length(n=0, negative=negative, unknown=unknown)
    rank: Callable[[int], float] = lambda percent: seconds(nearest_rank(rows, percent))  # noqa: E731 - one use each
    return Length(
        n=n,
        negative=negative,
        unknown=unknown,
        mean_s=seconds(sum(rows, timedelta()) / n),
        median_s=seconds((rows[(n - 1) // 2] + rows[n // 2]) / 2),
        p50_s=rank(50),
        p90_s=rank(90),
        p95_s=rank(95),
        max_s=seconds(rows[-1]),
    )
