"""Who is sent: walks the pack's tree, depth first, first match wins, and says why (DOMAIN §5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from services.router.domain.selection import Scope, select
from shared.contracts.incident import Decision, Rejected, Scene
from shared.contracts.pack import (
    Category,
    DayNight,
    Pack,
    Route,
    RouteMatch,
    RouteSet,
    Selector,
    within,
)
from shared.contracts.values import Lane, Line


class Facts(Struct, frozen=True, kw_only=True):
    """What routing looks at; `text` is scrubbed, `at` decides day or night (UTC)."""

    line: Line
    lane: Lane
    category: str
    severity: int
    scene: Scene
    text: str = ""
    at: datetime


class Case(Struct, frozen=True):
    """The facts with what the pack says of them, looked up once."""

    facts: Facts
    category: Category
    time: DayNight


class Routed(Struct, frozen=True, kw_only=True):
    """The decision: unit ids and the record of it."""

    lead: str
    supports: tuple[str, ...]
    standby: tuple[str, ...]
    record: Decision


def route(pack: Pack, facts: Facts, now: datetime) -> Routed:
    """Decide on *facts*. Always answers: the duty desk leads where nobody else is found."""
    case = Case(facts, pack.category(facts.category), pack.region.day_night(facts.at))
    chosen, decided, passed = _walk(case, pack)
    seen = list(passed)
    scope = Scope(pack, facts.scene)
    lead = _first(scope, decided.lead or (), seen)
    shortfalls = [] if lead else ["lead"]
    lead = lead or pack.desk.id
    supports = _all(scope, decided.supports or (), (lead,), seen)
    standby = _all(scope, decided.standby or (), (lead, *supports), seen)
    backup = pack.unit_by_id[lead].backup
    if not standby and backup and backup in pack.unit_by_id and backup not in supports:
        standby = (backup,)
    shortfalls += _missing(pack, facts.category, (lead, *supports))
    return Routed(
        lead=lead,
        supports=supports,
        standby=standby,
        record=Decision(
            rule=chosen.id,
            rule_version=str(chosen.version),
            inputs=_inputs(case),
            rejected=tuple(seen),
            shortfalls=tuple(shortfalls),
            commander=_commander(pack, facts, lead),
            tell=decided.tell or (),
            decided_at=now,
        ),
    )


class _Walk(NamedTuple):
    """Where facts of one kind end in the tree, what is decided there, and what they passed."""

    route: Route
    decided: RouteSet
    passed: tuple[Rejected, ...]


class _Memory(NamedTuple):
    """The walks through one pack's tree so far, by all that a walk depends on."""

    keywords: tuple[str, ...]
    walks: dict[tuple[object, ...], _Walk]


_MOST_WALKS, _MOST_PACKS = 4096, 8
_memories: dict[str, _Memory] = {}


def _walk(case: Case, pack: Pack) -> _Walk:
    """Walk the tree, or remember the walk of facts that cannot be told apart on it."""
    facts, memory = case.facts, _memory(pack)
    spoken = tuple(word for word in memory.keywords if word in facts.text)
    where = (case.category.code, facts.scene.area, case.time)
    key = (*where, facts.line, facts.lane, facts.severity, *spoken)
    found = memory.walks.get(key)
    if found is None:
        seen: list[Rejected] = []
        found = _Walk(*_descend(case, pack.routes, RouteSet(), seen), tuple(seen))
        if len(memory.walks) >= _MOST_WALKS:
            memory.walks.clear()
        memory.walks[key] = found
    return found


def _memory(pack: Pack) -> _Memory:
    found = _memories.get(pack.stamp)
    if found is None:
        if len(_memories) >= _MOST_PACKS:
            _memories.clear()
        words = dict.fromkeys(_keywords(pack.routes))
        found = _memories[pack.stamp] = _Memory(tuple(words), {})
    return found


def _keywords(route: Route) -> Iterator[str]:
    yield from route.match.keywords
    for child in route.children:
        yield from _keywords(child)


def _descend(
    case: Case, here: Route, above: RouteSet, seen: list[Rejected]
) -> tuple[Route, RouteSet]:
    decided = here.set.under(above)
    for child in here.children:
        why = _mismatch(child.match, case)
        if why is None:
            return _descend(case, child, decided, seen)
        seen.append(Rejected(what=child.id, why=why))
    return here, decided


def _mismatch(match: RouteMatch, case: Case) -> str | None:
    """Return the first field of *match* that does not fit, None when all do."""
    facts, code = case.facts, case.category.code
    wrong = (
        (match.categories and not any(within(code, c) for c in match.categories) and "category")
        or (match.lines and facts.line not in match.lines and "line")
        or (match.affairs and case.category.affair not in match.affairs and "affair")
        or (match.lanes and facts.lane not in match.lanes and "lane")
        or (match.severities and facts.severity not in match.severities and "severity")
        or (match.areas and facts.scene.area not in match.areas and "area")
        or (match.day_night not in (None, case.time) and "time")
        or (match.keywords and not any(k in facts.text for k in match.keywords) and "keyword")
    )
    return wrong if isinstance(wrong, str) else None


def _first(scope: Scope, selectors: Iterable[Selector], seen: list[Rejected]) -> str | None:
    for selector in selectors:
        found = select(scope, selector)
        if isinstance(found, str):
            return found
        seen.append(found)
    return None


def _all(
    scope: Scope, selectors: Iterable[Selector], taken: tuple[str, ...], seen: list[Rejected]
) -> tuple[str, ...]:
    units: list[str] = []
    for selector in selectors:
        found = select(scope, selector)
        if isinstance(found, Rejected):
            seen.append(found)
        elif found in taken or found in units:
            seen.append(Rejected(what=found, why="already_sent"))
        else:
            units.append(found)
    return tuple(units)


def _missing(pack: Pack, category: str, sent: Iterable[str]) -> list[str]:
    """Return the capabilities the category asks for and nobody sent has."""
    able = {c for unit in sent for c in pack.unit_by_id[unit].capabilities}
    return [c for c in pack.category(category).capabilities if c not in able]


def _commander(pack: Pack, facts: Facts, lead: str) -> str:
    """P11: the post in command, or the lead unit, whose leader commands."""
    rule = pack.commander(facts.category, facts.severity)
    return rule.post if rule and rule.post else lead


def _inputs(case: Case) -> dict[str, str]:
    facts = case.facts
    scene = facts.scene
    return {
        "line": str(facts.line),
        "lane": str(facts.lane),
        "category": facts.category,
        "severity": str(facts.severity),
        "area": scene.area or "",
        "at_seat": "" if scene.at_seat is None else str(scene.at_seat).lower(),
        "time": str(case.time),
    }
