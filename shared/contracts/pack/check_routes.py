"""The routing tree always answers, every rule of it can be reached, and somebody can do the work."""

from collections import Counter
from collections.abc import Iterator

from shared.contracts.pack.problem import Problem, ProblemReason
from shared.contracts.pack.region_pack import Pack
from shared.contracts.pack.routes import FixedUnit, Nearest, Route, RouteMatch, RouteSet, Selector

Path = tuple[str | int, ...]


def walk_routes(route: Route, path: Path = ("routes",)) -> Iterator[tuple[Path, Route]]:
    """Yield each route with the path that leads to it, depth first."""
    yield path, route
    for index, child in enumerate(route.children):
        yield from walk_routes(child, (*path, "children", index))


def route_problems(pack: Pack) -> Iterator[Problem]:
    """Yield what is wrong with the tree."""
    if pack.routes.match != RouteMatch():
        text = "the root must match everything: move its match to a child"
        yield Problem(("routes", "match"), ProblemReason.CANNOT_ANSWER, text)
    counted = Counter(route.id for _, route in walk_routes(pack.routes))
    for path, route in walk_routes(pack.routes):
        if counted[route.id] > 1:
            yield Problem((*path, "id"), ProblemReason.DUPLICATE, f"{route.id} is taken")
        yield from _unreachable(path, route)
    yield from _silent(("routes",), pack.routes, RouteSet())
    yield from _nobody_able(pack)


def _unreachable(path: Path, parent: Route) -> Iterator[Problem]:
    for index, child in enumerate(parent.children):
        earlier = next((e for e in parent.children[:index] if e.match.covers(child.match)), None)
        if earlier:
            text = f"{earlier.id}, before it, takes all that fits {child.id}"
            yield Problem((*path, "children", index), ProblemReason.UNREACHABLE, text)
        elif not child.match.meets(parent.match):
            text = f"nothing that fits {parent.id} can fit {child.id} below it"
            yield Problem((*path, "children", index), ProblemReason.UNREACHABLE, text)


def _silent(path: Path, route: Route, inherited: RouteSet) -> Iterator[Problem]:
    """A lead's last selector must be a fixed unit: the others may find nobody."""
    decided = route.set.under(inherited)
    if not decided.lead or not isinstance(decided.lead[-1], FixedUnit):
        text = f"{route.id}: the last lead must be `by: unit`, so that somebody always answers"
        yield Problem((*path, "set"), ProblemReason.CANNOT_ANSWER, text)
    for index, child in enumerate(route.children):
        yield from _silent((*path, "children", index), child, decided)


def _nobody_able(pack: Pack) -> Iterator[Problem]:
    able = {capability for unit in pack.units for capability in unit.capabilities}
    for index, category in enumerate(pack.categories):
        for capability in set(category.capabilities) - able:
            text = f"{category.code} asks for {capability}, which no unit has"
            yield Problem(("categories", index), ProblemReason.NOBODY_ABLE, text)
    for path, route in walk_routes(pack.routes):
        for selector in _selectors(route.set):
            if isinstance(selector, Nearest) and selector.capability not in able:
                text = f"{route.id} asks for {selector.capability}, which no unit has"
                yield Problem((*path, "set"), ProblemReason.NOBODY_ABLE, text)


def _selectors(decided: RouteSet) -> tuple[Selector, ...]:
    return (*(decided.lead or ()), *(decided.supports or ()), *(decided.standby or ()))
