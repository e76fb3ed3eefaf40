"""Counting by sets agrees with the pure functions, cell by cell, on whatever history."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.reports.adapters import month_questions, month_sets, parquet_files
from services.reports.adapters.file_names import path_of
from services.reports.adapters.month_files import COUNTED
from services.reports.adapters.month_sets import Connection, Months
from services.reports.adapters.month_sql import COUNTS, FACTS, Kind, columns, taken
from services.reports.domain import period as periods
from services.reports.domain.category_months import category_table, category_table_of
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import ClockFact, Facts, IncidentFact, Population
from services.reports.domain.overview import Overview, overview
from services.reports.domain.period import Period
from services.reports.domain.tier_affairs import tier_table
from services.reports.domain.units import unit_table
from services.reports.handlers import Question, compute
from tests.unit.reports.cases import (
    AFTER,
    NOVEMBER,
    T0,
    a_call,
    a_clock,
    a_duty,
    facts,
    joined,
    opened,
    uid,
    xianju,
)
from tests.unit.reports.later_cases import an_appeal

NEW_YORK = ZoneInfo("America/New_York")
MONTHS = [
    NOVEMBER,
    # the clocks go back on 1 November 2026 and forward on 8 March
    periods.month("2026-11", NEW_YORK),
    periods.month("2026-03", NEW_YORK),
    periods.longer("2026", NEW_YORK),
    periods.day("2026-11-01", NEW_YORK),
    # three quarters of an hour beside the hour
    periods.month("2026-11", ZoneInfo("Asia/Kathmandu")),
]
_ARROW = {
    UUID: pa.string(),
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
}
KINDS = {
    Kind.CALLS: "calls",
    Kind.LINKS: "links",
    Kind.INCIDENTS: "incidents",
    Kind.ASSIGNMENTS: "assignments",
    Kind.CLOCKS: "clocks",
    Kind.APPEALS: "appeals",
}


def arrow(kind: Kind, rows: Sequence[Any]) -> pa.Table:
    """Return facts as they come from the database: ids as text, times UTC."""
    known = columns(FACTS[kind])
    schema = pa.schema([(name, _ARROW[each]) for name, each in known.items()])
    values = [[str(v) if isinstance(v, UUID) else v for v in row] for row in rows]
    return (
        pa.table(dict(zip(known, zip(*values, strict=True), strict=True)), schema)
        if values
        else (schema.empty_table())
    )


@contextmanager
def judged(found: Facts, period: Period) -> Iterator[tuple[Connection, Months]]:
    """Judge *found* by sets."""
    with month_sets.opened() as db:
        for kind in FACTS:
            rows = getattr(found, KINDS[kind]) if kind in KINDS else ()
            db.register("incoming", arrow(kind, rows))
            db.execute(taken(kind, "incoming"))
            db.unregister("incoming")
        cuts = {each: found.cut(period, each) for each in Population}
        yield db, month_sets.judge(db, period, cuts)


STATES = ["dispatched", "closed", "invalid", "duplicate", "duplicate", "cancelled", "unheard_of"]
AREAS = [None, "", "331024001", "331024106", "999999999"]
CATEGORIES = ["traffic.jam", "traffic", "fire", "unclassified", "never.heard.of"]
UNITS = ["xj-traffic", "xj-traffic", "xj-rescue", "gone-unit", "", None]
CLOCK_KINDS = ["ack", "arrival", "assembly", "feedback", "handle", "accept", "new"]
CLOCK_STATES = [
    "running",
    "paused",
    "met",
    "met",
    "breached",
    "breached",
    "cancelled",
    "void",
    "odd",
]
EXEMPT = [
    "arrival",
    "handle feedback",
    "ack",
    "assembly dual_feedback",
    "dual_feedback",
    "rework",
    "rework handle",
    "satisfaction",
    "never_heard_of",
]
WHO_SAID = [None, "unit", "feed", "desk", "device", "other"]
BANDS_S = [0, -5, 30, 60, 120, 180, 1200, 1800, 3600, 7200, 14400]


class Chance:
    """Facts drawn from one seed: hundreds in a history, which drawing one by one would not allow."""

    def __init__(self, seed: int, period: Period) -> None:
        self._rng = Random(seed)
        self._period = period
        self.of = self._rng.choice

    def one_in(self, n: int) -> bool:
        return self._rng.randrange(n) == 0

    def near(self) -> datetime:
        """Times round the period's ends, in it, and at the ends of the periods beside."""
        start, end = self._period.start, self._period.end
        inside = start + (end - start) * self._rng.random()
        before = period_before(self._period).start
        year = (year_before(self._period) or self._period).start
        anchor = self.of([start, end, inside, inside, inside, before, year])
        step = self.of([0, 1, -1, self._rng.randint(-200_000, 200_000) * 1_000_000])
        return anchor + timedelta(microseconds=step)

    def calls(self, count: int) -> tuple[list[Any], dict[UUID, IncidentFact]]:
        """Calls with and without an incident, joined or not."""
        found: list[Any] = []
        incidents = {}
        for n in range(count):
            call = a_call(
                n,
                self.near(),
                line=self.of(["110", "119", "122", "12345", "other", "fax"]),
                category=self.of(CATEGORIES),
                area=self.of(AREAS),
                withdrawn=self.one_in(6),
                exercise=self.one_in(4),
                test=self.one_in(8),
            )
            found.append(call)
            if self.one_in(3):
                found.append(joined(call, opened(a_call("another"))))
            if not self.one_in(3):
                incidents[call.opens] = opened(
                    call,
                    state=self.of(STATES),
                    category=self.of(CATEGORIES),
                    affair=self.of(["emergency", "public_order", "", "odd"]),
                    area=self.of(AREAS),
                    merged_into=self.of([None, None, uid("absorbing")]),
                    on_scene_at=self.arrival(call.received_at),
                    test=self.one_in(8),
                )
        return found, incidents

    def arrival(self, received: datetime) -> datetime | None:
        """None, soon, before the receipt, or round the period's ends."""
        soon = received + timedelta(microseconds=self._rng.randint(-(10**6), 10**9))
        return self.of([None, soon, soon, self.near()])

    def limits(self, count: int) -> list[ClockFact]:
        """Limits in every state, exactly met and just missed, some with the copy a merge leaves."""
        found = []
        for n in range(count):
            limit = timedelta(seconds=self.of([60, 1200, 86_400]))
            exact = [limit, *(timedelta(seconds=s) for s in BANDS_S)]
            just = self.of(exact) + timedelta(microseconds=self.of([0, 0, 1, -1]))
            took = self.of([None, limit, just, limit * self._rng.random(), limit * 2])
            duty = self._rng.randint(0, 5)
            clock = a_clock(
                n,
                self.of(CLOCK_KINDS),
                due=self.near(),
                limit=limit,
                took=took,
                incident_id=uid("incident", self._rng.randint(0, 9)),
                assignment_id=uid("assignment", duty) if duty else None,
                version=self._rng.randint(1, 3),
                state=self.of(CLOCK_STATES),
                judged=not self.one_in(8),
                exempt=self.one_in(8),
                day=self.one_in(2),
                exercise=self.one_in(4),
            )._replace(unit=self.of(UNITS))
            found.append(clock)
            other = uid("incident", self._rng.randint(0, 9))
            if self.one_in(3) and other != clock.incident_id:
                version = self._rng.randint(1, 3)
                copy = clock._replace(incident_id=other, version=version, stopped=clock.started)
                found.append(copy._replace(due=self.of([clock.due, self.near()])))
        return found

    def duties(self) -> list[Any]:
        """The duties limits run on, some shown by two incidents, some unknown."""
        return [
            a_duty(
                n,
                incident_id=uid("incident", shown),
                version=self._rng.randint(1, 3),
                unit_kind=self.of(["standing", "desk", "county", "county"]),
                state=self.of(["fed_back", "released", "standby", "sent"]),
                arrived_at=self.of([None, T0, T0]),
                arrived_by=self.of(WHO_SAID),
                arrived_late_told=self.one_in(4),
                ended_at=self.of([None, T0, T0]),
                ended_by=self.of(WHO_SAID),
                ended_late_told=self.one_in(4),
                waived_at=self.of([None, None, None, T0]),
                rework=self._rng.randint(0, 2),
                exempt=self.of(["", "", "", *EXEMPT]),
            )
            for n in range(1, 5)
            for shown in self._rng.sample(range(10), self.of([0, 1, 1, 2]))
        ]

    def appeals(self) -> list[Any]:
        """Appeals about duties, some decided, some about several things, some with a merge's copy."""
        found = []
        for duty in range(1, 7):
            for n in range(self.of([0, 0, 1, 2])):
                appeal = an_appeal(
                    duty,
                    self.of(EXEMPT),
                    appeal_id=uid("appeal", duty, n),
                    incident_id=uid("incident", self._rng.randint(0, 9)),
                    state=self.of(["granted", "granted", "asked", "refused", "odd"]),
                )
                found.append(appeal)
                if self.one_in(4):
                    found.append(appeal._replace(incident_id=uid("absorbed"), version=2))
        return found

    def history(self) -> Facts:
        """Everything, as one reading of the database gives it."""
        found, incidents = self.calls(self.of([0, 3, 40]))
        for n in range(9):
            if not self.one_in(4):
                call = a_call(f"case {n}")
                incident = opened(
                    call,
                    incident_id=uid("incident", n),
                    state=self.of(STATES),
                    area=self.of(AREAS),
                    affair=self.of(["emergency", "public_order", "", "odd"]),
                    test=n == 8,
                )
                incidents[incident.incident_id] = incident
        found += [*self.limits(self.of([0, 2, 90, 90])), *self.duties(), *self.appeals()]
        read_at = self.of([self._period.start, self._period.end, self._period.end, AFTER])
        heard = {str(each): self.near() for each in Population}
        return facts(*found, *incidents.values(), read_at=read_at, **heard)


SEEDS = st.integers(0, 2**32)


CASES = st.tuples(st.sampled_from(MONTHS), SEEDS).map(
    lambda drawn: (drawn[0], Chance(drawn[1], drawn[0]).history())
)
TWENTY = facts(
    *(
        a_clock(n, kind, took=timedelta(seconds=(n * 37) % 101), due=T0 + timedelta(seconds=n))
        for n in range(100)
        for kind in ("ack", "handle")
    )
)


@given(CASES)
@example((NOVEMBER, facts()))
@example((NOVEMBER, TWENTY))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_sets_agree_with_the_pure_functions(case: tuple[Period, Facts]) -> None:
    """T1 to T4 of both populations are equal in every cell, list and order."""
    period, found = case
    pack = xianju()
    with judged(found, period) as (db, months):
        for each in Population:
            cut = found.cut(period, each)
            units = month_sets.unit_table(months, period, each, pack, cut)
            tiers = month_sets.tier_table(months, period, each, pack, cut)

            assert unit_table(found, period, each, pack) == units
            assert tier_table(found, period, each, pack) == tiers
        whole: dict[tuple[str, Population], Overview] = {}
        for of in filter(None, (period, period_before(period), year_before(period))):
            cuts = {each: found.cut(of, each) for each in Population}
            calls = month_sets.judge_calls(db, of, cuts)
            for each in Population:
                whole[of.label, each] = month_sets.overview(calls, of, each, pack)
    for each in Population:
        by_sets = category_table_of(partial(_of, whole, each), period, each, pack)

        assert overview(found, period, each, pack) == whole[period.label, each]
        assert category_table(found, period, each, pack) == by_sets


def _of(
    whole: dict[tuple[str, Population], Overview], population: Population, period: Period
) -> Overview:
    return whole[period.label, population]


@given(SEEDS.map(lambda seed: Chance(seed, NOVEMBER).history()))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_files_give_the_same_and_are_the_same_each_time(found: Facts) -> None:
    """Written twice, in whatever order the facts came: one SHA-256; by counts or rows: one table."""
    backwards = facts(
        *reversed(
            [
                *found.calls,
                *found.links,
                *found.incidents,
                *found.assignments,
                *found.clocks,
                *found.appeals,
            ]
        ),
        read_at=found.read_at or T0,
        **{str(p): at for p, at in found.heard.items()},
    )
    with TemporaryDirectory() as place:
        folder = Path(place)
        with judged(found, NOVEMBER) as (db, _):
            first = parquet_files.write(db, folder / "one", NOVEMBER.label)
        with judged(backwards, NOVEMBER) as (db, _):
            second = parquet_files.write(db, folder / "two", NOVEMBER.label)
        with month_sets.opened() as db:
            rows = [file for file in first if Kind(file.kind) not in COUNTS]
            for files in (first, rows):
                months = parquet_files.months_of(db, folder / "one", NOVEMBER.label, files)
                for population in Population:
                    told = (months, NOVEMBER, population, xianju())
                    cut = found.cut(NOVEMBER, population)
                    asked = (found, NOVEMBER, population, xianju())

                    assert overview(*asked) == month_sets.overview(*told)
                    assert unit_table(*asked) == month_sets.unit_table(*told, cut)
                    assert tier_table(*asked) == month_sets.tier_table(*told, cut)

    assert first == second


@given(SEEDS.map(lambda seed: Chance(seed, NOVEMBER).history()))
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_closed_months_answer_every_question_as_the_pure_functions_do(drawn: Facts) -> None:
    """T1 to T4, whole and published, of both populations, from nothing but the counts of three months."""
    found = replace(drawn, read_at=AFTER)
    with TemporaryDirectory() as place, month_sets.opened() as db:
        counts = {}
        for of in filter(None, (NOVEMBER, period_before(NOVEMBER), year_before(NOVEMBER))):
            with judged(found, of) as (facts_of, _):
                counts[of.label] = parquet_files.write(facts_of, Path(place), of.label, COUNTS)

        @contextmanager
        def opened_month(of: Period, _: Collection[Kind]) -> Iterator[tuple[Months, Facts]]:
            yield parquet_files.months_of(db, Path(place), of.label, counts[of.label]), found

        for table, population, published in product(COUNTED, Population, (False, True)):
            question = Question(table, NOVEMBER, population, published)

            by_counts = month_questions.counted(question, xianju(), opened_month)

            assert compute(question, found, xianju()) == by_counts


def test_no_contact_text_or_place_is_in_a_file() -> None:
    """Files go to a bureau's own tools: ids, codes, words and times only."""
    forbidden = {
        "caller",
        "phone",
        "text",
        "narrative",
        "place",
        "lon",
        "lat",
        "address",
        "contact",
    }
    with TemporaryDirectory() as place, judged(TWENTY, NOVEMBER) as (db, _):
        files = parquet_files.write(db, Path(place), NOVEMBER.label)
        for file in files:
            path = path_of(Path(place), NOVEMBER.label, file)
            described = db.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()

            assert not forbidden & {str(name) for name, *_ in described}


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_local_hours_follow_the_zone(zone: str) -> None:
    """The hour that comes twice and the one that never comes, half-hour changes included."""
    year = periods.longer("2026", ZoneInfo(zone))
    every = [datetime(2026, 1, 2, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(17_000)]
    found = facts(*(a_call(n, at) for n, at in enumerate(every)))

    with judged(found, year) as (_, months):
        counted = month_sets.tally(months, Population.REAL, xianju()).hours

    local = [at.astimezone(year.zone) for at in every]
    assert {(str(at.date()), f"{at:%H}") for at in local} == set(counted)
