"""T5, the overdue list 超期清单: every promise of the period that was kept late or not at all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.cohorts import is_on_time, judged_and_due
from services.reports.domain.crosstab import KeptTable, published_kept
from services.reports.domain.facts import Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.period import Period
from services.reports.domain.supervised import supervised
from services.reports.domain.suppression import Sum, hidden, without
from services.reports.domain.units import NOBODY, clocks_of
from services.reports.domain.wording import CLOCKS
from shared.contracts.pack import Pack

FORMULA = 3
"""2: with the supervisions of the period. 3: stopped after the cut is open."""
LISTED_AT_MOST = 500


class OverdueKind(Struct, frozen=True, kw_only=True):
    """One kind of limit: of the `should` that were due, `overdue` = `late` (done after it was due) + `open` (not done at the cut).

    None: suppressed in what is published.
    """

    clock: str
    should: int | None
    overdue: int | None
    late: int | None
    open: int | None


class Overdue(Struct, frozen=True, kw_only=True):
    """One limit that was missed; times in the region's zone, `stopped` None while it is open."""

    incident: str
    unit: str
    name: str
    clock: str
    rule: str
    due: datetime
    stopped: datetime | None
    overdue_s: int


class OverdueTable(Struct, frozen=True, kw_only=True):
    """T5 of the clocks due in the period and up to `cut`; the longest overdue come first.

    `supervision`: opened in the period, by kind and rung; None where an older formula had none.
    """

    heading: Heading
    cut: datetime
    kinds: list[OverdueKind]
    listed: list[Overdue]
    not_listed: int | None
    supervision: KeptTable | None = None


def overdue_table(facts: Facts, period: Period, population: Population, pack: Pack) -> OverdueTable:
    """Compute T5 of *period*: counts for every kind of limit, cases up to LISTED_AT_MOST."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    names = {unit.id: unit.name for unit in pack.units}
    due = [
        clock
        for clock in judged_and_due(clocks_of(facts.clocks, incidents, period, population), cut)
        if clock.kind in CLOCKS
    ]
    missed = [clock for clock in due if not is_on_time(clock)]
    owed = Counter(clock.kind for clock in due)
    late = Counter(clock.kind for clock in missed if clock.stopped is not None)
    still_open = Counter(clock.kind for clock in missed if clock.stopped is None)
    rows = [
        Overdue(
            incident=incidents[c.incident_id].number if c.incident_id in incidents else "",
            unit=c.unit or NOBODY,
            name=names.get(c.unit or NOBODY, c.unit or "–"),
            clock=c.kind,
            rule=c.rule,
            due=c.due.astimezone(period.zone),
            stopped=c.stopped.astimezone(period.zone) if c.stopped else None,
            overdue_s=int(((c.stopped or cut) - c.due).total_seconds()),
        )
        for c in sorted(missed, key=lambda c: (c.due - (c.stopped or cut), c.due, c.clock_id))
    ]
    return OverdueTable(
        heading=heading("T5", FORMULA, period, population, pack),
        cut=cut.astimezone(period.zone),
        kinds=[
            OverdueKind(
                clock=kind,
                should=owed[kind],
                overdue=late[kind] + still_open[kind],
                late=late[kind],
                open=still_open[kind],
            )
            for kind in CLOCKS
        ],
        listed=rows[:LISTED_AT_MOST],
        not_listed=len(rows) - len(rows[:LISTED_AT_MOST]),
        supervision=supervised(facts, period, population, cut),
    )


_CELLS = ("should", "overdue", "late", "open")


def published_overdue(whole: OverdueTable) -> OverdueTable:
    """Return T5 as it may be published: no cases, no count of one to four nor one that gives it away."""
    values: dict[str, int] = {}
    sums: list[Sum] = []
    for kind in whole.kinds:
        values |= {f"{kind.clock}/{cell}": getattr(kind, cell) or 0 for cell in _CELLS}
        on_time = f"{kind.clock}/on_time"
        values[on_time] = values[f"{kind.clock}/should"] - values[f"{kind.clock}/overdue"]
        sums.append((f"{kind.clock}/should", f"{kind.clock}/overdue", on_time))
        sums.append(tuple(f"{kind.clock}/{cell}" for cell in ("overdue", "late", "open")))
    gone = hidden(values, sums)
    return replace(
        whole,
        heading=replace(whole.heading, published=True),
        kinds=[without(kind, kind.clock, _CELLS, gone) for kind in whole.kinds],
        listed=[],
        not_listed=None,
        supervision=published_kept(whole.supervision) if whole.supervision else None,
    )
