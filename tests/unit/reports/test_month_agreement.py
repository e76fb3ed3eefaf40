"""Counting by sets agrees with the pure functions, cell by cell, on whatever history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.reports.adapters import month_sets, parquet_files
from services.reports.adapters.file_names import path_of
from services.reports.adapters.month_sets import Connection, Months
from services.reports.adapters.month_sql import FACTS, Kind, columns, taken
from services.reports.domain import period as periods
from services.reports.domain.category_months import category_table, category_table_of
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import ClockFact, Facts, IncidentFact, Population
from services.reports.domain.overview import Overview, overview
from services.reports.domain.period import Period
from services.reports.domain.tier_affairs import tier_table
from services.reports.domain.units import unit_table
from tests.unit.reports.cases import (
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


STEPS = st.integers(-3, 3).map(lambda n: timedelta(microseconds=n)) | st.integers(
    -200_000, 200_000
).map(lambda n: timedelta(seconds=n))
STATES = st.sampled_from(
    ["dispatched", "closed", "invalid", "duplicate", "cancelled", "transferred", "unheard_of"]
)
MAYBE = st.booleans()
AREAS = st.sampled_from([None, "", "331024001", "331024106", "999999999"])
CATEGORIES = st.sampled_from(["traffic.jam", "traffic", "fire", "unclassified", "never.heard.of"])
UNITS = st.sampled_from(["xj-traffic", "xj-rescue", "gone-unit", "", None])
CLOCK_KINDS = st.sampled_from(["ack", "arrival", "assembly", "feedback", "handle", "accept", "new"])
CLOCK_STATES = st.sampled_from(["running", "paused", "met", "breached", "cancelled", "void", "odd"])
WHO_SAID = st.sampled_from([None, "unit", "feed", "desk", "device", "other"])


@st.composite
def near(draw: st.DrawFn, period: Period) -> datetime:
    """Times round the period's ends, its middle, and the years beside."""
    anchor = draw(
        st.sampled_from(
            [
                period.start,
                period.end,
                period.start + (period.end - period.start) / 2,
                period_before(period).start,
                (year_before(period) or period).start,
            ]
        )
    )
    return anchor + draw(STEPS)


@st.composite
def histories(draw: st.DrawFn, period: Period) -> Facts:
    """Calls with and without incidents, joined and merged; limits and duties in every state."""
    found: list[Any] = []
    incidents: dict[UUID, IncidentFact] = {}
    for n in range(draw(st.integers(0, 8))):
        call = a_call(
            n,
            draw(near(period)),
            line=draw(st.sampled_from(["110", "119", "122", "12345", "other", "fax"])),
            category=draw(CATEGORIES),
            area=draw(AREAS),
            withdrawn=draw(MAYBE) and draw(MAYBE),
            exercise=draw(MAYBE),
            test=draw(MAYBE) and draw(MAYBE),
        )
        found.append(call)
        if draw(MAYBE):
            incidents[call.opens] = opened(
                call,
                incident_id=call.opens,
                state=draw(STATES),
                category=draw(CATEGORIES),
                affair=draw(st.sampled_from(["emergency", "public_order", "", "odd"])),
                area=draw(AREAS),
                merged_into=draw(st.sampled_from([None, uid("absorbing")])),
                test=draw(MAYBE) and draw(MAYBE),
            )
        if draw(MAYBE):
            found.append(joined(call, opened(a_call("another"))))
    for n in range(3):
        # a merge shows the same limit and duty under two incidents
        call = a_call(f"case {n}", T0)
        incident = opened(call, incident_id=uid("incident", n), state=draw(STATES), test=n == 2)
        if draw(MAYBE):
            incidents[incident.incident_id] = incident
    for n in range(draw(st.integers(0, 14))):
        found += draw(limits(n, period))
    found += draw(duties())
    heard = {str(p): draw(near(period)) for p in Population}
    read_at = draw(st.sampled_from([period.start, period.end, period.end + timedelta(days=9)]))
    return facts(*found, *incidents.values(), read_at=read_at, **heard)


@st.composite
def limits(draw: st.DrawFn, n: int, period: Period) -> list[ClockFact]:
    """One limit, sometimes with the copy that a merge leaves."""
    limit = timedelta(seconds=draw(st.sampled_from([60, 1200, 86_400])))
    took = draw(
        st.none()
        | st.sampled_from([30, 60, 120, 180, 1800, 1200, 0, -5]).map(lambda s: timedelta(seconds=s))
        | st.integers(-2_000_000, 200_000_000).map(lambda us: timedelta(microseconds=us))
    )
    duty = draw(st.integers(0, 4))
    clock = a_clock(
        n,
        draw(CLOCK_KINDS),
        due=draw(near(period)),
        limit=limit,
        took=took,
        incident_id=uid("incident", draw(st.integers(0, 3))),
        assignment_id=uid("assignment", duty) if duty else None,
        version=draw(st.integers(1, 3)),
        state=draw(CLOCK_STATES),
        judged=draw(st.integers(0, 4)) > 0,
        exempt=draw(st.integers(0, 5)) == 0,
        day=draw(MAYBE),
        exercise=draw(st.integers(0, 3)) == 0,
    )._replace(unit=draw(UNITS))
    if draw(st.integers(0, 3)):
        return [clock]
    other = uid("incident", 3 - int(clock.incident_id == uid("incident", 3)))
    copy = clock._replace(
        incident_id=other, version=draw(st.integers(1, 3)), due=draw(near(period))
    )
    return [clock, copy] if other != clock.incident_id else [clock]


@st.composite
def duties(draw: st.DrawFn) -> list[Any]:
    """The duties limits run on, some shown by two incidents, some unknown."""
    return [
        a_duty(
            n,
            incident_id=uid("incident", shown),
            version=draw(st.integers(1, 3)),
            unit_kind=draw(st.sampled_from(["standing", "desk", "county"])),
            state=draw(st.sampled_from(["fed_back", "released", "standby", "sent"])),
            arrived_at=draw(st.sampled_from([None, T0])),
            arrived_by=draw(WHO_SAID),
            arrived_late_told=draw(MAYBE) and draw(MAYBE),
            ended_at=draw(st.sampled_from([None, T0])),
            ended_by=draw(WHO_SAID),
            waived_at=draw(st.sampled_from([None, None, T0])),
            rework=draw(st.integers(0, 2)),
        )
        for n in range(1, 4)
        for shown in sorted(draw(st.sets(st.integers(0, 3), max_size=2)))
    ]


CASES = st.sampled_from(MONTHS).flatmap(lambda m: st.tuples(st.just(m), histories(m)))
TWENTY = facts(
    *(
        a_clock(n, kind, took=timedelta(seconds=(n * 37) % 101), due=T0 + timedelta(seconds=n))
        for n in range(70)
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
            calls = month_sets.judge_calls(db, of)
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


@given(histories(NOVEMBER))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_files_give_the_same_and_are_the_same_each_time(found: Facts) -> None:
    """Written twice, in whatever order the facts came: one SHA-256; counted from the files: one table."""
    backwards = facts(
        *reversed(
            [*found.calls, *found.links, *found.incidents, *found.assignments, *found.clocks]
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
            months = parquet_files.months_of(db, folder / "one", NOVEMBER.label, first)
            for population in Population:
                cut = found.cut(NOVEMBER, population)
                units = month_sets.unit_table(months, NOVEMBER, population, xianju(), cut)

                assert unit_table(found, NOVEMBER, population, xianju()) == units
                assert overview(found, NOVEMBER, population, xianju()) == month_sets.overview(
                    months, NOVEMBER, population, xianju()
                )

    assert first == second


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
        counted = month_sets.tally(months, year, Population.REAL, xianju()).hours

    local = [at.astimezone(year.zone) for at in every]
    assert {(str(at.date()), f"{at:%H}") for at in local} == set(counted)
