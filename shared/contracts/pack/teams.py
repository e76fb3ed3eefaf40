"""Who can be sent and who is told: departments, posts, units, staffing and commanders."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from shared.contracts.pack.places import Positive
from shared.contracts.pack.words import AffairClass, UnitKind

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
Severity = Annotated[int, Meta(ge=1, le=4)]
PUBLIC_KINDS = frozenset({UnitKind.COUNTY, UnitKind.TOWNSHIP})
COUNTED_KINDS = PUBLIC_KINDS | {UnitKind.PROFESSIONAL, UnitKind.EXPERT}


class Endpoints(Struct, frozen=True, forbid_unknown_fields=True):
    """Where notices go: `sms` is a token the gateway resolves, `webhook` a path under the base address."""

    sms: Annotated[str, Meta(pattern=r"^sms-[a-z0-9-]+$")]
    webhook: Annotated[str, Meta(pattern=r"^/[a-z0-9/-]+$")]


class Department(Struct, frozen=True, forbid_unknown_fields=True):
    """A department: its id names the feed topic `feed.<id>.v1`; `superior` is a post's id."""

    id: Id
    name: str
    superior: str


class Post(Struct, frozen=True, forbid_unknown_fields=True):
    """A post that is told or commands (R17, P11): an office, never a person."""

    id: Id
    name: str
    endpoints: Endpoints


class Unit(Struct, frozen=True, forbid_unknown_fields=True):
    """A team (队伍). `base` is an area code, `backup` a unit's id, `duty_posts` are held 24 h (R11, P18).

    `min_staff` is what P17 asks for, `staff` the strength on its roll; 0 where P17 says nothing.
    `ours` marks a unit that is not among the source document's teams.
    """

    id: Id
    name: str
    kind: UnitKind
    base: str
    department: str
    capabilities: tuple[str, ...]
    endpoints: Endpoints
    backup: str | None
    duty_posts: tuple[str, ...]
    min_staff: int = 0
    staff: int = 0
    ours: bool = False


class Capability(Struct, frozen=True, forbid_unknown_fields=True):
    """Something a unit can do and a category may ask for."""

    id: Id
    name: str


class StaffingRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of P17: at least (and at most) so many people. The first row that fits a unit holds.

    An empty field fits all; `area_class` is the class of the unit's base.
    """

    id: Id
    at_least: Positive
    source: str
    units: tuple[str, ...] = ()
    kind: UnitKind | None = None
    area_class: int | None = None
    at_most: int | None = None

    def fits(self, unit: Unit, area_class: int) -> bool:
        return (
            (not self.units or unit.id in self.units)
            and self.kind in (None, unit.kind)
            and self.area_class in (None, area_class)
        )


class CommanderRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of P11: who commands on scene. The first row that fits holds; an empty field fits all.

    `post` None means the leader of the lead unit (各专业应急队伍负责人).
    """

    id: Id
    source: str
    post: str | None = None
    affairs: tuple[AffairClass, ...] = ()
    categories: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()

    def fits(self, affair: AffairClass, category: str, severity: int) -> bool:
        return (
            (not self.affairs or affair in self.affairs)
            and (not self.categories or any(within(category, top) for top in self.categories))
            and (not self.severities or severity in self.severities)
        )


def within(category: str, top: str) -> bool:
    """Say whether *category* is *top* or below it; levels are parted by dots."""
    return category == top or category.startswith(top + ".")


def meet(one: Sequence[object], other: Sequence[object]) -> bool:
    """Say whether two conditions, empty for any, leave something that fits both."""
    return not one or not other or bool(set(one) & set(other))


def categories_meet(one: Sequence[str], other: Sequence[str]) -> bool:
    """Say the same of categories, which match with all below them."""
    if not one or not other:
        return True
    return any(within(a, b) or within(b, a) for a in one for b in other)


def commander_rule(
    rules: Iterable[CommanderRule], affair: AffairClass, category: str, severity: int
) -> CommanderRule | None:
    """Return the first row of P11 that fits, None if the table leaves the case open."""
    return next((rule for rule in rules if rule.fits(affair, category, severity)), None)


def staffing_rule(
    rules: Iterable[StaffingRule], unit: Unit, area_class: int
) -> StaffingRule | None:
    """Return the row of P17 that holds for *unit*, None where S1 asks for nothing."""
    return next((rule for rule in rules if rule.fits(unit, area_class)), None)
