"""From a batch of events to rows of facts: of each aggregate only its newest snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.reports.domain.category_months import category_table
from services.reports.domain.earlier import period_before, with_calls_of, year_before
from services.reports.domain.extraction import (
    assignment_fact,
    call_fact,
    clock_facts,
    incident_fact,
    link_facts,
    notice_fact,
    rejection_fact,
)
from services.reports.domain.facts import Facts, Population
from services.reports.domain.gaps import gap_table, published_gaps
from services.reports.domain.key_figures import figure_table
from services.reports.domain.later_extraction import (
    later_facts,
    repeat_facts,
    supervision_facts,
)
from services.reports.domain.opening import opened_overview
from services.reports.domain.overdue import overdue_table, published_overdue
from services.reports.domain.overview import overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_units
from services.reports.domain.quality import published_quality, quality_table
from services.reports.domain.report import Report
from services.reports.domain.tier_affairs import published_tiers, tier_table
from services.reports.domain.units import unit_table
from services.reports.domain.upward_reports import published_ledger, report_ledger
from services.reports.ports import Fact, FactSink, FactSource, Stream
from shared.contracts.call import CallEvent, CallRejected
from shared.contracts.incident import IncidentEvent
from shared.contracts.notice import NoticeEvent
from shared.contracts.pack import Pack
from shared.contracts.sla import Heartbeat, SlaEvent
from shared.runtime.events import Event
from shared.runtime.store import Work


async def on_events(events: Sequence[Event], work: Work, *, facts: FactSink) -> None:
    """Write the facts of *events*; snapshots are whole, so a batch's older ones are skipped."""
    newest: dict[tuple[str, UUID], Event] = {
        (e.family, e.aggregate): e for e in events if not _purge(e)
    }
    facts.add(work, (fact for event in newest.values() for fact in _facts(event)))
    facts.heard(work, _heard(events))


def _purge(event: Event) -> bool:
    """Say whether it only clears place and text: no figure changes, and the area stays."""
    return isinstance(event.data, IncidentEvent) and event.data.incident.purged


def _facts(event: Event) -> Iterator[Fact]:
    match event.data:
        case CallEvent() as said:
            yield call_fact(said)
            yield from repeat_facts(said.call)
        case IncidentEvent() as said:
            yield incident_fact(said.incident)
            yield from link_facts(said.incident)
            for duty in said.incident.assignments:
                yield assignment_fact(said.incident, duty)
            yield from later_facts(said.incident)
        case SlaEvent() as said:
            yield from clock_facts(said)
            yield from supervision_facts(said)
        case NoticeEvent() as said:
            yield notice_fact(said)
        case CallRejected() as said:
            yield rejection_fact(event.aggregate, event.version, said)


def _heard(events: Sequence[Event]) -> Mapping[Stream, datetime]:
    """Return the newest time of each population, by the stream it came in.

    Only the newest of all streams is ever asked for; a heartbeat says nothing about any case.
    """
    newest: dict[bool, Event] = {}
    for event in events:
        if not isinstance(event.data, Heartbeat):
            exercise = _exercise(event)
            if exercise not in newest or event.time > newest[exercise].time:
                newest[exercise] = event
    return {
        Stream(*event.record.partition, exercise): event.time for exercise, event in newest.items()
    }


def _exercise(event: Event) -> bool:
    data = event.data
    match data:
        case CallEvent():
            return data.call.exercise
        case IncidentEvent():
            return data.incident.exercise
        case SlaEvent() | NoticeEvent():
            return data.exercise
        case _:
            return False


class Table(StrEnum):
    """The tables that can be asked for, by the last word of their address."""

    OVERVIEW = "overview"
    CATEGORIES = "categories"
    UNITS = "units"
    TIERS = "tiers"
    OVERDUE = "overdue"
    REPORTS = "reports"
    GAPS = "gaps"
    QUALITY = "quality"
    FIGURES = "figures"


class Question(NamedTuple):
    """Which table of which period and population; `published` hides cells below five."""

    table: Table
    period: Period
    population: Population
    published: bool = False


async def answer(question: Question, facts: FactSource, pack: Pack) -> Report:
    """Compute a table from the facts as they are now; raises Unavailable."""
    found = await gathered(facts, question.period, [question.table])
    # arithmetic over a month's rows must not hold up the consumer's loop
    return await asyncio.to_thread(compute, question, found, pack)


async def gathered(
    facts: FactSource,
    period: Period,
    tables: Iterable[Table] = Table,
    *,
    as_of_epoch: int | None = None,
) -> Facts:
    """Return what *tables* of *period* need: T1's and T2's also of the periods compared with."""
    found = await facts.of(period, as_of_epoch=as_of_epoch)
    if not {Table.OVERVIEW, Table.CATEGORIES}.isdisjoint(tables):
        for earlier in filter(None, (period_before(period), year_before(period))):
            found = with_calls_of(found, await facts.of(earlier, as_of_epoch=as_of_epoch))
    return found


def _tiers(
    facts: Facts, period: Period, population: Population, pack: Pack, *, published: bool
) -> Report:
    table = tier_table(facts, period, population, pack)
    if not published:
        return table
    calls = overview(facts, period, population, pack)
    return published_tiers(table, calls, unit_table(facts, period, population, pack))


def _overdue(
    facts: Facts, period: Period, population: Population, pack: Pack, *, published: bool
) -> Report:
    table = overdue_table(facts, period, population, pack)
    if not published:
        return table
    return published_overdue(table, unit_table(facts, period, population, pack))


Computed = Callable[[Facts, Period, Population, Pack], Any]
_AT_ONCE: Mapping[Table, Callable[..., Report]] = {
    Table.OVERVIEW: opened_overview,
    Table.CATEGORIES: category_table,
    Table.TIERS: _tiers,
    Table.OVERDUE: _overdue,
    Table.FIGURES: figure_table,
}
"""Tables that are computed as published: what they compare or gather hides in its own tables."""
_WHOLE: Mapping[Table, tuple[Computed, Callable[[Any], Report]]] = {
    Table.UNITS: (unit_table, published_units),
    Table.REPORTS: (report_ledger, published_ledger),
    Table.GAPS: (gap_table, published_gaps),
    Table.QUALITY: (quality_table, published_quality),
}
"""Tables that are computed whole, and what of them may be published."""


def compute(question: Question, facts: Facts, pack: Pack) -> Report:
    """Compute a table from *facts*."""
    table, period, population, published = question
    if table in _AT_ONCE:
        return _AT_ONCE[table](facts, period, population, pack, published=published)
    computed, shown = _WHOLE[table]
    whole: Report = computed(facts, period, population, pack)
    return shown(whole) if published else whole
