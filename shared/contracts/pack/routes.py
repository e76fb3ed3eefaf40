"""Who is sent, as a tree of rules: depth first, the first match wins, children inherit."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from shared.contracts.pack.kinds import CategoryCode
from shared.contracts.pack.places import AreaCode, Positive
from shared.contracts.pack.teams import Id, Severity, categories_meet, meet, within
from shared.contracts.pack.words import AffairClass, DayNight
from shared.contracts.values import Lane, Line


class FixedUnit(Struct, frozen=True, forbid_unknown_fields=True, tag_field="by", tag="unit"):
    """Select this unit."""

    unit: Id


class TownshipOfScene(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="by", tag="township_of_scene"
):
    """Select the squad based in the scene's area; nobody where the area is unknown."""


class Nearest(Struct, frozen=True, forbid_unknown_fields=True, tag_field="by", tag="nearest"):
    """Select the unit with this capability whose base's seat is nearest to the scene; ties by unit id.

    A scene without a point lies at its area's seat; without an area nobody is nearest.
    """

    capability: Id


Selector = FixedUnit | TownshipOfScene | Nearest


class RouteMatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a route asks of an incident; an empty field asks nothing.

    Categories match with all below them; a keyword matches as a part of the scrubbed text.
    """

    lines: tuple[Line, ...] = ()
    affairs: tuple[AffairClass, ...] = ()
    categories: tuple[CategoryCode, ...] = ()
    areas: tuple[AreaCode, ...] = ()
    lanes: tuple[Lane, ...] = ()
    severities: tuple[Severity, ...] = ()
    day_night: DayNight | None = None
    keywords: tuple[Annotated[str, Meta(min_length=1)], ...] = ()

    def covers(self, other: "RouteMatch") -> bool:
        """Say whether everything that fits *other* fits this too, so that *other* after it is dead."""
        return (
            _covers(self.lines, other.lines)
            and _covers(self.affairs, other.affairs)
            and _covers_categories(self.categories, other.categories)
            and _covers(self.areas, other.areas)
            and _covers(self.lanes, other.lanes)
            and _covers(self.severities, other.severities)
            and self.day_night in (None, other.day_night)
            and _covers(self.keywords, other.keywords)
        )

    def meets(self, other: "RouteMatch") -> bool:
        """Say whether something could fit both."""
        days = (self.day_night, other.day_night)
        return (
            meet(self.lines, other.lines)
            and meet(self.affairs, other.affairs)
            and categories_meet(self.categories, other.categories)
            and meet(self.areas, other.areas)
            and meet(self.lanes, other.lanes)
            and meet(self.severities, other.severities)
            and (None in days or self.day_night == other.day_night)
        )


class RouteSet(Struct, frozen=True, forbid_unknown_fields=True):
    """What a route decides; None inherits from the parent, a tuple replaces the parent's.

    `lead`: selectors tried in order, the first that finds a unit gives the one accountable lead.
    `supports`, `standby`: every unit found is sent along, or named to be activated later.
    A unit chosen once is not chosen again for a later part.
    `tell`: ids of the posts to be told (R17).
    """

    lead: tuple[Selector, ...] | None = None
    supports: tuple[Selector, ...] | None = None
    standby: tuple[Selector, ...] | None = None
    tell: tuple[Id, ...] | None = None

    def under(self, parent: "RouteSet") -> "RouteSet":
        """Return this with what it leaves open taken from *parent*."""
        return RouteSet(
            lead=parent.lead if self.lead is None else self.lead,
            supports=parent.supports if self.supports is None else self.supports,
            standby=parent.standby if self.standby is None else self.standby,
            tell=parent.tell if self.tell is None else self.tell,
        )


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of the routing tree; `id` and `version` go into the decision record."""

    id: Id
    version: Positive
    set: RouteSet = RouteSet()
    match: RouteMatch = RouteMatch()
    children: tuple["Route", ...] = ()
    source: str = "ours"


def _covers(mine: Sequence[object], theirs: Sequence[object]) -> bool:
    return not mine or (bool(theirs) and set(theirs) <= set(mine))


def _covers_categories(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    if not mine:
        return True
    return bool(theirs) and all(any(within(t, m) for m in mine) for t in theirs)
