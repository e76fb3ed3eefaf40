"""The routing tree always answers, and says why (DOMAIN §5)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.router.domain.routing import Facts, Routed, route
from shared.contracts.incident import Scene
from shared.contracts.pack import (
    DayNight,
    FixedUnit,
    Nearest,
    Pack,
    Route,
    RouteMatch,
    RouteSet,
    TownshipOfScene,
    UnitKind,
)
from shared.contracts.values import Lane, Line
from tests.builders import COUNTY_TOWN, T0, TOWNSHIP, hours


def some_facts(**fields: Any) -> Facts:
    """Return a home fire in the county town by day."""
    plain = Facts(
        line=Line.POLICE,
        lane=Lane.URGENT,
        category="fire.building.home",
        severity=3,
        scene=Scene(area=COUNTY_TOWN, at_seat=True),
        at=T0,
    )
    return replace(plain, **fields)


def routed(pack: Pack, tree: Route | None = None, **fields: Any) -> Routed:
    """Route some facts by the pack's tree, or by another."""
    return route(replace(pack, routes=tree) if tree else pack, some_facts(**fields), T0)


def test_every_category_area_line_and_hour_gets_one_lead(pack: Pack) -> None:
    """The root always answers: nothing that can be reported falls silent."""
    areas = [None, "999999999", *pack.area_by_code]
    for category in [*pack.category_by_code, "no.such.kind"]:
        for area in areas:
            for line in Line:
                for at in (T0, T0 + hours(12)):
                    found = routed(
                        pack, category=category, line=line, at=at, scene=Scene(area=area)
                    )
                    everybody = [found.lead, *found.supports, *found.standby]

                    assert found.lead in pack.unit_by_id
                    assert len(everybody) == len(set(everybody))


def test_a_child_inherits_what_it_leaves_open(pack: Pack) -> None:
    """fire-grave replaces supports and standby, and keeps fire's lead and posts."""
    found = routed(pack, severity=1)

    assert "fire-grave" == found.record.rule
    assert "xj-rescue" == found.lead
    assert ("post-duty-leader", "post-deputy-head") == found.record.tell


def test_the_first_match_wins(pack: Pack) -> None:
    """forest-fire stands before fire and takes what fits both."""
    found = routed(pack, category="fire.forest")

    assert "forest-fire" == found.record.rule


def test_the_squad_of_the_scene_goes_along(pack: Pack) -> None:
    """A township's own squad supports; where the area is unknown it is said that nobody was found."""
    known = routed(pack, scene=Scene(area=TOWNSHIP))
    unknown = routed(pack, scene=Scene())

    assert ("xj-t-hengxi",) == known.supports
    assert () == unknown.supports
    assert ("township_of_scene", "area_unknown") in [
        (r.what, r.why) for r in unknown.record.rejected
    ]


def test_nearest_measures_to_the_scene(pack: Pack) -> None:
    """Of the units with first aid that of the township itself is nearest to its seat."""
    tree = Route(id="root", version=1, set=RouteSet(lead=(Nearest("first-aid"),)))

    assert "xj-t-hengxi" == routed(pack, tree, scene=Scene(area=TOWNSHIP)).lead


def test_nobody_able_falls_through_to_the_duty_desk(pack: Pack) -> None:
    """A broken rule never means silence: the desk leads and the shortfall is named."""
    broken = (FixedUnit("no-such-unit"), Nearest("no-such-skill"), TownshipOfScene())
    tree = Route(id="root", version=1, set=RouteSet(lead=broken))
    found = routed(pack, tree, scene=Scene(area="000000000"))

    assert pack.desk.id == found.lead
    assert "lead" in found.record.shortfalls
    assert [("no-such-unit", "unknown_unit"), ("nearest:no-such-skill", "nobody_able")] == [
        (r.what, r.why) for r in found.record.rejected
    ][:2]


def test_a_required_capability_nobody_sent_has_is_a_shortfall(pack: Pack) -> None:
    """DOMAIN §5: shown at the desk."""
    tree = Route(id="root", version=1, set=RouteSet(lead=(FixedUnit("xj-desk"),)))

    assert ("firefighting",) == routed(pack, tree).record.shortfalls


@pytest.mark.parametrize(
    ("category", "severity", "commander"),
    [
        ("order.gathering", 2, "post-police-chief"),
        ("rescue.water", 2, "post-deputy-head"),
        ("help.relief", 1, "post-deputy-head"),
        ("order.noise", 4, "xj-police"),
        ("fire.building.home", 3, "xj-rescue"),
    ],
)
def test_commander(pack: Pack, category: str, severity: int, commander: str) -> None:
    """P11: police chief, deputy county head, else the leader of the team that leads."""
    assert commander == routed(pack, category=category, severity=severity).record.commander


def test_the_record_names_rule_version_inputs_and_what_was_not_taken(pack: Pack) -> None:
    """The decision record can be read without the pack."""
    record = routed(pack, severity=1).record

    assert ("fire-grave", "1") == (record.rule, record.rule_version)
    assert ("fire.building.home", "1", "day") == (
        record.inputs["category"],
        record.inputs["severity"],
        record.inputs["time"],
    )
    assert ("forest-fire", "category") in [(r.what, r.why) for r in record.rejected]


@pytest.mark.parametrize(
    ("match", "field"),
    [
        (RouteMatch(lines=(Line.FIRE,)), "line"),
        (RouteMatch(areas=(TOWNSHIP,)), "area"),
        (RouteMatch(lanes=(Lane.ORDINARY,)), "lane"),
        (RouteMatch(severities=(1,)), "severity"),
        (RouteMatch(categories=("order",)), "category"),
        (RouteMatch(keywords=("溺水",)), "keyword"),
    ],
)
def test_each_predicate_can_reject(pack: Pack, match: RouteMatch, field: str) -> None:
    """The record names the first field that did not fit."""
    child = Route(id="child", version=1, match=match)
    tree = Route(
        id="root", version=1, set=RouteSet(lead=(FixedUnit("xj-desk"),)), children=(child,)
    )
    record = routed(pack, tree).record

    assert ("root", ("child", field)) == (
        record.rule,
        (record.rejected[0].what, record.rejected[0].why),
    )


def test_words_decide_where_the_kind_is_unknown(pack: Pack) -> None:
    """An unclassified call that speaks of smoke goes to the rescue team."""
    found = routed(pack, category="unclassified", text="山上冒烟")

    assert ("words-of-fire", "xj-rescue") == (found.record.rule, found.lead)


def test_a_lead_without_standby_gets_its_backup(pack: Pack) -> None:
    """There is always somebody to widen to (DOMAIN §3, row 18), except behind the desk."""
    for unit in pack.units:
        tree = Route(id="root", version=1, set=RouteSet(lead=(FixedUnit(unit.id),)))
        found = routed(pack, tree)

        assert (unit.backup,) == found.standby or unit.kind in (UnitKind.DESK, UnitKind.EXPERT)


def a_tree() -> Route:
    """Return a tree in which every fact that a route can ask for decides somewhere."""
    asked = {
        "word": RouteMatch(keywords=("冒烟",)),
        "area": RouteMatch(areas=(TOWNSHIP,)),
        "lane": RouteMatch(lanes=(Lane.ORDINARY,)),
        "severity": RouteMatch(severities=(1,)),
        "night": RouteMatch(day_night=DayNight.NIGHT),
        "line": RouteMatch(lines=(Line.FIRE,)),
        "kind": RouteMatch(categories=("fire",)),
    }
    children = tuple(Route(id=name, version=1, match=match) for name, match in asked.items())
    desk = RouteSet(lead=(FixedUnit("xj-desk"),))
    return Route(id="root", version=1, set=desk, children=children)


def test_what_was_routed_before_changes_nothing(pack: Pack) -> None:
    """A walk is remembered by everything it depends on: each single fact changed is another walk."""
    known = replace(pack, routes=a_tree())
    plain = {"category": "unclassified", "scene": Scene(area=COUNTY_TOWN), "text": "燃气"}
    changed: dict[str, dict[str, Any]] = {
        "root": {},
        "word": {"text": "山上冒烟"},
        "area": {"scene": Scene(area=TOWNSHIP)},
        "lane": {"lane": Lane.ORDINARY},
        "severity": {"severity": 1},
        "night": {"at": T0 + hours(12)},
        "line": {"line": Line.FIRE},
        "kind": {"category": "fire"},
    }
    asked = list(changed.items())
    found = [  # the second time every walk is remembered
        (name, route(known, some_facts(**(plain | fields)), T0).record)
        for name, fields in (*asked, *asked)
    ]

    assert [(name, name) for name, _ in found] == [(name, record.rule) for name, record in found]
    assert [7, 7] == [len(record.rejected) for name, record in found if name == "root"]
