"""Time limits as data: one row per rule of a source document, and which row holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Annotated

from msgspec import Meta, Struct

from shared.contracts.incident import Relation
from shared.contracts.pack.kinds import CategoryCode
from shared.contracts.pack.places import Positive
from shared.contracts.pack.teams import Severity, categories_meet, meet, within
from shared.contracts.pack.words import (
    CONTINUOUS,
    AffairClass,
    Calendar,
    DayNight,
    LimitUnit,
    UnitKind,
)
from shared.contracts.sla import ClockKind

LENGTHS = {
    LimitUnit.SECOND: timedelta(seconds=1),
    LimitUnit.MINUTE: timedelta(minutes=1),
    LimitUnit.HOUR: timedelta(hours=1),
    LimitUnit.URGENT_HOUR: timedelta(hours=1),
    LimitUnit.NATURAL_DAY: timedelta(days=1),
}
Share = Annotated[float, Meta(gt=0.0, lt=1.0)]


class ClockFacts(Struct, frozen=True):
    """What is known when a clock starts; *started* is aware, None means unknown or not of this clock."""

    clock: ClockKind
    started: datetime
    day_night: DayNight
    affair: AffairClass | None = None
    category: str | None = None
    severity: int | None = None
    relation: Relation | None = None
    unit_kind: UnitKind | None = None


class ClockMatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule asks of the facts; an empty field asks nothing. Categories match with all below them."""

    affairs: tuple[AffairClass, ...] = ()
    categories: tuple[CategoryCode, ...] = ()
    severities: tuple[Severity, ...] = ()
    relations: tuple[Relation, ...] = ()
    day_night: DayNight | None = None
    unit_kinds: tuple[UnitKind, ...] = ()

    def fits(self, facts: ClockFacts) -> bool:
        return (
            (not self.affairs or facts.affair in self.affairs)
            and self._fits_category(facts.category)
            and (not self.severities or facts.severity in self.severities)
            and (not self.relations or facts.relation in self.relations)
            and self.day_night in (None, facts.day_night)
            and (not self.unit_kinds or facts.unit_kind in self.unit_kinds)
        )

    def _fits_category(self, category: str | None) -> bool:
        if not self.categories:
            return True
        return category is not None and any(within(category, top) for top in self.categories)

    @property
    def weight(self) -> int:
        """Return how specific this is: one per field asked, and one per level of the category."""
        fields = (self.affairs, self.severities, self.relations, self.day_night, self.unit_kinds)
        levels = min((1 + code.count(".") for code in self.categories), default=0)
        return sum(1 for field in fields if field) + levels

    def overlaps(self, other: "ClockMatch") -> bool:
        """Say whether some facts could fit both."""
        return (
            meet(self.affairs, other.affairs)
            and categories_meet(self.categories, other.categories)
            and meet(self.severities, other.severities)
            and meet(self.relations, other.relations)
            and (None in (self.day_night, other.day_night) or self.day_night == other.day_night)
            and meet(self.unit_kinds, other.unit_kinds)
        )


class ClockRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One time limit (DOMAIN 4). `id` is the document's rule (R01); versions of it share the id.

    `judged` false: shown, never a breach. `grace_s` waits between due and firing for feeds
    that are polled; judging stays by event time. `source` is S1 or `ours`.
    """

    id: Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9-]*$")]
    version: Positive
    effective_from: Annotated[datetime, Meta(tz=True)]
    clock: ClockKind
    value: Positive
    unit: LimitUnit
    source: str
    match: ClockMatch = ClockMatch()
    warn_at: tuple[Share, ...] = (0.5, 0.8)
    pausable: bool = False
    calendar: Calendar = Calendar.CONTINUOUS
    judged: bool = True
    grace_s: Annotated[int, Meta(ge=0)] = 0

    @property
    def limit(self) -> timedelta:
        """Return the limit of a continuous rule. Raises ValueError where a working calendar is needed."""
        if self.unit not in CONTINUOUS or self.calendar is not Calendar.CONTINUOUS:
            raise ValueError(
                f"rule {self.id}: {self.unit} needs a working calendar, not a duration"
            )
        return LENGTHS[self.unit] * self.value

    @property
    def stamp(self) -> str:
        """Return id and version as written beside every clock, `R01.v1`."""
        return f"{self.id}.v{self.version}"


def match_clock(rules: Iterable[ClockRule], facts: ClockFacts) -> ClockRule | None:
    """Return the most specific rule that fits and is in force at the start; None: no limit exists.

    Where S1 sets no limit (own township outside its seat, township to township) none is invented.
    Refuses a naive start. A tie cannot be met here: `ties` is empty for a pack that loaded.
    """
    if facts.started.tzinfo is None:
        raise ValueError("match_clock needs a start with a zone, got a naive one")
    in_force: dict[str, ClockRule] = {}
    for rule in sorted(rules, key=lambda rule: rule.effective_from):
        if rule.effective_from <= facts.started:
            in_force[rule.id] = rule
    fitting = [
        rule for rule in in_force.values() if rule.clock is facts.clock and rule.match.fits(facts)
    ]
    return max(fitting, key=lambda rule: (rule.match.weight, rule.id), default=None)


def ties(rules: Sequence[ClockRule]) -> list[tuple[ClockRule, ClockRule]]:
    """List pairs of rules that could both fit with nothing to choose between them."""
    return [
        (one, other)
        for one, other in combinations(rules, 2)
        if one.clock is other.clock and _rival(one, other)
    ]


def _rival(one: ClockRule, other: ClockRule) -> bool:
    if one.id == other.id:
        return one.version == other.version or one.effective_from == other.effective_from
    return one.match.weight == other.match.weight and one.match.overlaps(other.match)
