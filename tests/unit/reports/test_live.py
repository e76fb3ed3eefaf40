"""Windows, what is open, and the live picture made of them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.facts import Population
from services.reports.domain.live import Live, LivePolicy
from services.reports.domain.live_baseline import Baseline, Expected
from services.reports.domain.live_calls import CallSeen, CallWindows, Taken, minute_of
from services.reports.domain.live_open import IncidentSeen, OpenIncidents, seen
from services.reports.domain.live_watch import LINES, Place
from services.reports.live_handlers import call_seen, messages
from shared.contracts.incident import AssignmentState, IncidentState
from shared.contracts.pack import Surge
from shared.contracts.stats import Figure, LiveFigure, Verdict
from shared.contracts.values import Line
from tests.builders import COUNTY_TOWN, T0, TOWNSHIP, a_call, an_assignment, an_incident, minutes

REAL, EXERCISE = Population.REAL, Population.EXERCISE
PLACE = Place("xianju", "331024", (COUNTY_TOWN, TOWNSHIP))
HELD = range(minute_of(T0) - 200, minute_of(T0) + 200)


def a_seen(number: int = 1, **fields: object) -> CallSeen:
    """Return the first revision of a call of line 110 at T0."""
    plain = CallSeen(UUID(int=number), 1, Line.POLICE, COUNTY_TOWN, T0, REAL)
    return plain._replace(**fields)  # type: ignore[arg-type]


def windows() -> CallWindows:
    """Return windows that hold two hours back and one ahead."""
    return CallWindows(kept=timedelta(hours=2), ahead=timedelta(hours=1))


def a_live(*populations: Population) -> Live:
    """Return a picture of two areas."""
    return Live(PLACE, LivePolicy(Surge()), populations or (REAL,))


def said(figures: list[LiveFigure], figure: Figure, of: str = Line.POLICE) -> list[LiveFigure]:
    """Return the figures of one kind."""
    return [each for each in figures if each.figure is figure and each.of == of]


calls = st.builds(
    CallSeen,
    call_id=st.builds(lambda n: UUID(int=n), st.integers(1, 12)),
    version=st.integers(1, 4),
    line=st.sampled_from(LINES),
    area=st.sampled_from([COUNTY_TOWN, TOWNSHIP, None]),
    received_at=st.builds(lambda m: T0 + minutes(m), st.floats(-100, 50)),
    population=st.sampled_from(Population),
    counts=st.booleans(),
)


def consistent(found: list[CallSeen]) -> list[CallSeen]:
    """Keep one content for each revision of a call, as intake says it."""
    return list({(call.call_id, call.version): call for call in found}.values())


some_calls = st.lists(calls, max_size=25).map(consistent)


@given(some_calls, st.randoms())
def test_counts_do_not_depend_on_the_order_of_events(
    found: list[CallSeen], shuffle: object
) -> None:
    """Redelivery, several partitions and late events: the same calls make the same windows."""
    other = list(found) * 2
    shuffle.shuffle(other)  # type: ignore[attr-defined]
    one, two = windows(), windows()
    for call in found:
        one.take(call, T0)
    for call in other:
        two.take(call, T0)

    for population in Population:
        assert one.by_line(population, HELD) == two.by_line(population, HELD)


@given(some_calls)
def test_counts_sum_to_the_calls_whose_newest_revision_counts(found: list[CallSeen]) -> None:
    """Each call once, under its newest revision; lines and areas are two ways to cut one sum."""
    held = windows()
    for call in found:
        held.take(call, T0)
    newest: dict[UUID, CallSeen] = {}
    for call in sorted(found, key=lambda c: c.version):
        newest[call.call_id] = call

    for population in Population:
        mine = [c for c in newest.values() if c.counts and c.population is population]
        assert len(mine) == sum(held.by_line(population, HELD).values())
        assert len(mine) == sum(held.by_area(population, HELD).values())
        assert Counter((c.line, c.area) for c in mine) == held.by_area(population, HELD)


def test_a_call_older_than_the_windows_is_outside_and_its_older_revision_too() -> None:
    """Late beyond the held windows: it stands in the facts, not here."""
    held = windows()
    moved = a_seen(version=2, received_at=T0 - timedelta(hours=3))

    assert Taken.OUTSIDE is held.take(moved, T0)
    assert Taken.SEEN_BEFORE is held.take(a_seen(), T0)
    assert not held.by_line(REAL, HELD)


def test_what_is_forgotten_is_not_counted() -> None:
    """Windows hold two hours: memory does not grow with the day."""
    held = windows()
    held.take(a_seen(), T0)
    held.forget(T0 + timedelta(hours=2, minutes=1))

    assert not held.by_line(REAL, HELD)
    assert not held.populations()


incidents = st.builds(
    IncidentSeen,
    incident_id=st.builds(lambda n: UUID(int=n), st.integers(1, 6)),
    version=st.integers(1, 6),
    state=st.sampled_from(IncidentState),
    population=st.just(REAL),
    out=st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2),
    counts=st.just(True),
)


@given(st.lists(incidents, max_size=30), st.randoms())
def test_the_highest_version_of_an_incident_wins(
    found: list[IncidentSeen], shuffle: object
) -> None:
    """ARCHITECTURE §4.5: a zombie may publish late; open by state follows the newest snapshot."""
    found = list({(i.incident_id, i.version): i for i in found}.values())
    newest = {i.incident_id: i for i in sorted(found, key=lambda i: i.version)}
    shuffle.shuffle(found)  # type: ignore[attr-defined]
    held = OpenIncidents()
    for incident in found:
        held.take(incident)
    closed = {"closed", "invalid", "duplicate", "transferred", "cancelled"}
    still = [i for i in newest.values() if i.state not in closed]

    assert Counter(i.state for i in still) == +held.by_state(REAL)
    assert sorted(i.incident_id for i in still) == held.ids()
    assert len({unit for i in still for unit in i.out}) == held.units_out(REAL)


def test_a_line_not_known_yet_counts_as_other() -> None:
    """Readers tolerate words they do not know, and the parts still sum to the whole."""
    live = a_live()
    live.call(a_seen(1, line=Line.UNKNOWN), T0)
    figures = said(live.advance(T0 + minutes(2)), Figure.CALLS, Line.OTHER)

    assert [1] == [each.value for each in figures if each.start == T0]


def test_a_unit_is_out_from_its_turnout_until_it_has_ended_and_counts_once() -> None:
    """A unit in two incidents is one unit; one that was only told is not out."""
    out, told = AssignmentState.ARRIVED, AssignmentState.ACKED
    first = an_incident(
        an_assignment("xj-rescue", state=out), an_assignment("xj-health", state=told)
    )
    second = an_incident(an_assignment("xj-rescue", state=out), incident_id=UUID(int=9))
    held = OpenIncidents()
    held.take(seen(first))
    held.take(seen(second))

    assert 1 == held.units_out(REAL)


def test_tests_count_nowhere() -> None:
    """FIGURES: test records are left out."""
    held = OpenIncidents()
    held.take(seen(an_incident(test=True)))
    live = a_live()
    live.call(call_seen(a_call(test=True), withdrawn=False), T0)
    live.call(call_seen(a_call("C2"), withdrawn=True), T0)

    assert not +held.by_state(REAL)
    assert {0} == {each.value for each in said(live.advance(T0 + minutes(3)), Figure.CALLS)}


def test_a_minute_is_said_once_when_closed_and_again_when_a_late_call_corrects_it() -> None:
    """Event time in platform time: the minute is the call's, whenever it is heard."""
    live = a_live()
    live.call(a_seen(1), T0)
    early = said(live.advance(T0 + minutes(1)), Figure.CALLS)
    closed = said(live.advance(T0 + minutes(2)), Figure.CALLS)
    again = said(live.advance(T0 + minutes(2.5)), Figure.CALLS)
    live.call(a_seen(2), T0 + minutes(2.6))
    corrected = said(live.advance(T0 + minutes(2.7)), Figure.CALLS)

    assert [] == [each for each in early if each.value]
    assert [(T0, 1)] == [(each.start, each.value) for each in closed]
    assert [] == again
    assert [(T0, 2)] == [(each.start, each.value) for each in corrected]


def test_at_a_drills_speed_a_minute_waits_for_what_is_on_the_way() -> None:
    """At speed 720 two wall seconds are 24 minutes, and a minute of a busy machine half a day."""
    live, grace = a_live(), timedelta(minutes=24)
    early = said(live.advance(T0 + minutes(20), grace), Figure.CALLS)
    live.call(a_seen(1), T0 + minutes(20))
    closed = [
        each
        for step in range(21, 40)
        for each in said(live.advance(T0 + minutes(step), grace), Figure.CALLS)
        if each.start == T0
    ]

    live.call(a_seen(2), T0 + timedelta(hours=11))
    late = said(live.advance(T0 + timedelta(hours=11), grace), Figure.CALLS)

    assert [] == [each for each in early if each.start >= T0]
    assert [1] == [each.value for each in closed]
    assert [2] == [each.value for each in late if each.start == T0]


def test_a_silent_line_says_zero_every_minute() -> None:
    """A reader can tell silence from a picture that stopped."""
    live = a_live()
    live.advance(T0)
    figures = said(live.advance(T0 + minutes(3)), Figure.CALLS, Line.FIRE)

    assert [0, 0, 0] == [each.value for each in figures]


def test_real_cases_and_exercises_never_mix() -> None:
    """FIGURES: one population, or the other, under names of their own."""
    live = a_live()
    live.call(a_seen(1), T0)
    live.call(a_seen(2, population=EXERCISE), T0)
    live.incident(seen(an_incident(exercise=True)))
    figures = said(live.advance(T0 + minutes(2)), Figure.CALLS)
    standing = said(live.standing(T0), Figure.OPEN, IncidentState.DISPATCHED)

    assert {("331024/calls.110", 1), ("331024/calls.110.exercise", 1)} == {
        (each.name, each.value) for each in figures if each.value
    }
    assert {False: 0, True: 1} == {each.exercise: each.value for each in standing}


def test_a_clock_set_back_begins_another_day() -> None:
    """A drill sets platform time: yesterday's windows are not the new day's."""
    live = a_live()
    live.call(a_seen(1), T0)
    live.advance(T0 + minutes(2))
    earlier = T0 - timedelta(days=30)
    live.call(a_seen(2, received_at=earlier), earlier)
    live.advance(earlier)
    live.call(a_seen(3, received_at=earlier), earlier)
    figures = said(live.advance(earlier + minutes(2)), Figure.CALLS)

    assert [(earlier, 1)] == [(each.start, each.value) for each in figures if each.value]


def a_baseline(per_hour: float) -> Baseline:
    """Return the same number of calls on line 110 at every hour, half of them in the county town."""
    return Baseline(
        zone=ZoneInfo("Asia/Shanghai"),
        weeks=8,
        means={Line.POLICE: [per_hour] * 168},
        dispersions={Line.POLICE: [0.0] * 168},
        shares={(Line.POLICE, COUNTY_TOWN): Expected(0.5, 0.01)},
    )


def burst(live: Live, count: int, at: datetime, first: int = 100) -> None:
    """Have *count* calls come within a minute."""
    for number in range(first, first + count):
        live.call(a_seen(number, received_at=at), at)


def test_without_history_a_chart_is_learning() -> None:
    """No verdict is better than one from nothing."""
    live = a_live()
    burst(live, 50, T0)
    figures = said(live.advance(T0 + minutes(10)), Figure.SURGE)

    assert {Verdict.LEARNING} == {each.verdict for each in figures}
    assert {None} == {each.expected for each in figures}


def test_a_surge_is_said_for_the_line_and_its_area_and_ends() -> None:
    """Open from the bin that passes the limit until the statistic is back at zero."""
    live = a_live()
    live.learn(REAL, a_baseline(6))
    live.advance(T0)
    burst(live, 40, T0 + minutes(1))
    begun = said(live.advance(T0 + minutes(6)), Figure.SURGE)
    later = [
        each
        for step in range(7, 110)
        for each in said(live.advance(T0 + minutes(step)), Figure.SURGE)
    ]
    surging = [each for each in begun if each.verdict is Verdict.SURGE]

    assert {"331024", COUNTY_TOWN} == {each.area for each in surging}
    assert {T0 + minutes(5)} == {each.since for each in surging}
    assert {Verdict.QUIET} == {each.verdict for each in live.surges()}
    assert Verdict.QUIET in {each.verdict for each in later if each.area == COUNTY_TOWN}


def test_a_bin_is_judged_once_and_a_late_call_changes_no_verdict() -> None:
    """A chart that could be raised afterwards would alarm for what is over."""
    live = a_live()
    live.learn(REAL, a_baseline(6))
    live.advance(T0)
    live.advance(T0 + minutes(6))
    burst(live, 40, T0 + minutes(1))
    figures = said(live.advance(T0 + minutes(7)), Figure.SURGE)

    assert [] == figures
    assert {Verdict.QUIET} == {each.verdict for each in live.surges()}


def test_versions_of_a_figure_grow_within_a_batch_and_over_restarts() -> None:
    """Highest version wins, although the picture keeps no counter."""
    live = a_live()
    live.advance(T0)
    figures = live.advance(T0 + minutes(5))
    first, again = messages(figures, T0, 1_000_000), messages(figures, T0, 1_000_900)
    of_police = [m.version for m in first if m.key == "331024/calls.110"]

    assert sorted(set(of_police)) == of_police
    assert max(of_police) < min(m.version for m in again)
