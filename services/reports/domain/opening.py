"""The first paragraph: this period beside the one before and last year's, as T1, T9 and T10 begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from services.reports.domain.changes import (
    Change,
    Finding,
    Measured,
    Opening,
    Subject,
    most_important,
    step,
)
from services.reports.domain.cohorts import Cohort
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Facts, Population
from services.reports.domain.overview import Overview, overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.quantities import OTHER, Breakdown
from services.reports.domain.units import UnitRow, UnitTable, unit_table
from shared.contracts.pack import Pack

TOTAL, TOTAL_NAME = "total", "有效警情"


@dataclass(frozen=True)
class Seen:
    """The tables of one period that a comparison reads; without `units` no rate is compared."""

    label: str
    days: int
    overview: Overview
    units: UnitTable | None = None


def opened_overview(
    facts: Facts, period: Period, population: Population, pack: Pack, *, published: bool = False
) -> Overview:
    """Return T1 with its first paragraph, from facts of *period* and the two it is compared with."""

    def whole(of: Period) -> Overview:
        return overview(facts, of, population, pack)

    return opened_overview_of(whole, period, over=is_over(facts, period), published=published)


def opened_overview_of(
    whole: Callable[[Period], Overview], period: Period, *, over: bool, published: bool = False
) -> Overview:
    """Return T1 with its first paragraph, from what *whole* gives for the three periods.

    `over`: the period has passed; half a month is not compared with a whole one.
    """

    def of(each: Period) -> Seen:
        found = whole(each)
        return Seen(each.label, len(each.days), published_overview(found) if published else found)

    now, (before, last_year) = of(period), _earlier(period, of)
    return replace(now.overview, opening=opening(now, before, last_year, over=over))


def _earlier(period: Period, of: Callable[[Period], Seen]) -> tuple[Seen, Seen | None]:
    last_year = year_before(period)
    return of(period_before(period)), of(last_year) if last_year else None


def is_over(facts: Facts, period: Period) -> bool:
    """Say whether *period* had passed when the facts were read: half a month is not compared."""
    return facts.read_at is None or facts.read_at >= period.end


Three = tuple[Facts, Facts, Facts | None]
"""Facts of a period, of the one before, of last year's (None: 29 February)."""


def seen(
    known: Three, period: Period, population: Population, pack: Pack, *, published: bool = False
) -> tuple[Seen, Seen, Seen | None]:
    """Compute T1 and T3 of *period*, of the one before, of last year's, each from its own facts."""

    def of(each: Period, facts: Facts) -> Seen:
        first = overview(facts, each, population, pack)
        third = unit_table(facts, each, population, pack)
        if published:
            first, third = published_overview(first), published_units(third)
        return Seen(each.label, len(each.days), first, third)

    facts, before, last_year = known
    earlier = year_before(period)
    return (
        of(period, facts),
        of(period_before(period), before),
        of(earlier, last_year) if earlier and last_year else None,
    )


def opening(now: Seen, before: Seen, last_year: Seen | None, *, over: bool) -> Opening:
    """Compare and choose; what is suppressed in one of the periods is not compared."""
    has_before, has_last_year = _had_calls(before), _had_calls(last_year)
    every = list(changes(now, before, last_year)) if over else []
    told = most_important(every)
    finding = Finding.CHANGED if told else Finding.NO_CHANGE
    if not has_before and not has_last_year:
        finding = Finding.NOTHING_BEFORE
    return Opening(
        finding=finding if over else Finding.NOT_OVER,
        before=before.label,
        last_year=last_year.label if last_year else None,
        compared=sum(each.compared for each in every),
        valid=_whole(now, before, last_year),
        changes=told,
        has_before=has_before,
        has_last_year=has_last_year,
    )


def _had_calls(then: Seen | None) -> bool:
    """Say whether there is anything to compare with: what is suppressed is there."""
    return then is not None and then.overview.received != 0


def _whole(now: Seen, before: Seen, last_year: Seen | None) -> Change | None:
    def measured(each: Seen) -> Measured | None:
        table = each.overview
        return None if not table.received or table.valid is None else _cases(table.valid, each)

    earlier = None if yearly(before, last_year) else before
    return _change(Subject.CATEGORY, TOTAL, TOTAL_NAME, (now, earlier, last_year), measured)


def yearly(before: Seen, last_year: Seen | None) -> bool:
    """Say whether both comparisons are the same one: a year has no other period before it."""
    return last_year is not None and before.label == last_year.label


def changes(now: Seen, before: Seen, last_year: Seen | None) -> Iterator[Change]:
    """Yield every figure that is compared; the remainder (其他) is none.

    Lines are left out: what comes by 122 is the traffic row once more.
    """
    three = (now, None if yearly(before, last_year) else before, last_year)
    for subject, name in ((Subject.CATEGORY, "by_row"), (Subject.AREA, "by_area")):
        for part in getattr(now.overview, name).rows:
            if part.id != OTHER:
                found = _change(subject, part.id, part.name, three, _part(name, part.id))
                if found is not None:
                    yield found
    for subject, name, of in _RATES:
        found = _change(subject, subject.value, name, three, _rate(of))
        if found is not None:
            yield found


def _change(
    subject: Subject,
    id_: str,
    name: str,
    three: tuple[Seen, Seen | None, Seen | None],
    measured: Callable[[Seen], Measured | None],
) -> Change | None:
    now, *then = (measured(each) if each else None for each in three)
    if now is None:
        return None
    on_before, on_year = (step(now, each) for each in then)
    return Change(subject=subject, id=id_, name=name, now=now, on_before=on_before, on_year=on_year)


def _part(table: str, id_: str) -> Callable[[Seen], Measured | None]:
    def measured(seen: Seen) -> Measured | None:
        found: Breakdown = getattr(seen.overview, table)
        count = next((part.count for part in found.rows if part.id == id_), None)
        # a period without any call was before the platform's time
        return None if count is None or not seen.overview.received else _cases(count, seen)

    return measured


def _cases(count: int, seen: Seen) -> Measured:
    return Measured(count, None, seen.days)


_RATES: tuple[tuple[Subject, str, Callable[[UnitRow], tuple[int | None, int | None]]], ...] = (
    (Subject.ARRIVAL, "到场及时率", lambda row: _on_time(row.arrival.all)),
    (Subject.ASSEMBLY, "集结及时率", lambda row: _on_time(row.assembly.all)),
    (Subject.HANDLE, "按期处置率", lambda row: _on_time(row.handle)),
    (
        Subject.DUAL_FEEDBACK,
        "双反馈率",
        lambda row: (row.dual_feedback.both, row.dual_feedback.owed),
    ),
    (Subject.FEEDBACK, "24 小时反馈率", lambda row: _on_time(row.feedback)),
    (Subject.ACK, "签收及时率", lambda row: _on_time(row.sign_for)),
)


def _on_time(cohort: Cohort) -> tuple[int | None, int | None]:
    return cohort.on_time, cohort.should


def _rate(
    of: Callable[[UnitRow], tuple[int | None, int | None]],
) -> Callable[[Seen], Measured | None]:
    def measured(seen: Seen) -> Measured | None:
        kept, owed = of(seen.units.total) if seen.units else (None, None)
        return None if kept is None or owed is None else Measured(kept, owed, seen.days)

    return measured
