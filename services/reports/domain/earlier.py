"""The periods a figure is compared with: the one before (环比) and the same of last year (同比)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.reports.domain.facts import Facts
from services.reports.domain.period import Period, at


def period_before(period: Period) -> Period:
    """Return the day, month, quarter, half-year or year before."""
    return at(period.kind, period.days[0] - timedelta(days=1), period.zone)


def year_before(period: Period) -> Period | None:
    """Return the same period of last year; None for 29 February."""
    first = period.days[0]
    try:
        return at(period.kind, first.replace(year=first.year - 1), period.zone)
    except ValueError:
        return None


def with_calls_of(known: Facts, earlier: Facts) -> Facts:
    """Return *known* with the calls of an earlier period and the incidents they opened, each once."""
    calls = {each.call_id: each for each in (*earlier.calls, *known.calls)}
    incidents = {each.incident_id: each for each in (*earlier.incidents, *known.incidents)}
    return replace(
        known,
        calls=tuple(calls.values()),
        incidents=tuple(incidents.values()),
        links=tuple(dict.fromkeys((*earlier.links, *known.links))),
    )
