"""Which time limit holds, and that two rules never fit equally well (DOMAIN 4)."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.incident import Relation
from shared.contracts.pack import (
    AffairClass,
    ClockFacts,
    ClockMatch,
    ClockRule,
    DayNight,
    Expected,
    LimitUnit,
    Region,
    UnitKind,
    match_clock,
    ties,
)
from shared.contracts.sla import ClockKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
T0 = datetime(2026, 11, 22, 10, 0, tzinfo=SHANGHAI).astimezone(UTC)
LONG_AGO = datetime(2010, 1, 1, tzinfo=SHANGHAI)
REGION = Region(
    code="somewhere",
    name="某县",
    area_code="331024",
    prefix="XX",
    version="1",
    time_zone="Asia/Shanghai",
    day_start=time(8),
    day_end=time(20),
    office_hours=(),
    retention_days=30,
    parked_feedback_limit_s=600,
    backdating_tolerance_s=300,
    expects=Expected(areas=0, teams=0, public=0, professional=0, expert=0),
)


def a_rule(rule: str, match: ClockMatch | None = None, **changed: object) -> ClockRule:
    """A 20-minute arrival rule with what the test cares about."""
    fields: dict[str, object] = {
        "version": 1,
        "effective_from": LONG_AGO,
        "clock": ClockKind.ARRIVAL,
        "value": 20,
        "unit": LimitUnit.MINUTE,
        "source": "S1",
    }
    return ClockRule(id=rule, match=match or ClockMatch(), **(fields | changed))  # type: ignore[arg-type]


def facts(at: datetime = T0, **known: object) -> ClockFacts:
    """Return what is known of an arrival clock that starts at *at*."""
    day_night = REGION.day_night(at)
    return ClockFacts(ClockKind.ARRIVAL, at, day_night, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("07:59:59.999999", DayNight.NIGHT),
        ("08:00:00", DayNight.DAY),
        ("19:59:59.999999", DayNight.DAY),
        ("20:00:00", DayNight.NIGHT),
        ("00:00:00", DayNight.NIGHT),
    ],
)
def test_day_is_eight_inclusive_to_twenty_exclusive(local: str, expected: DayNight) -> None:
    """R01-R04: day = 08:00-20:00 local, decided by the clock's start instant."""
    start = datetime.fromisoformat(f"2026-11-22T{local}+08:00").astimezone(UTC)

    assert expected is REGION.day_night(start)


def test_a_naive_time_is_refused() -> None:
    """Every time value carries its zone."""
    naive = T0.replace(tzinfo=None)

    with pytest.raises(ValueError, match="naive"):
        REGION.day_night(naive)
    with pytest.raises(ValueError, match="naive"):
        match_clock([], ClockFacts(ClockKind.ARRIVAL, naive, DayNight.DAY))


@given(st.integers(0, 10 * 365 * 86_400))
def test_day_night_does_not_depend_on_the_zone_it_is_written_in(seconds: int) -> None:
    """The same instant is day or night whatever offset it carries."""
    at = T0 + timedelta(seconds=seconds)

    assert REGION.day_night(at) is REGION.day_night(at.astimezone(SHANGHAI))


def test_the_most_specific_rule_wins_whatever_the_order() -> None:
    """DOMAIN 4: one more field asked makes a rule more specific."""
    wide = a_rule("WIDE")
    narrow = a_rule("NARROW", ClockMatch(relations=(Relation.OWN_SEAT,)))
    narrowest = a_rule("NARROWEST", ClockMatch((), (), (), (Relation.OWN_SEAT,), DayNight.DAY))
    known = facts(relation=Relation.OWN_SEAT)

    assert match_clock([wide, narrow, narrowest], known) is narrowest
    assert match_clock([narrowest, narrow, wide], known) is narrowest


def test_a_deeper_category_is_more_specific() -> None:
    """A rule for `fire.building` holds before one for `fire`, and not for `fireworks`."""
    fire = a_rule("FIRE", ClockMatch(categories=("fire",)))
    building = a_rule("BUILDING", ClockMatch(categories=("fire.building",)))

    assert match_clock([fire, building], facts(category="fire.building.home")) is building
    assert match_clock([fire, building], facts(category="fire.vehicle")) is fire
    assert match_clock([fire, building], facts(category="fireworks")) is None


def test_no_rule_is_no_limit() -> None:
    """Where the source sets no limit none is invented."""
    seat = a_rule("R01", ClockMatch(relations=(Relation.OWN_SEAT,)))

    assert match_clock([seat], facts(relation=Relation.TOWNSHIP_TO_TOWNSHIP)) is None
    assert match_clock([seat], facts()) is None


def test_the_version_in_force_at_the_start_holds() -> None:
    """A rule's new version holds for clocks started from then on, also where it narrows its match."""
    change = T0 + timedelta(days=1)
    old = a_rule("R01")
    new = a_rule(
        "R01", ClockMatch(unit_kinds=(UnitKind.COUNTY,)), version=2, effective_from=change, value=15
    )

    assert match_clock([new, old], facts(change - timedelta(microseconds=1))) is old
    assert match_clock([new, old], facts(change, unit_kind=UnitKind.COUNTY)) is new
    assert match_clock([new, old], facts(change, unit_kind=UnitKind.EXPERT)) is None
    assert match_clock([new, old], facts(LONG_AGO - timedelta(days=1))) is None


@pytest.mark.parametrize(
    ("one", "other", "tied"),
    [
        (ClockMatch(), ClockMatch(), True),
        (ClockMatch(day_night=DayNight.DAY), ClockMatch(day_night=DayNight.NIGHT), False),
        (ClockMatch(day_night=DayNight.DAY), ClockMatch(severities=(1,)), True),
        (ClockMatch(severities=(1, 2)), ClockMatch(severities=(2, 3)), True),
        (ClockMatch(severities=(1, 2)), ClockMatch(severities=(3, 4)), False),
        (ClockMatch(categories=("fire",)), ClockMatch(categories=("rescue",)), False),
        (ClockMatch(categories=("fire",)), ClockMatch(categories=("fire.forest",)), False),
        (ClockMatch(categories=("fire.forest",)), ClockMatch((), ("fire",), (1,)), True),
    ],
)
def test_a_tie_is_found_at_load(one: ClockMatch, other: ClockMatch, tied: bool) -> None:
    """Two rules that overlap and weigh the same are a tie: refused when loaded, not at night."""
    assert tied is bool(ties([a_rule("A", one), a_rule("B", other)]))


def test_rules_of_different_clocks_never_tie() -> None:
    """ARRIVAL and ASSEMBLY measure different things."""
    assert [] == ties([a_rule("A"), a_rule("B", clock=ClockKind.ASSEMBLY)])


def test_two_rules_of_one_version_tie() -> None:
    """A version stands once, and only one version starts at an instant."""
    later = LONG_AGO + timedelta(days=1)

    assert ties([a_rule("R01"), a_rule("R01", effective_from=later)])
    assert ties([a_rule("R01"), a_rule("R01", version=2)])
    assert [] == ties([a_rule("R01"), a_rule("R01", version=2, effective_from=later)])


MATCHES = st.builds(
    ClockMatch,
    affairs=st.lists(st.sampled_from(AffairClass), max_size=2).map(tuple),
    categories=st.lists(st.sampled_from(["fire", "fire.forest", "rescue"]), max_size=2).map(tuple),
    severities=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    relations=st.lists(st.sampled_from(Relation), max_size=2).map(tuple),
    day_night=st.sampled_from([None, *DayNight]),
    unit_kinds=st.lists(st.sampled_from(UnitKind), max_size=2).map(tuple),
)
FACTS = st.builds(
    ClockFacts,
    clock=st.just(ClockKind.ARRIVAL),
    started=st.just(T0),
    day_night=st.sampled_from(DayNight),
    affair=st.sampled_from([None, *AffairClass]),
    category=st.sampled_from([None, "fire", "fire.forest.pine", "rescue"]),
    severity=st.sampled_from([None, 1, 2, 3, 4]),
    relation=st.sampled_from([None, *Relation]),
    unit_kind=st.sampled_from([None, *UnitKind]),
)


@given(matches=st.lists(MATCHES, max_size=6), known=FACTS, order=st.randoms(use_true_random=False))
def test_without_ties_the_order_of_rules_says_nothing(
    matches: list[ClockMatch], known: ClockFacts, order: Random
) -> None:
    """A rule set that loads gives one answer, and every rule that fits and weighs less gives way."""
    rules = [a_rule(f"R{i}", match) for i, match in enumerate(matches)]
    shuffled = list(rules)
    order.shuffle(shuffled)
    found = match_clock(rules, known)
    fitting = [rule for rule in rules if rule.match.fits(known)]
    if ties(fitting):
        return

    assert found is match_clock(shuffled, known)
    assert all(
        rule.match.weight < found.match.weight for rule in fitting if found and rule is not found
    )
    assert (found is None) == (not fitting)


@given(one=MATCHES, other=MATCHES, known=FACTS)
def test_what_fits_two_rules_makes_them_overlap(
    one: ClockMatch, other: ClockMatch, known: ClockFacts
) -> None:
    """The tie check misses nothing: facts that fit both prove an overlap."""
    if one.fits(known) and other.fits(known):
        assert one.overlaps(other)


def test_a_working_limit_has_no_plain_length() -> None:
    """工作时 needs a calendar: asking for its length is an error, not a wrong due time."""
    assert timedelta(minutes=20) == a_rule("R01").limit
    with pytest.raises(ValueError, match="working calendar"):
        _ = a_rule("X", unit=LimitUnit.WORKING_HOUR).limit
