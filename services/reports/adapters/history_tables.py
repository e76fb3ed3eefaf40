"""The tables of imported history: counted by sets, in the same structures as the platform's own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from services.reports.adapters import month_sets
from services.reports.adapters.history_facts import judged
from services.reports.adapters.history_figure_sets import Counted, figure_table, labels_of
from services.reports.adapters.history_scope import Scope
from services.reports.adapters.history_source import HistoryRefused
from services.reports.adapters.history_sql import stored
from services.reports.adapters.month_sets import Months
from services.reports.adapters.month_sql import WHO, Outcome
from services.reports.domain import gaps, overdue, quality
from services.reports.domain.category_months import category_table_of
from services.reports.domain.changes import Finding, Opening
from services.reports.domain.dual_feedback import Given
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Population
from services.reports.domain.gaps import Gap, GapRow, GapTable, published_gaps
from services.reports.domain.heading import heading
from services.reports.domain.history_mapping import Dimension
from services.reports.domain.history_notes import begun, cautions, complete
from services.reports.domain.history_pack import pack_of
from services.reports.domain.history_tables import Asked, fitted, lacking, notes
from services.reports.domain.history_terms import Basis
from services.reports.domain.opening import Seen, opened_overview_of
from services.reports.domain.overdue import (
    Overdue,
    OverdueKind,
    OverdueTable,
    published_overdue,
)
from services.reports.domain.overview import Overview, overview_of
from services.reports.domain.period import Period
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.quality import QualityRow, QualityTable, published_quality
from services.reports.domain.quantities import rate
from services.reports.domain.report import Report
from services.reports.domain.tally import Tally
from services.reports.domain.tier_affairs import published_tiers
from services.reports.domain.units import NOBODY, NOBODY_NAME, TOTAL, TOTAL_NAME, UnitTable
from services.reports.domain.wording import CLOCKS, Text
from shared.contracts.pack import Pack, UnitKind
from shared.contracts.sla import ClockKind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HistoryTables:
    """Every table of one period of one region; facts are judged once, when first needed."""

    def __init__(self, scope: Scope, period: Period, pack: Pack | None = None) -> None:
        self._scope = scope
        self._period = period
        self._before, self._last_year = period_before(period), year_before(period)
        self.basis: Basis = scope.basis(period)
        self.pack = pack or self._found_pack()
        self.cut = min(scope.as_of, period.end)
        self._overviews: dict[str, Overview] = {}

    def _others(self) -> list[Period]:
        return [each for each in (self._before, self._last_year) if each]

    def _found_pack(self) -> Pack:
        rows = self._values(self.basis.rows) if self.basis.rows else []
        areas = self._values(Dimension.AREA)
        return pack_of(self._scope.region, self.basis, rows=rows, areas=areas)

    def _values(self, dimension: Dimension) -> list[str]:
        found: set[str] = set()
        for period in (self._period, *self._others()):
            rows = self._scope.db.execute(
                f"SELECT DISTINCT {dimension} FROM cases WHERE region = ? AND counted_at >= ? "
                f"AND counted_at < ? AND {dimension} IS NOT NULL",
                [self._scope.region, stored(period.start), stored(period.end)],
            ).fetchall()
            found |= {value for (value,) in rows}
        return sorted(found)

    @cached_property
    def months(self) -> Months:
        """Return the judged facts of the period and the calls of those it is compared with."""
        return judged(self._scope, self._period, self._others(), self.basis)

    def table(self, asked: Asked, *, published: bool = False) -> Report:
        """Return a table; raises HistoryRefused naming the columns it would need."""
        if not self.basis.files:
            raise HistoryRefused(
                f"nothing of {self._period.label} was imported for region {self._scope.region}"
            )
        if wanted := lacking(asked, self.basis):
            raise HistoryRefused(f"table {asked} needs what the mapping does not name: {wanted}")
        known = self._last_year is not None and self._scope.known(self._last_year)
        return fitted(self._whole(asked, published=published), self.basis, last_year=known)

    def notes(self) -> list[Text]:
        """Return what stands below every table."""
        known = notes(
            self.basis,
            before=self._scope.known(self._before),
            last_year=self._scope.known(self._last_year),
        )
        return [*cautions(self.basis, self._period), *known]

    def _whole(self, asked: Asked, *, published: bool) -> Report:
        made: Mapping[Asked, Callable[..., Report]] = {
            Asked.OVERVIEW: self._opened,
            Asked.CATEGORIES: self._categories,
            Asked.UNITS: self._timely,
            Asked.TIERS: self._tiers,
            Asked.OVERDUE: self._late,
            Asked.GAPS: self._missing,
            Asked.QUALITY: self._doubtful,
            Asked.FIGURES: self._figures,
        }
        if asked not in made:
            raise HistoryRefused("the assessment is a command of its own: assess")
        return made[asked](published=published)

    def _categories(self, *, published: bool) -> Report:
        population = self._scope.population
        return category_table_of(
            self._overview, self._period, population, self.pack, published=published
        )

    def _timely(self, *, published: bool) -> Report:
        units = self._units()
        return published_units(units) if published else units

    def _tiers(self, *, published: bool) -> Report:
        _ = self.months
        month_sets.judge_calls(self._scope.db, self._period, self._cuts(self._period))
        population = self._scope.population
        found = month_sets.tier_table(self.months, self._period, population, self.pack, self.cut)
        if not published:
            return found
        return published_tiers(found, self._overview(self._period), self._units())

    def _late(self, *, published: bool) -> Report:
        late = self._overdue()
        return published_overdue(late, self._units()) if published else late

    def _missing(self, *, published: bool) -> Report:
        missing = self._gaps()
        return published_gaps(missing) if published else missing

    def _doubtful(self, *, published: bool) -> Report:
        faults = self._quality()
        return published_quality(faults) if published else faults

    def _figures(self, *, published: bool) -> Report:
        labels = labels_of(self._scope, self._period, self.basis)
        calls, units = self._overview(self._period), self._units()
        counted = Counted(calls, units, self._quality(), labels, self._rows)
        terms = (self.basis, self.pack, self.cut)
        return figure_table(
            counted, self._period, self._scope.population, terms, published=published
        )

    def _opened(self, *, published: bool) -> Overview:
        """Return T1 with its first paragraph."""
        found = opened_overview_of(
            self._compared, self._period, over=self.over, published=published
        )
        return found if found.opening is None else replace(found, opening=self.ended(found.opening))

    @property
    def over(self) -> bool:
        """Say whether the data reach the period's end: then it is over, whatever the newest stamp is."""
        return complete(self.basis, self._period) and self._is_judged

    @property
    def _is_judged(self) -> bool:
        scope = self._scope
        return scope.as_of_from == "latest stamp" or scope.as_of >= self._period.end

    def ended(self, opening: Opening) -> Opening:
        """Return *opening*, which says so where the data end within the period."""
        if self._is_judged and not complete(self.basis, self._period):
            return replace(opening, finding=Finding.DATA_END)
        return opening

    def seen(self, *, published: bool) -> Seen:
        """Return what bulletins compare of this period; without limits no rate."""
        calls = self._overview(self._period)
        units = None if lacking(Asked.UNITS, self.basis) else self._units()
        if published:
            calls = published_overview(calls)
            units = published_units(units) if units else None
        return Seen(self._period.label, len(self._period.days), calls, units)

    def _compared(self, of: Period) -> Overview:
        """Return T1 to compare with: of a period the data begin in as if there were none."""
        if of == self._period or begun(self.basis, of):
            return self._overview(of)
        return self._empty(of)

    def _empty(self, of: Period) -> Overview:
        nothing = Tally(0, Counter(), Counter(), Counter(), Counter())
        return overview_of(nothing, of, self._scope.population, self.pack)

    def nothing(self) -> Seen:
        """Return the period as one of which nothing is known."""
        return Seen(self._period.label, len(self._period.days), self._empty(self._period))

    def _units(self) -> UnitTable:
        population = self._scope.population
        return month_sets.unit_table(self.months, self._period, population, self.pack, self.cut)

    def _cuts(self, of: Period) -> dict[Population, datetime]:
        return dict.fromkeys(Population, min(self._scope.as_of, of.end))

    def _overview(self, of: Period) -> Overview:
        if of.label not in self._overviews:
            _ = self.months
            counted = month_sets.judge_calls(self._scope.db, of, self._cuts(of))
            self._overviews[of.label] = month_sets.overview(
                counted, of, self._scope.population, self.pack
            )
        return self._overviews[of.label]

    def _rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        exercise = self._scope.population.value == "exercise"
        return self.months.rows(statement, exercise=exercise, cut=self.cut, **values)

    # -- T5 ----------------------------------------------------------------------------------------

    def _overdue(self) -> OverdueTable:
        counted: dict[str, Counter[str]] = defaultdict(Counter)
        for kind, outcome, n in self._rows(_OUTCOMES):
            counted[kind][outcome] = n
        listed = self._rows(_MISSED, most=overdue.LISTED_AT_MOST)
        missed = sum(c[Outcome.LATE] + c[Outcome.OPEN] for c in counted.values())
        return OverdueTable(
            heading=self._heading("T5", overdue.FORMULA),
            cut=self.cut.astimezone(self._period.zone),
            kinds=[_kind(kind, counted[kind]) for kind in CLOCKS],
            listed=[self._listed(row) for row in listed],
            not_listed=missed - len(listed),
        )

    def _listed(self, row: tuple[Any, ...]) -> Overdue:
        number, unit, kind, rule, due, stopped, over = row
        return Overdue(
            incident=number,
            unit=unit,
            name="–" if unit == NOBODY else self._name(unit),
            clock=kind,
            rule=rule,
            due=self._local(due),
            stopped=None if stopped is None else self._local(stopped),
            overdue_s=over // 1_000_000,
        )

    def _local(self, microseconds: int) -> datetime:
        return (EPOCH + timedelta(microseconds=microseconds)).astimezone(self._period.zone)

    # -- T7 and T8 ---------------------------------------------------------------------------------

    def _gaps(self) -> GapTable:
        amount: dict[str, Counter[Given]] = defaultdict(Counter)
        for unit, duty, n in self._rows(_GIVEN):
            amount[unit][Given(duty)] = n
        listed = [
            Gap(
                incident=number,
                unit=unit,
                name=self._name(unit),
                missing=Given(missing),
                due=self._local(due),
            )
            for number, unit, missing, due in self._rows(_GAPS, most=gaps.LISTED_AT_MOST)
        ]
        whole = sum(amount.values(), Counter[Given]())
        gap_count = sum(whole[each] for each in _MISSING)
        return GapTable(
            heading=self._heading("T7", gaps.FORMULA),
            cut=self.cut.astimezone(self._period.zone),
            units=[_gap_row(unit, self._name(unit), amount[unit]) for unit in self._order(amount)],
            total=_gap_row(TOTAL, TOTAL_NAME, whole),
            gap_count=gap_count,
            gaps=listed,
            not_listed=gap_count - len(listed),
        )

    def _quality(self) -> QualityTable:
        found = {unit: counts for unit, *counts in self._rows(_FAULTS)}
        total = [sum(each) for each in zip(*found.values(), strict=True)] or [0] * 6
        calls = self._overview(self._period)
        return QualityTable(
            heading=self._heading("T8", quality.FORMULA),
            cut=self.cut.astimezone(self._period.zone),
            unclassified=rate(calls.unclassified or 0, calls.valid or 0),
            refused=0,
            refused_for=[],
            units=[
                _quality_row(unit, self._name(unit), found[unit]) for unit in self._order(found)
            ],
            total=_quality_row(TOTAL, TOTAL_NAME, total),
        )

    def _heading(self, table: str, formula: int) -> Any:
        return heading(table, formula, self._period, self._scope.population, self.pack)

    def _name(self, unit: str) -> str:
        known = self.pack.unit_by_id.get(unit)
        return known.name if known else NOBODY_NAME if unit == NOBODY else unit

    def _order(self, found: Any) -> list[str]:
        known = [unit.id for unit in self.pack.units if unit.id in found]
        return [*known, *sorted(set(found) - set(known))]


def _kind(kind: str, counted: Counter[str]) -> OverdueKind:
    late, still_open = counted[Outcome.LATE], counted[Outcome.OPEN]
    return OverdueKind(
        clock=kind,
        should=counted[Outcome.ON_TIME] + late + still_open,
        overdue=late + still_open,
        late=late,
        open=still_open,
    )


def _gap_row(unit: str, name: str, amount: Counter[Given]) -> GapRow:
    counts = {what.value: amount[what] for what in Given}
    return GapRow(unit=unit, name=name, owed=amount.total(), **counts)


def _quality_row(unit: str, name: str, counts: list[int]) -> QualityRow:
    duties, no_ack, no_arrival, no_end, back_dated, out_of_order = counts
    return QualityRow(
        unit=unit,
        name=name,
        duties=duties,
        no_ack=no_ack,
        no_arrival=no_arrival,
        no_end=no_end,
        back_dated=back_dated,
        out_of_order=out_of_order,
    )


_OURS = "counted AND exercise = $exercise"
_KINDS = ", ".join(f"'{kind}'" for kind in CLOCKS)
_JUDGED = f"outcome IN ('{Outcome.ON_TIME}', '{Outcome.LATE}', '{Outcome.OPEN}')"

_OUTCOMES = f"""
SELECT kind, outcome, count(*) FROM {{clocks}}
WHERE {_OURS} AND kind IN ({_KINDS}) AND {_JUDGED} GROUP BY 1, 2
"""
"""Kind of limit, how it ended, count."""

# what stopped after the cut was open at it
_STOPPED = f"CASE WHEN outcome = '{Outcome.LATE}' THEN stopped END"
_OVER = f"epoch_us(coalesce({_STOPPED}, $cut)) - epoch_us(due)"
_MISSED = f"""
SELECT coalesce(incident_number, ''), {WHO}, kind, rule, epoch_us(due), epoch_us({_STOPPED}), {_OVER}
FROM {{clocks}}
WHERE {_OURS} AND kind IN ({_KINDS}) AND outcome IN ('{Outcome.LATE}', '{Outcome.OPEN}')
ORDER BY {_OVER} DESC, due, clock_id::VARCHAR LIMIT $most
"""
"""Incident, unit, kind, rule; microseconds: due, stopped, overdue. The longest overdue first."""

_MISSING = (Given.NO_ARRIVAL, Given.NO_END, Given.NEITHER)
_FEEDBACK = f"{_OURS} AND kind = '{ClockKind.FEEDBACK}' AND due <= $cut"
_WORDS = ", ".join(f"'{each}'" for each in Given)
_GIVEN = f"""
SELECT {WHO}, duty, count(*) FROM {{clocks}} WHERE {_FEEDBACK} AND duty IN ({_WORDS}) GROUP BY 1, 2
"""
"""Unit, what its duties gave, count: a duty of an import has one sheet."""

_GAPS = f"""
SELECT coalesce(incident_number, ''), {WHO} AS who, duty, epoch_us(due) FROM {{clocks}}
WHERE {_FEEDBACK} AND duty IN ({", ".join(f"'{each}'" for each in _MISSING)})
ORDER BY due, 1, who, clock_id::VARCHAR LIMIT $most
"""

_WAY = (
    "list_filter([sent_at, acked_at, turned_out_at, arrived_at, ended_at], lambda x: x IS NOT NULL)"
)
_FAULTS = f"""
SELECT {WHO.replace("unit", "k.unit")} AS who, count(*), count(*) FILTER (a.acked_at IS NULL),
  count(*) FILTER (a.arrived_at IS NULL AND a.unit_kind <> '{UnitKind.DESK}'),
  count(*) FILTER (a.ended_at IS NULL), 0, count(*) FILTER ({_WAY} <> list_sort({_WAY}))
FROM {{clocks}} k JOIN assignments a USING (assignment_id)
WHERE {_FEEDBACK.replace("exercise =", "k.exercise =")} GROUP BY 1
"""
"""Unit, duties, without acknowledgement, arrival, end, back-dated, out of order."""
