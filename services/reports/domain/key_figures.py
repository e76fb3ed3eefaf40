"""The list of figures 指标一览 (FIGURES): each with numerator, denominator and what was left out, as the tables have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from services.reports.domain.call_backs import CallBacks
from services.reports.domain.cohorts import Cohort, cohort
from services.reports.domain.conduct import Conduct, ConductTable, conduct
from services.reports.domain.crosstab import Kept, KeptTable, published_kept
from services.reports.domain.diversion import diversion
from services.reports.domain.facts import Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.overview import Overview, overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.quality import (
    DEFECTS,
    QualityRow,
    QualityTable,
    published_quality,
    quality_table,
)
from services.reports.domain.quantities import Rate, rate
from services.reports.domain.staffing import staffing
from services.reports.domain.supervised import supervised
from services.reports.domain.suppression import LEAST, Sum, hidden
from services.reports.domain.units import UnitRow, clocks_of, unit_table
from services.reports.domain.upward_reports import published_ledger, report_ledger
from shared.contracts.pack import LimitUnit, Pack
from shared.contracts.sla import ClockKind
from shared.contracts.values import Lane

FORMULA = 3
"""2: stopped after the cut is open. 3: what a granted appeal exempts is in no rate and counted beside."""


class Beside(Struct, frozen=True):
    """A number that stands beside a figure; None: suppressed.

    `late`, `open`, `automatic`, `back_filled` and `unsaid` are parts of its denominator; `exempt`,
    `suspended` and `not_yet_due` are in neither of its two.
    """

    id: str
    count: int | None


class KeyFigure(Struct, frozen=True, kw_only=True):
    """One figure: `value` is numerator / denominator, without a percentage where that is 0.

    None: suppressed in what is published. `group` is where it stands in the list. `needs`: what a
    mapping of imported history would have to name for a value; without it unset and not written.
    """

    id: str
    group: str
    value: Rate | None
    beside: list[Beside]
    needs: list[str] | UnsetType = UNSET


class FigureTable(Struct, frozen=True, kw_only=True):
    """Every rate of a period, and the units' conduct; `units` None in what is published."""

    heading: Heading
    cut: datetime
    figures: list[KeyFigure]
    conduct: ConductTable | None


def figure_table(
    facts: Facts, period: Period, population: Population, pack: Pack, *, published: bool = False
) -> FigureTable:
    """Compute the figures of *period*; what is published shows nothing that its tables hide."""
    cut = facts.cut(period, population)
    calls = overview(facts, period, population, pack)
    units = unit_table(facts, period, population, pack)
    quality = defects = quality_table(facts, period, population, pack)
    ledger = report_ledger(facts, period, population, pack)
    ladder = supervised(facts, period, population, cut)
    conducted = conduct(facts, period, population, pack)
    if published:
        calls, units = published_overview(calls), published_units(units)
        quality, ledger = published_quality(quality), published_ledger(ledger)
        ladder = published_kept(ladder)
    found = [
        *flow_figures(calls),
        *withheld(_diverted(facts, period, population), hide=published),
        *timely_figures(units.total),
        *withheld(_urgent(facts, period, population, pack), hide=published),
        *withheld(_conducted(conducted.total), hide=published),
        *_called_back(conducted.total.called_back, published=published),
        *kept_figures("reporting", ledger.punctuality),
        *kept_figures("supervision", ladder, rows=True),
        *_staffed(facts, period, population, pack, published=published),
        *quality_figures(quality, defects),
    ]
    above = heading("K", FORMULA, period, population, pack)
    return FigureTable(
        heading=replace(above, published=published),
        cut=cut.astimezone(period.zone),
        figures=found,
        conduct=None if published else conducted,
    )


def figure(
    id_: str,
    numerator: int | None,
    denominator: int | None,
    **beside: int | None,
) -> KeyFigure:
    """Return the figure; without one of its two numbers it is hidden."""
    known = numerator is not None and denominator is not None
    return KeyFigure(
        id=id_,
        group=id_.partition(".")[0],
        value=rate(numerator or 0, denominator or 0) if known else None,
        beside=[Beside(name, count) for name, count in beside.items()],
    )


def withheld(found: Iterable[KeyFigure], *, hide: bool) -> Iterator[KeyFigure]:
    """Yield *found*; hidden they are all blank: they overlap with tables that hide on their own."""
    for each in found:
        yield figure(each.id, None, None) if hide else each


def flow_figures(calls: Overview) -> Iterator[KeyFigure]:
    """Yield the valid rate of T1."""
    out = calls.left_out
    yield figure(
        "flow.valid",
        calls.valid,
        calls.received,
        invalid=calls.invalid,
        duplicate=calls.duplicate,
        test=out.test if out else None,
        exercise=out.exercise if out else None,
    )


def _diverted(facts: Facts, period: Period, population: Population) -> Iterator[KeyFigure]:
    found = diversion(facts, period, population)
    yield figure("flow.to_government", found.to_government, found.urgent)
    yield figure("flow.to_urgent", found.to_urgent, found.government)
    without = found.urgent + found.government - found.stamped
    yield figure("flow.repeated", found.repeated, found.valid)
    yield figure("flow.answered", found.in_time, found.stamped, unstamped=max(without, 0))


def timely_figures(total: UnitRow) -> Iterator[KeyFigure]:
    """Yield the rates of T3's total."""
    for id_, each in (
        ("sign_for", total.sign_for),
        ("arrival_day", total.arrival.day),
        ("arrival_night", total.arrival.night),
        ("assembly_day", total.assembly.day),
        ("assembly_night", total.assembly.night),
        ("feedback", total.feedback),
        ("handle", total.handle),
    ):
        yield of_cohort(f"timely.{id_}", each)
    handle = total.handle
    yield figure(
        "timely.closed",
        handle.done,
        handle.should,
        open=handle.open,
        exempt=handle.exempt,
        suspended=handle.suspended,
    )
    dual = total.dual_feedback
    yield figure(
        "timely.dual_feedback",
        dual.both,
        dual.owed,
        automatic=dual.automatic,
        back_filled=dual.back_filled,
        waived=dual.waived,
        exempt=dual.exempt,
    )


def of_cohort(id_: str, each: Cohort) -> KeyFigure:
    """Return the share of limits kept, and beside it how the others ended."""
    return figure(
        id_,
        each.on_time,
        each.should,
        late=each.late,
        open=each.open,
        exempt=each.exempt,
        suspended=each.suspended,
        not_yet_due=each.not_yet_due,
    )


def _urgent(
    facts: Facts, period: Period, population: Population, pack: Pack
) -> Iterator[KeyFigure]:
    """Yield the on-time closing of urgent cases: by rules in urgent hours, and by lane."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    due = clocks_of(facts, incidents, period, population)
    clocks = [c for c in due if c.kind == ClockKind.HANDLE and c.assignment_id is not None]
    hours = {rule.id for rule in pack.clocks if rule.unit is LimitUnit.URGENT_HOUR}
    by_rule = [clock for clock in clocks if clock.rule in hours]
    by_lane = [
        clock
        for clock in clocks
        if (incident := incidents.get(clock.incident_id)) and incident.lane == Lane.URGENT
    ]
    turnout = [clock for clock in due if clock.kind == ClockKind.TURNOUT]
    yield of_cohort("timely.urgent_hours", cohort(by_rule, cut))
    yield of_cohort("timely.urgent_lane", cohort(by_lane, cut))
    yield of_cohort("timely.turnout", cohort(turnout, cut))


def turnout_figures(
    going: int, turned_out: int, out_of_order: int, bands: Sequence[int | None], *, exempt: int = 0
) -> Iterator[KeyFigure]:
    """Yield how many of those who had to go turned out, and of those in order how many in each band."""
    yield figure("conduct.turned_out", turned_out, going, out_of_order=out_of_order, exempt=exempt)
    for limit, count in zip(("5", "10", "15", "30", "more"), bands, strict=True):
        yield figure(f"conduct.turnout_{limit}", count, turned_out - out_of_order, exempt=exempt)


def _conducted(total: Conduct) -> Iterator[KeyFigure]:
    yield from turnout_figures(
        total.to_turn_out,
        total.turned_out,
        total.out_of_order,
        [band.count for band in total.turnout_bands],
        exempt=total.turnout_exempt,
    )
    yield figure("conduct.returned", total.returned, total.sent)
    yield figure("conduct.reworked", total.reworked, total.ended, exempt=total.rework_exempt)
    for name, deferred in (("extended", total.extended), ("suspended", total.suspended)):
        yield figure(f"conduct.{name}", deferred.approved, total.handled, requested=deferred.asked)
    yield figure(
        "conduct.appealed",
        total.granted,
        total.handled,
        requested=total.appealed,
        refused=total.refused,
    )


_RATES = ("responded", "resolved", "satisfied")


def _called_back(made: CallBacks, *, published: bool) -> Iterator[KeyFigure]:
    """Yield reach rate and 三率; published they hide together: all are parts of those called."""
    values = {name: getattr(made, name) for name in ("called", "reached", *_RATES)}
    values["called/rest"] = made.called - made.reached
    values |= {f"{name}/rest": made.reached - values[name] for name in _RATES}
    sums: list[Sum] = [("called", "reached", "called/rest")]
    sums += [("reached", name, f"{name}/rest") for name in _RATES]
    gone = hidden(values, sums) if published else frozenset[str]()
    shown = {name: None if name in gone else count for name, count in values.items()}
    yield figure(
        "call_back.reached",
        shown["reached"],
        shown["called"],
        **({} if published else {"exempt": made.exempt}),
    )
    for name in _RATES:
        unsaid = {"unsaid": made.unsaid} if name == "satisfied" else {}
        beside = {} if published else {"exempt": made.exempt, **unsaid}
        yield figure(f"call_back.{name}", shown[name], shown["reached"], **beside)
    if not published:
        exempt = made.exempt
        yield figure("call_back.reopened", made.reopened, made.called, exempt=exempt)
        yield figure("call_back.final_answer", made.answered, made.called, exempt=exempt)


def kept_figures(group: str, table: KeptTable, *, rows: bool = False) -> Iterator[KeyFigure]:
    """Yield a table's total, its columns and with *rows* its rows."""
    yield _of_kept(f"{group}.all", table.total.total)
    for cell in table.total.cells:
        yield _of_kept(f"{group}.{cell.id}", cell)
    for row in table.rows if rows else ():
        yield _of_kept(f"{group}.{row.id}", row.total)


def _of_kept(id_: str, cell: Kept) -> KeyFigure:
    return figure(
        id_, cell.on_time, cell.should, late=cell.late, open=cell.open, exempt=cell.exempt
    )


def _staffed(
    facts: Facts, period: Period, population: Population, pack: Pack, *, published: bool
) -> Iterator[KeyFigure]:
    """Yield the staffing of the real population: teams and rosters are of no exercise."""
    if population is not Population.REAL:
        return
    found = staffing(facts, period, facts.cut(period, population), pack)
    for id_, n, of in (
        ("staffing.below", found.below, found.with_minimum),
        ("staffing.hours_without", found.hours_without, found.hours),
    ):
        small = hidden({"all": of, "part": n, "rest": of - n}, [("all", "part", "rest")])
        yield figure(id_, None, None) if published and small else figure(id_, n, of)


def quality_figures(shown: QualityTable, whole: QualityTable) -> Iterator[KeyFigure]:
    """Yield the shares of T8 as *shown*; *whole* is what it shows a part of."""
    share = shown.unclassified
    yield figure(
        "quality.unclassified",
        share.numerator if share else None,
        share.denominator if share else None,
        refused=shown.refused,
    )
    for name in DEFECTS:
        yield _defect(name, shown.total, whole.total)


def _defect(name: str, shown: QualityRow, whole: QualityRow) -> KeyFigure:
    """Return a column of T8 as a rate; published, its denominator tells no small exempt or clear count."""
    count, duties = getattr(shown, name), shown.duties
    exempt = getattr(whole.exempt, name)
    if count is None or duties is None:
        return figure(f"quality.{name}", None, None)
    if shown.exempt is not None:
        return figure(f"quality.{name}", count, duties - exempt, exempt=exempt)
    clear = duties - exempt - count
    small = any(0 < each < LEAST for each in (exempt, clear))
    return figure(f"quality.{name}", *((None, None) if small else (count, duties - exempt)))
