"""The routing tree as data: what covers what, and what a child inherits."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.pack import (
    DayNight,
    FixedUnit,
    Nearest,
    RouteMatch,
    RouteSet,
    TownshipOfScene,
    within,
)
from shared.contracts.values import Line

CATEGORIES = ("fire", "fire.forest", "fire.forest.pine", "rescue")
INCIDENTS = list(product((Line.FIRE, Line.POLICE), CATEGORIES, (1, 2), DayNight, ("", "着火了")))
MATCHES = st.builds(
    RouteMatch,
    lines=st.lists(st.sampled_from([Line.FIRE, Line.POLICE]), max_size=2).map(tuple),
    categories=st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple),
    severities=st.lists(st.integers(1, 2), max_size=2).map(tuple),
    day_night=st.sampled_from([None, *DayNight]),
    keywords=st.lists(st.just("着火"), max_size=1).map(tuple),
)


def fits(match: RouteMatch, incident: tuple[Line, str, int, DayNight, str]) -> bool:
    """Say by the plainest reading whether *incident* fits *match*."""
    line, category, severity, day_night, text = incident
    return (
        (not match.lines or line in match.lines)
        and (not match.categories or any(within(category, top) for top in match.categories))
        and (not match.severities or severity in match.severities)
        and match.day_night in (None, day_night)
        and (not match.keywords or any(word in text for word in match.keywords))
    )


@given(one=MATCHES, other=MATCHES)
def test_a_wider_match_takes_all_the_narrower_would(one: RouteMatch, other: RouteMatch) -> None:
    """A route called unreachable really is: nothing that fits it escapes the one before it."""
    if one.covers(other):
        assert all(fits(one, incident) for incident in INCIDENTS if fits(other, incident))


@given(one=MATCHES, other=MATCHES)
def test_what_cannot_meet_never_fits_both(one: RouteMatch, other: RouteMatch) -> None:
    """A child called shut out by its parent really is."""
    if not one.meets(other):
        assert not [i for i in INCIDENTS if fits(one, i) and fits(other, i)]


@given(MATCHES)
def test_everything_is_covered_by_the_empty_match_and_by_itself(match: RouteMatch) -> None:
    """The root's empty match takes all."""
    assert RouteMatch().covers(match)
    assert match.covers(match)


def test_a_child_inherits_what_it_leaves_open() -> None:
    """None inherits; an empty tuple says nobody, and a tuple replaces the parent's."""
    parent = RouteSet(
        lead=(FixedUnit("xj-rescue"),), supports=(TownshipOfScene(),), tell=("post-a",)
    )
    child = RouteSet(supports=(), standby=(Nearest("medical"),)).under(parent)

    assert parent.lead == child.lead
    assert () == child.supports
    assert (Nearest("medical"),) == child.standby
    assert ("post-a",) == child.tell
