"""Counts T1 to T4 by DuckDB over a closed month's Parquet or over facts that came through Arrow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb

from services.reports.adapters import month_sql as sql
from services.reports.adapters.month_sql import Kind
from services.reports.domain import crosstab, tier_affairs
from services.reports.domain.category_months import CategoryTable, category_table_of
from services.reports.domain.cohorts import Band, Cohort, cohort_of
from services.reports.domain.dual_feedback import DualFeedback, Given
from services.reports.domain.facts import Population
from services.reports.domain.heading import heading
from services.reports.domain.overview import Overview, overview_of
from services.reports.domain.period import Period
from services.reports.domain.quantities import Spread, rate, spread_of
from services.reports.domain.response import TOTAL
from services.reports.domain.standing import Standing
from services.reports.domain.tally import Tally, affair_of
from services.reports.domain.tier_affairs import TierTable, tier_table_of
from services.reports.domain.units import (
    FEEDBACK_BANDS_S,
    FORMULA,
    SIGN_FOR_BANDS_S,
    WHOLE,
    Censored,
    DayAndNight,
    UnitRow,
    UnitTable,
    Who,
    named,
)
from services.reports.domain.wording import CLOCKS
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

MEMORY, THREADS = "1500MB", 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
Connection = duckdb.DuckDBPyConnection


@contextmanager
def opened() -> Iterator[Connection]:
    """Open an engine of its own, bounded in memory, that spills to a folder which goes with it."""
    with TemporaryDirectory(prefix="liandong-month-") as scratch:
        db = duckdb.connect(":memory:")
        try:
            db.execute(f"SET memory_limit = '{MEMORY}'; SET threads = {THREADS}")
            db.execute(f"SET temp_directory = '{scratch}'")
            db.execute("SET enable_progress_bar = false")
            # numbers of parts are small and dense: counted in an array, not in a hash table
            db.execute("SET perfect_ht_threshold = 18")
            yield db
        finally:
            db.close()


@dataclass(frozen=True)
class Months:
    """Judged facts to count: of a kind without a reading (of files) the judged table is meant.

    Counts without a reading are counted from the facts; each is counted or read once.
    """

    db: Connection
    readings: Mapping[Kind, str] = field(default_factory=dict)
    _known: dict[tuple[Kind, Population], list[tuple[Any, ...]]] = field(default_factory=dict)

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a counting *statement*."""
        text = self.text(statement)
        return self.db.execute(
            text, {k: v for k, v in values.items() if f"${k}" in text}
        ).fetchall()

    def counted(self, kind: Kind, population: Population) -> Sequence[tuple[Any, ...]]:
        """Return the counts of *kind*, of one population."""
        if (kind, population) not in self._known:
            text = f"SELECT * EXCLUDE (exercise) FROM {{{kind}}} WHERE exercise = $exercise"
            exercise = population is Population.EXERCISE
            self._known[kind, population] = self.rows(text, exercise=exercise)
        return self._known[kind, population]

    def text(self, statement: str) -> str:
        """Return *statement* with what each kind is read from in it."""
        for kind, counting in sql.COUNTS.items():
            statement = statement.replace(f"{{{kind}}}", self.readings.get(kind) or f"({counting})")
        for kind, table in sql.TABLES.items():
            statement = statement.replace(f"{{{kind}}}", self.readings.get(kind, table))
        return statement


def judge(db: Connection, period: Period, cuts: Mapping[Population, datetime]) -> Months:
    """Judge the facts in the tables of `month_sql.FACTS`; *cuts* (UTC) say up to when."""
    judge_calls(db, period, cuts)
    return judge_limits(db, period, cuts)


def judge_calls(db: Connection, period: Period, cuts: Mapping[Population, datetime]) -> Months:
    """Say of every call what it counts as; needs calls, links and incidents."""
    db.execute(sql.CALLS, _bounds(period, cuts))
    db.execute(sql.CALL_PARTS)
    db.execute(sql.JUDGED_CALLS.replace("{hour}", _local_hour(period)))
    return Months(db)


def judge_limits(db: Connection, period: Period, cuts: Mapping[Population, datetime]) -> Months:
    """Say of every limit how it ended; needs incidents, assignments, clocks; appeals where there are any."""
    db.execute(sql.NO_APPEALS)
    db.execute(sql.EXEMPTIONS)
    db.execute(sql.DUTIES)
    db.execute(sql.ENDED_CLOCKS, _bounds(period, cuts))
    db.execute(sql.CLOCK_PARTS)
    db.execute(sql.JUDGED_CLOCKS)
    return Months(db)


def _bounds(period: Period, cuts: Mapping[Population, datetime]) -> dict[str, datetime]:
    bounds = {"start": period.start, "end": period.end}
    return bounds | {f"cut_{each}": cuts[each] for each in Population}


def reading(paths: Sequence[Path]) -> str:
    """Return what DuckDB selects from to read Parquet files of the same kind."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}])"


# -- T1 and T2 -------------------------------------------------------------------------------------


def tally(months: Months, population: Population, pack: Pack) -> Tally:
    """Count the calls received in the period judged, as `domain.tally` does one by one."""
    standings: Counter[str] = Counter()
    inside = 0
    for each in Population:
        for standing, *_, n in months.counted(Kind.CASES, each):
            inside += n
            if each is population:
                standings[standing] += n
    lines: Counter[str] = Counter()
    hours: Counter[tuple[str, str]] = Counter()
    for line, hour, n in months.counted(Kind.TIMES, population):
        if line is not None:
            lines[line] += n
        else:
            at = EPOCH + hour * HOUR
            hours[str(at.date()), f"{at:%H}"] += n
    known = months.counted(Kind.RESPONSES, population)
    responses = {line or TOTAL: spread_of(*rest) for line, *rest in known}
    cases = _cases(months, population, pack)
    by_standing = Counter({Standing(each): n for each, n in standings.items()})
    return Tally(inside, by_standing, cases, lines, hours, responses)


def _cases(months: Months, population: Population, pack: Pack) -> Counter[tuple[str, str, str]]:
    cases: Counter[tuple[str, str, str]] = Counter()
    for standing, category, affair, area, n in months.counted(Kind.CASES, population):
        if standing == Standing.VALID:
            cases[category, affair_of(category, affair, pack), area] += n
    return cases


def overview(months: Months, period: Period, population: Population, pack: Pack) -> Overview:
    """Compute T1 of *period*."""
    return overview_of(tally(months, population, pack), period, population, pack)


def category_table(
    months: Mapping[str, Months],
    period: Period,
    population: Population,
    pack: Pack,
    *,
    published: bool = False,
) -> CategoryTable:
    """Compute T2 of *period*; *months* has it and those it is compared with, by label."""

    def whole(of: Period) -> Overview:
        return overview(months[of.label], of, population, pack)

    return category_table_of(whole, period, population, pack, published=published)


def _local_hour(period: Period) -> str:
    """Return hours of local time since 1970: the zone's offset changes at most a few times."""
    steps = list(_offsets(period))
    whens = " ".join(f"WHEN epoch_us(received_at) < {until} THEN {us}" for us, until in steps[:-1])
    offset = f"CASE {whens} ELSE {steps[-1][0]} END" if whens else str(steps[-1][0])
    return f"((epoch_us(received_at) + {offset}) // {HOUR // timedelta(microseconds=1)})"


def _offsets(period: Period) -> Iterator[tuple[int, int]]:
    """Yield the zone's offsets in *period* and until when each holds, microseconds."""
    at, known = period.start, _ahead(period.start, period)
    while at < period.end:
        later = min(at + 12 * HOUR, period.end)
        if _ahead(later, period) != known:
            change = _change(at, later, period)
            yield known, _us(change - EPOCH)
            known = _ahead(later, period)
        at = later
    yield known, _us(period.end - EPOCH)


def _change(before: datetime, after: datetime, period: Period) -> datetime:
    """Return the first second from which another offset holds."""
    old = _ahead(before, period)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _ahead(middle, period) == old else (before, middle)
    return after


def _ahead(at: datetime, period: Period) -> int:
    offset = at.astimezone(period.zone).utcoffset()
    assert offset is not None  # noqa: S101 - a zone's times always have one
    return _us(offset)


def _us(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


# -- T3 --------------------------------------------------------------------------------------------

Part = tuple[str | None, str, bool | None]
"""Unit (None: all), kind of limit, by day (None: both)."""


class _Limits(NamedTuple):
    """How the limits of one part ended, as `month_sql.LIMITS` gives it; last what it says of lengths."""

    on_time: int = 0
    late: int = 0
    open: int = 0
    exempt: int = 0
    suspended: int = 0
    not_yet_due: int = 0
    done_early: int = 0
    left_out: int = 0
    band_0: int = 0
    band_1: int = 0
    band_2: int = 0
    band_3: int = 0
    band_4: int = 0
    lengths_us: Sequence[int] = ()

    @property
    def bands(self) -> tuple[int, ...]:
        return (self.band_0, self.band_1, self.band_2, self.band_3, self.band_4)


_NONE = _Limits()
_LENGTHS = len(_Limits._fields) - 1


@dataclass
class _Units:
    limits: dict[Part, _Limits]
    given: dict[str | None, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def of(self, part: Part) -> _Limits:
        return self.limits.get(part, _NONE)


def unit_table(
    months: Months, period: Period, population: Population, pack: Pack, cut: datetime
) -> UnitTable:
    """Compute T3 of *period*, judged up to *cut* (UTC) as the facts of *months* were."""
    found = _measured(months, population)
    late = sorted(months.counted(Kind.CENSORED, population), key=lambda row: row[-2:])
    still_open = sum(found.of((None, kind, None)).open for kind in CLOCKS)
    units = {who for who, _, _ in found.limits if who is not None}
    return UnitTable(
        heading=heading("T3", FORMULA, period, population, pack),
        cut=cut.astimezone(period.zone),
        units=[_row(who, who.unit, found) for who in named(pack, units)],
        total=_row(WHOLE, None, found),
        censored_count=still_open,
        censored=[_censored(row, cut, period) for row in late],
    )


def tier_table(
    months: Months, period: Period, population: Population, pack: Pack, cut: datetime
) -> TierTable:
    """Compute T4 of *period*, judged up to *cut* (UTC) as the facts of *months* were."""
    handled = {
        (area, affair, crosstab.Outcome(what)): n
        for area, affair, what, n in months.counted(Kind.HANDLED, population)
    }
    return tier_table_of(
        heading("T4", tier_affairs.FORMULA, period, population, pack),
        cut.astimezone(period.zone),
        _cases(months, population, pack),
        handled,
        pack,
    )


def _measured(months: Months, population: Population) -> _Units:
    counted = months.counted(Kind.LIMITS, population)
    found = _Units(
        {
            (who, kind, day): _Limits._make([*rest[:_LENGTHS], rest[_LENGTHS:]])
            for who, kind, day, *rest in counted
        }
    )
    for who, duty, turn, n in months.counted(Kind.GIVEN, population):
        found.given[who][duty] += n
        found.given[None][duty] += n if turn > 1 else 0
    return found


def _row(who: Who, unit: str | None, found: _Units) -> UnitRow:
    given = found.given[unit]
    owed = sum(given[each] for each in Given)
    return UnitRow(
        unit=who.unit,
        name=who.name,
        department=who.department,
        sign_for=_cohort((unit, ClockKind.ACK, None), found),
        sign_for_bands=_bands((unit, ClockKind.ACK, None), SIGN_FOR_BANDS_S, found),
        arrival=_day_and_night(unit, ClockKind.ARRIVAL, found),
        assembly=_day_and_night(unit, ClockKind.ASSEMBLY, found),
        dual_feedback=DualFeedback(
            owed=owed,
            both=given[Given.BOTH],
            rate=rate(given[Given.BOTH], owed),
            automatic=given[Given.AUTOMATIC],
            back_filled=given[Given.BACK_FILLED],
            waived=given[sql.WAIVED],
            exempt=given[sql.EXCUSED],
        ),
        feedback=_cohort((unit, ClockKind.FEEDBACK, None), found),
        feedback_bands=_bands((unit, ClockKind.FEEDBACK, None), FEEDBACK_BANDS_S, found),
        handle=_cohort((unit, ClockKind.HANDLE, None), found),
        rework=given[sql.REWORKED],
        rework_exempt=given[sql.REWORK_EXCUSED],
    )


def _day_and_night(unit: str | None, kind: ClockKind, found: _Units) -> DayAndNight:
    return DayAndNight(
        all=_cohort((unit, kind, None), found),
        day=_cohort((unit, kind, True), found),
        night=_cohort((unit, kind, False), found),
    )


def _cohort(part: Part, found: _Units) -> Cohort:
    ended = found.of(part)
    return cohort_of(
        on_time=ended.on_time,
        late=ended.late,
        still_open=ended.open,
        spread=_spread(ended),
        exempt=ended.exempt,
        suspended=ended.suspended,
        not_yet_due=ended.not_yet_due + ended.done_early,
        done_early=ended.done_early,
    )


def _spread(ended: _Limits) -> Spread:
    n = ended.on_time + ended.late
    return spread_of(n, *ended.lengths_us) if n else Spread(n=0)


def _bands(part: Part, limits_s: Sequence[int], found: _Units) -> list[Band]:
    return list(map(Band, [*limits_s, None], found.of(part).bands))


def _censored(row: Sequence[Any], cut: datetime, period: Period) -> Censored:
    incident, unit, kind, rule, due_us, _ = row
    due = EPOCH + timedelta(microseconds=due_us)
    return Censored(
        incident=incident,
        unit=unit,
        clock=kind,
        rule=rule,
        due=due.astimezone(period.zone),
        overdue_s=int((cut - due).total_seconds()),
    )
