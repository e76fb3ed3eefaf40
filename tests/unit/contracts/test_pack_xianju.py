"""The pack xianju says what S1 says, and nothing that is another place's."""

import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from shared.contracts.incident import Relation, Scene
from shared.contracts.pack import (
    COUNTED_KINDS,
    PUBLIC_KINDS,
    FixedUnit,
    Pack,
    Recipient,
    UnitKind,
    build,
)
from shared.contracts.pack.check_routes import walk_routes
from shared.contracts.sla import ClockKind
from shared.contracts.values import Lane
from shared.runtime.packs import load_pack

XIANJU = Path(__file__).parents[3] / "deploy" / "regions" / "xianju"
DAY = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
S1_CLOCKS = {"R01", "R02", "R03", "R04", "R07"}


@pytest.fixture(scope="module")
def pack() -> Pack:
    """Return the pack, read once."""
    return load_pack(XIANJU)


def test_it_loads_in_less_than_a_third_of_a_second() -> None:
    """A pack is read at every start: best of three, this machine is shared."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        load_pack(XIANJU)
        seconds.append(time.perf_counter() - start)

    assert min(seconds) < 0.3


def test_p14_forty_teams(pack: Pack) -> None:
    """P14: 23 public (3 of the county, 20 of the townships), 16 professional, 1 expert."""
    kinds = [unit.kind for unit in pack.units if not unit.ours]

    assert len(kinds) == 40
    assert 23 == sum(kind in PUBLIC_KINDS for kind in kinds)
    assert (3, 20) == (kinds.count(UnitKind.COUNTY), kinds.count(UnitKind.TOWNSHIP))
    assert (16, 1) == (kinds.count(UnitKind.PROFESSIONAL), kinds.count(UnitKind.EXPERT))


def test_what_s1_does_not_count_is_marked_ours(pack: Pack) -> None:
    """Units added for the 110 and 122 lines and the desk are not among the 40."""
    ours = {unit.id for unit in pack.units if unit.ours}

    assert {"xj-police", "xj-traffic", "xj-desk"} == ours
    assert all(unit.kind not in COUNTED_KINDS for unit in pack.units if unit.ours)


@pytest.mark.parametrize(
    ("unit", "at_least"),
    [
        ("xj-t-hengxi", 20),
        ("xj-t-butou", 15),
        ("xj-t-anling", 10),
        ("xj-counter-terror", 50),
        ("xj-crowd", 50),
        ("xj-militia", 50),
        ("xj-medical", 20),
        ("xj-power", 10),
    ],
)
def test_p17_staffing(pack: Pack, unit: str, at_least: int) -> None:
    """P17: town class 1/2/3 at least 20/15/10; three teams 50; medical 20; professional 10-20."""
    team = pack.unit_by_id[unit]

    assert at_least == team.min_staff
    assert at_least <= team.staff


def test_every_area_has_its_squad(pack: Pack) -> None:
    """20 townships, one comprehensive rescue squad each."""
    assert all(pack.squad_of(area.code) for area in pack.areas)
    assert pack.squad_of(None) is None


@pytest.mark.parametrize(
    ("relation", "clock", "at", "expected"),
    [
        (Relation.COUNTY_TOWN, ClockKind.ARRIVAL, DAY, ("R01", 20)),
        (Relation.COUNTY_TOWN, ClockKind.ARRIVAL, NIGHT, ("R02", 30)),
        (Relation.OWN_SEAT, ClockKind.ARRIVAL, DAY, ("R01", 20)),
        (Relation.OWN_SEAT, ClockKind.ARRIVAL, NIGHT, ("R02", 30)),
        (Relation.TOWN_TO_TOWNSHIP, ClockKind.ASSEMBLY, DAY, ("R03", 15)),
        (Relation.TOWN_TO_TOWNSHIP, ClockKind.ASSEMBLY, NIGHT, ("R04", 25)),
        (Relation.TOWN_TO_TOWNSHIP, ClockKind.ARRIVAL, DAY, None),
        (Relation.COUNTY_TOWN, ClockKind.ASSEMBLY, DAY, None),
        (Relation.OWN_TOWNSHIP_OUTSIDE_SEAT, ClockKind.ARRIVAL, DAY, None),
        (Relation.OWN_TOWNSHIP_OUTSIDE_SEAT, ClockKind.ASSEMBLY, NIGHT, None),
        (Relation.TOWNSHIP_TO_TOWNSHIP, ClockKind.ARRIVAL, DAY, None),
        (Relation.TOWNSHIP_TO_TOWNSHIP, ClockKind.ASSEMBLY, NIGHT, None),
        (Relation.UNKNOWN, ClockKind.ARRIVAL, DAY, None),
        (Relation.UNKNOWN, ClockKind.ASSEMBLY, NIGHT, None),
    ],
)
def test_r01_to_r04(
    pack: Pack, relation: Relation, clock: ClockKind, at: datetime, expected: tuple[str, int] | None
) -> None:
    """R01-R04 by relation and by day or night of the start; elsewhere S1 sets no limit."""
    rule = pack.clock_rule(clock, at, category="fire", unit="xj-rescue", relation=relation)

    assert expected == ((rule.id, rule.value) if rule else None)


def test_r07_feedback_within_a_day(pack: Pack) -> None:
    """R07: handling and result go back to the centre within 24 hours."""
    rule = pack.clock_rule(ClockKind.FEEDBACK, DAY, category="order.theft", unit="xj-police")

    assert rule is not None
    assert ("R07", 24 * 3600) == (rule.id, rule.limit.total_seconds())


def test_the_desk_owes_no_arrival(pack: Pack) -> None:
    """The duty desk handles from its seat: R01 is for teams that travel."""
    desk = pack.desk.id

    assert pack.clock_rule(ClockKind.ACK, DAY, unit=desk)
    assert not pack.clock_rule(ClockKind.ARRIVAL, DAY, unit=desk, relation=Relation.COUNTY_TOWN)


def test_other_places_rules_are_absent_and_additions_are_marked(pack: Pack) -> None:
    """R05 and R06 are other places' rules; what S1 does not say is called ours."""
    assert S1_CLOCKS == {rule.id for rule in pack.clocks if rule.source == "S1"}
    assert {"S1", "ours"} == {rule.source for rule in pack.clocks}
    assert not {"R05", "R06"} & {rule.id for rule in pack.clocks}


@pytest.mark.parametrize(
    ("category", "severity", "post"),
    [
        ("order.gathering", 2, "post-police-chief"),
        ("order.theft", 4, None),
        ("fire.building.home", 2, "post-deputy-head"),
        ("fire.building.home", 3, None),
        ("help.relief", 1, "post-deputy-head"),
        ("city.waste", 4, None),
    ],
)
def test_p11_commanders(pack: Pack, category: str, severity: int, post: str | None) -> None:
    """P11: public order the police chief, rescue and relief the deputy head, else the team's leader."""
    rule = pack.commander(category, severity)

    assert rule is not None
    assert post == rule.post


def test_r12_two_channels_for_an_order(pack: Pack) -> None:
    """R12: by computer and by SMS at the same time."""
    orders = [rule for rule in pack.notices.rules if rule.source == "R12"]

    assert all({"sms", "webhook"} == set(rule.channels) for rule in orders)
    assert all(rule.to is Recipient.UNIT for rule in orders)


def test_the_root_answers(pack: Pack) -> None:
    """The duty desk answers what no rule takes."""
    assert (FixedUnit("xj-desk"),) == pack.routes.set.lead
    assert 30 < len(list(walk_routes(pack.routes)))


@pytest.mark.parametrize(
    ("source", "codes", "names", "category", "lane"),
    [
        ("110", ["010401", "0104", "01"], [], "order.medical_dispute", Lane.URGENT),
        ("110", ["010499", "0104", "01"], [], "order.dispute", Lane.URGENT),
        ("110", ["99"], [], "unclassified", Lane.URGENT),
        ("12345", [], ["占道经营", "城市管理", "投诉"], "city.vendor", Lane.ORDINARY),
        ("12345", [], ["从未见过"], "unclassified", Lane.ORDINARY),
    ],
)
def test_a_hotlines_words_become_categories(
    pack: Pack, source: str, codes: list[str], names: list[str], category: str, lane: Lane
) -> None:
    """The most specific known code wins; an unknown one is unclassified in its source's lane."""
    found = pack.source_by_id[source].category(codes, names)

    assert category == found
    assert lane is pack.lane(source, found)


def test_the_base_and_scene_of_a_real_unit(pack: Pack) -> None:
    """A county team called to 横溪 leaves the town; 横溪's own squad is at its seat or is not."""
    at_seat = Scene(area="331024101", at_seat=True)

    assert pack.relation("xj-rescue", at_seat) is Relation.TOWN_TO_TOWNSHIP
    assert pack.relation("xj-t-hengxi", at_seat) is Relation.OWN_SEAT
    assert pack.relation("nobody", at_seat) is Relation.UNKNOWN


def test_the_digest_follows_the_content(pack: Pack) -> None:
    """Same content in any order of keys, same digest; any change of a rule changes it, and the stamp carries both."""
    raw = msgspec.to_builtins(pack)
    raw["sources"][0]["category_codes"] = dict(
        reversed(raw["sources"][0]["category_codes"].items())
    )
    again = build(raw)
    raw["clocks"][0]["value"] = 21

    assert pack.digest == again.digest
    assert pack.digest != build(raw).digest
    assert pack.stamp == f"{pack.region.version}+{pack.digest}"


def test_no_person_stands_in_the_pack(pack: Pack) -> None:
    """Endpoints are tokens and paths: eleven digits in a row would be a number of somebody."""
    text = msgspec.json.encode(pack).decode()
    runs = [len(run) for run in "".join(c if c.isdigit() else " " for c in text).split()]

    assert max(run for run in runs) < 11
