"""Every name a pack uses must exist in it: units, areas, categories, departments, posts, ..."""

from collections.abc import Container, Iterable, Iterator

from shared.contracts.pack.check_routes import walk_routes
from shared.contracts.pack.problem import Problem, ProblemReason
from shared.contracts.pack.region_pack import Pack
from shared.contracts.pack.routes import FixedUnit, Nearest, RouteSet, Selector
from shared.contracts.pack.words import UNCLASSIFIED

Named = tuple[tuple[str | int, ...], str, str]


def unknown_names(pack: Pack) -> Iterator[Problem]:
    """Yield a problem for each name used that nothing defines."""
    defined: dict[str, Container[str]] = {
        "area": pack.area_by_code,
        "unit": pack.unit_by_id,
        "department": pack.department_by_id,
        "post": pack.post_by_id,
        "category": pack.category_by_code,
        "source": pack.source_by_id,
        "capability": {capability.id for capability in pack.capabilities},
        "row": {row.id for row in pack.table_rows},
    }
    if UNCLASSIFIED not in pack.category_by_code:
        text = "a category `unclassified` must exist: unknown codes become it"
        yield Problem(("categories",), ProblemReason.UNKNOWN_NAME, text)
    for path, what, name in _used(pack):
        if name not in defined[what]:
            text = f"{what} {name} is not defined in this pack"
            yield Problem(path, ProblemReason.UNKNOWN_NAME, text)


def _used(pack: Pack) -> Iterator[Named]:
    for i, department in enumerate(pack.departments):
        yield ("departments", i, "superior"), "post", department.superior
    yield from _used_by_teams(pack)
    yield from _used_by_kinds(pack)
    for i, rule in enumerate(pack.clocks):
        yield from _each(("clocks", i, "match", "categories"), "category", rule.match.categories)
    yield from _used_by_routes(pack)
    for i, kind in enumerate(pack.drill.kinds):
        yield ("drill", "kinds", i, "source"), "source", kind.source
        yield ("drill", "kinds", i, "category"), "category", kind.category
    for i, place in enumerate(pack.drill.places):
        yield ("drill", "places", i, "area"), "area", place.area


def _used_by_teams(pack: Pack) -> Iterator[Named]:
    for i, unit in enumerate(pack.units):
        yield ("units", i, "base"), "area", unit.base
        yield ("units", i, "department"), "department", unit.department
        yield from _each(("units", i, "capabilities"), "capability", unit.capabilities)
        if unit.backup is not None:
            yield ("units", i, "backup"), "unit", unit.backup
    for i, staffing in enumerate(pack.staffing):
        yield from _each(("staffing", i, "units"), "unit", staffing.units)
    for i, commander in enumerate(pack.commanders):
        yield from _each(("commanders", i, "categories"), "category", commander.categories)
        if commander.post is not None:
            yield ("commanders", i, "post"), "post", commander.post


def _used_by_kinds(pack: Pack) -> Iterator[Named]:
    for i, category in enumerate(pack.categories):
        yield ("categories", i, "row"), "row", category.row
        yield from _each(("categories", i, "capabilities"), "capability", category.capabilities)
        parent, dot, _ = category.code.rpartition(".")
        if dot:
            yield ("categories", i, "code"), "category", parent
    for i, source in enumerate(pack.sources):
        for code, category_code in source.category_codes.items():
            yield ("sources", i, "category_codes", code), "category", category_code
        for name, category_code in source.category_names.items():
            yield ("sources", i, "category_names", name), "category", category_code


def _used_by_routes(pack: Pack) -> Iterator[Named]:
    for path, route in walk_routes(pack.routes):
        yield from _each((*path, "match", "categories"), "category", route.match.categories)
        yield from _each((*path, "match", "areas"), "area", route.match.areas)
        yield from _each((*path, "set", "tell"), "post", route.set.tell or ())
        yield from _used_by_set((*path, "set"), route.set)


def _used_by_set(path: tuple[str | int, ...], decided: RouteSet) -> Iterator[Named]:
    groups: dict[str, tuple[Selector, ...]] = {
        "lead": decided.lead or (),
        "supports": decided.supports or (),
        "standby": decided.standby or (),
    }
    for field, selectors in groups.items():
        for i, selector in enumerate(selectors):
            if isinstance(selector, FixedUnit):
                yield (*path, field, i, "unit"), "unit", selector.unit
            elif isinstance(selector, Nearest):
                yield (*path, field, i, "capability"), "capability", selector.capability


def _each(path: tuple[str | int, ...], what: str, names: Iterable[str]) -> Iterator[Named]:
    for i, name in enumerate(names):
        yield (*path, i), what, name
