"""The region pack: everything that makes a place itself, as one frozen value with look-ups."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from shared.contracts.incident import Relation
from shared.contracts.pack.assessment import Assessment
from shared.contracts.pack.clocks import ClockFacts, ClockRule, match_clock
from shared.contracts.pack.kinds import Category, Source, TableRow
from shared.contracts.pack.notices import Notices
from shared.contracts.pack.places import Area, Located, Region, relation
from shared.contracts.pack.routes import Route
from shared.contracts.pack.scenario import Drill
from shared.contracts.pack.surge import Surge
from shared.contracts.pack.teams import (
    Capability,
    CommanderRule,
    Department,
    Post,
    StaffingRule,
    Unit,
    commander_rule,
)
from shared.contracts.pack.words import UNCLASSIFIED, UnitKind
from shared.contracts.sla import ClockKind
from shared.contracts.values import Lane


class Pack(Struct, frozen=True, forbid_unknown_fields=True, dict=True, eq=False):
    """A region pack. Build it with `build`; it may be used when `validate` finds nothing."""

    region: Region
    areas: tuple[Area, ...]
    departments: tuple[Department, ...]
    posts: tuple[Post, ...]
    commanders: tuple[CommanderRule, ...]
    capabilities: tuple[Capability, ...]
    staffing: tuple[StaffingRule, ...]
    units: tuple[Unit, ...]
    table_rows: tuple[TableRow, ...]
    categories: tuple[Category, ...]
    sources: tuple[Source, ...]
    routes: Route
    clocks: tuple[ClockRule, ...]
    notices: Notices
    drill: Drill
    assessment: Assessment = Assessment()
    surge: Surge = Surge()
    """A pack's files have to say these; packs stored with months frozen before they existed do not."""

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 (first 16 hex digits) of the canonical content: same content, same digest."""
        return sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]

    @property
    def stamp(self) -> str:
        """Return version and digest as written on every decision, `2026.11+0123456789abcdef`."""
        return f"{self.region.version}+{self.digest}"

    @cached_property
    def area_by_code(self) -> Mapping[str, Area]:
        return {area.code: area for area in self.areas}

    @cached_property
    def unit_by_id(self) -> Mapping[str, Unit]:
        return {unit.id: unit for unit in self.units}

    @cached_property
    def department_by_id(self) -> Mapping[str, Department]:
        return {department.id: department for department in self.departments}

    @cached_property
    def post_by_id(self) -> Mapping[str, Post]:
        return {post.id: post for post in self.posts}

    @cached_property
    def source_by_id(self) -> Mapping[str, Source]:
        return {source.id: source for source in self.sources}

    @cached_property
    def category_by_code(self) -> Mapping[str, Category]:
        return {category.code: category for category in self.categories}

    @cached_property
    def desk(self) -> Unit:
        """Return the duty desk (值班席), the unit that answers when nobody else does."""
        return next(unit for unit in self.units if unit.kind is UnitKind.DESK)

    @cached_property
    def _squads(self) -> Mapping[str, Unit]:
        return {unit.base: unit for unit in self.units if unit.kind is UnitKind.TOWNSHIP}

    def squad_of(self, area: str | None) -> Unit | None:
        """Return the township squad based in *area*, None where the area is unknown."""
        return self._squads.get(area or "")

    def category(self, code: str) -> Category:
        """Return the category, `unclassified` for a code the pack does not know."""
        return self.category_by_code.get(code) or self.category_by_code[UNCLASSIFIED]

    def lane(self, source: str, category: str) -> Lane:
        """Return the lane of a new incident: the category's; the source's own while unclassified."""
        kind = self.category(category)
        known = self.source_by_id.get(source)
        return known.unclassified_lane if known and kind.code == UNCLASSIFIED else kind.lane

    def relation(self, unit: str, scene: Located) -> Relation:
        """Say how the unit's base lies to the scene (R01-R04)."""
        known = self.unit_by_id.get(unit)
        return relation(self.area_by_code, known.base, scene) if known else Relation.UNKNOWN

    def commander(self, category: str, severity: int) -> CommanderRule | None:
        """Return the row of P11 that says who commands."""
        kind = self.category(category)
        return commander_rule(self.commanders, kind.affair, kind.code, severity)

    def clock_rule(
        self,
        clock: ClockKind,
        started: datetime,
        *,
        category: str | None = None,
        severity: int | None = None,
        unit: str | None = None,
        relation: Relation | None = None,
    ) -> ClockRule | None:
        """Return the rule for a clock that starts at *started* (aware); None: S1 sets no limit.

        *unit* and *relation* are of the assignment, left out for a clock of the incident.
        """
        known = self.unit_by_id.get(unit or "")
        facts = ClockFacts(
            clock=clock,
            started=started,
            day_night=self.region.day_night(started),
            affair=self.category(category).affair if category else None,
            category=self.category(category).code if category else None,
            severity=severity,
            relation=relation,
            unit_kind=known.kind if known else None,
        )
        return match_clock(self.clocks, facts)


def build(content: Mapping[str, Any]) -> Pack:
    """Type the raw *content* (section name to plain values). Raises msgspec.ValidationError with a path."""
    return msgspec.convert(content, Pack, strict=True)
