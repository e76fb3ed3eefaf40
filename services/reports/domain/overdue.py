"""T5, the overdue list 超期清单: every promise of the period that was kept late or not at all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.cohorts import Cohort, as_known, exempt_of, is_on_time, judged_and_due
from services.reports.domain.crosstab import KeptTable, published_kept
from services.reports.domain.facts import Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.period import Period
from services.reports.domain.publication import published_units
from services.reports.domain.supervised import supervised
from services.reports.domain.suppression import LEAST, Sum, hidden, without
from services.reports.domain.units import NOBODY, UnitTable, clocks_of
from services.reports.domain.wording import CLOCKS
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

FORMULA = 4
"""2: with the supervisions of the period. 3: stopped after the cut is open. 4: what a granted appeal
exempts is counted beside, and its mark stays in the list."""
LISTED_AT_MOST = 500


class OverdueKind(Struct, frozen=True, kw_only=True):
    """One kind of limit: of the `should` that were due, `overdue` = `late` (done after it was due) + `open` (not done at the cut).

    `exempt` ones (an appeal was granted) are in no other number. None: suppressed in what is
    published.
    """

    clock: str
    should: int | None
    overdue: int | None
    late: int | None
    open: int | None
    exempt: int | None = 0


class Overdue(Struct, frozen=True, kw_only=True):
    """One limit that was missed; times in the region's zone, `stopped` None while it is open.

    An `exempt` one is listed, as the mark stays visible, and counted in no other number.
    """

    incident: str
    unit: str
    name: str
    clock: str
    rule: str
    due: datetime
    stopped: datetime | None
    overdue_s: int
    exempt: bool = False


class OverdueTable(Struct, frozen=True, kw_only=True):
    """T5 of the clocks due in the period and up to `cut`; the longest overdue come first, exempt ones last.

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
    known = [c for c in clocks_of(facts, incidents, period, population) if c.kind in CLOCKS]
    due = judged_and_due(known, cut)
    missed = [clock for clock in due if not is_on_time(clock)]
    exempt = exempt_of(known)
    marked = [c for each in exempt if each.due <= cut and not is_on_time(c := as_known(each, cut))]
    excused = Counter(clock.kind for clock in exempt)
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
            exempt=c.exempt,
        )
        for c in sorted(
            [*missed, *marked],
            key=lambda c: (c.exempt, c.due - (c.stopped or cut), c.due, c.clock_id),
        )
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
                exempt=excused[kind],
            )
            for kind in CLOCKS
        ],
        listed=rows[:LISTED_AT_MOST],
        not_listed=len(rows) - len(rows[:LISTED_AT_MOST]),
        supervision=supervised(facts, period, population, cut),
    )


_CELLS = ("should", "overdue", "late", "open")


def published_overdue(whole: OverdueTable, units: UnitTable) -> OverdueTable:
    """Return T5 as it may be published beside T3 (*units*, whole or published) of the same period.

    No cases, no count of one to four nor one that gives it away. Its kinds are T3's total again:
    what T3 hides there is hidden here too.
    """
    units = units if units.heading.published else published_units(units)
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
        kinds=[
            _beside(without(kind, kind.clock, _CELLS, gone), kind, units) for kind in whole.kinds
        ],
        listed=[],
        not_listed=None,
        supervision=published_kept(whole.supervision) if whole.supervision else None,
    )


def _beside(shown: OverdueKind, kind: OverdueKind, units: UnitTable) -> OverdueKind:
    """Return *shown* without what T3 hides.

    Where T3 shows all, T5 hides on its own, unless the limits of no unit, which only T5 counts,
    are so few that the difference would tell them; where it hides some, T5 tells nothing more.
    """
    cohort = _cohort(kind.clock, units)
    theirs = {"should": cohort.should, "late": cohort.late, "open": cohort.open}
    known = None not in theirs.values() and cohort.on_time is not None
    same = all(n is None or n == getattr(kind, name) for name, n in theirs.items())
    if known:
        apart = [getattr(kind, name) - (n or 0) for name, n in theirs.items()]
        keep = set() if any(0 < n < LEAST for n in apart) else set(_CELLS)
    else:
        keep = {name for name, n in theirs.items() if same and n is not None}
    return replace(shown, exempt=None, **{name: None for name in _CELLS if name not in keep})


def _cohort(clock: str, units: UnitTable) -> Cohort:
    total = units.total
    return {
        ClockKind.ACK: total.sign_for,
        ClockKind.ARRIVAL: total.arrival.all,
        ClockKind.ASSEMBLY: total.assembly.all,
        ClockKind.FEEDBACK: total.feedback,
        ClockKind.HANDLE: total.handle,
    }[ClockKind(clock)]
