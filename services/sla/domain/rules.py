"""The limits of a region pack as sla asks for them, and what it cannot count yet."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from services.sla.domain.clock_set import ZERO
from services.sla.domain.spans import Span
from shared.contracts.incident import Incident, Relation
from shared.contracts.pack import CONTINUOUS, Calendar, ClockRule, DayNight, Pack
from shared.contracts.sla import ClockKind

_REMEMBERED = 8192


class Limit(msgspec.Struct, frozen=True):
    """A rule as a clock carries it; lengths in seconds beside the one that is added to a time."""

    id: str
    stamp: str
    length: timedelta
    limit_s: float
    judged: bool
    warn_at: tuple[float, ...]
    grace_s: float


def limit_of(rule: ClockRule) -> Limit:
    """Return what *rule* sets; raises ValueError where a working calendar is needed."""
    return Limit(
        rule.id,
        rule.stamp,
        rule.limit,
        rule.limit.total_seconds(),
        rule.judged,
        rule.warn_at,
        float(rule.grace_s) or ZERO,
    )


class Rules:
    """The pack's time limits; the answer for like facts is remembered (pure: a pack never changes)."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        # as numbers: comparing instants of different zones costs ten times as much
        self._in_force = sorted(rule.effective_from.timestamp() for rule in pack.clocks)
        self._kinds = frozenset(rule.clock for rule in pack.clocks)
        # the clocks of an incident start at a few instants
        self._when = lru_cache(_REMEMBERED)(self._looked_up)
        # everything a rule can ask about is in the arguments, the instant only by its day and epoch
        self._find = lru_cache(_REMEMBERED)(self._match)
        self._instants: dict[tuple[int, DayNight], datetime] = {}

    def is_day(self, at: datetime) -> bool:
        """Say whether *at* (UTC) lies in the pack's day; decided by a clock's start and fixed (R01-R04)."""
        return self._when(at)[1] is DayNight.DAY

    def limit(self, incident: Incident, span: Span) -> Limit | None:
        """Return the limit a rule sets to *span*; None where no source sets one."""
        if span.kind not in self._kinds:
            return None
        duty = span.assignment
        epoch, day_night = self._when(span.started)
        return self._find(
            span.kind,
            epoch,
            day_night,
            incident.category,
            incident.severity,
            duty.unit if duty else None,
            duty.relation if duty else None,
        )

    def _looked_up(self, at: datetime) -> tuple[int, DayNight]:
        epoch = bisect_right(self._in_force, at.timestamp())
        day_night = self._pack.region.day_night(at)
        self._instants.setdefault((epoch, day_night), at)
        return epoch, day_night

    def _match(
        self,
        kind: ClockKind,
        epoch: int,
        day_night: DayNight,
        category: str,
        severity: int,
        unit: str | None,
        relation: Relation | None,
    ) -> Limit | None:
        rule = self._pack.clock_rule(
            kind,
            self._instants[epoch, day_night],
            category=category,
            severity=severity,
            unit=unit,
            relation=relation,
        )
        return limit_of(rule) if rule else None


def not_yet(pack: Pack) -> list[str]:
    """List the rules of *pack* that need a working calendar, which is not built yet."""
    return [
        rule.stamp
        for rule in pack.clocks
        if rule.unit not in CONTINUOUS or rule.calendar is not Calendar.CONTINUOUS
    ]
