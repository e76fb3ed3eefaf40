"""Staffing: teams below their minimum (P17), and hours of the 24-hour duty nobody is on the roster for (R11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from services.reports.domain.facts import Facts
from services.reports.domain.later_facts import RosterFact
from services.reports.domain.period import Period
from shared.contracts.pack import Pack

HOUR = timedelta(hours=1)


class Staffing(Struct, frozen=True, kw_only=True):
    """Teams with a minimum and those below it; unit-hours owed and those without a roster.

    Hours are whole, half up; both 0 where no roster was imported: nothing is known then.
    """

    with_minimum: int
    below: int
    hours: int
    hours_without: int


def staffing(facts: Facts, period: Period, cut: datetime, pack: Pack) -> Staffing:
    """Judge the pack's teams and the imported rosters from *period*'s start to *cut*."""
    minimum = [unit for unit in pack.units if unit.min_staff > 0]
    on_duty = [unit for unit in pack.units if unit.duty_posts]
    spans: dict[str, list[RosterFact]] = defaultdict(list)
    for each in facts.rosters:
        spans[each.unit].append(each)
    owed = covered = timedelta()
    if facts.rosters:
        length = max(cut - period.start, timedelta())
        owed = length * len(on_duty)
        covered = sum(
            (_covered(spans[unit.id], period.start, cut) for unit in on_duty), timedelta()
        )
    return Staffing(
        with_minimum=len(minimum),
        below=sum(unit.staff < unit.min_staff for unit in minimum),
        hours=_hours(owed),
        hours_without=_hours(owed - covered),
    )


def _covered(spans: Iterable[RosterFact], start: datetime, end: datetime) -> timedelta:
    """Return how much of `[start, end)` at least one span with people covers."""
    known, until = timedelta(), start
    for span in sorted(spans, key=lambda each: (each.begins, each.ends)):
        first, last = max(span.begins, until), min(span.ends, end)
        if span.people > 0 and last > first:
            known += last - first
            until = last
    return known


def _hours(length: timedelta) -> int:
    return (2 * length + HOUR) // (2 * HOUR)
