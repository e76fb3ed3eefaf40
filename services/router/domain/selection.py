"""What a route's selector finds: a unit, or nobody and why."""

from __future__ import annotations

from msgspec import Struct

from shared.contracts.incident import Rejected, Scene
from shared.contracts.pack import FixedUnit, Nearest, Pack, Selector, TownshipOfScene, metres


class Scope(Struct, frozen=True):
    """Where units are looked for."""

    pack: Pack
    scene: Scene


def select(scope: Scope, selector: Selector) -> str | Rejected:
    """Return the id of the unit that *selector* finds in *scope*, else the alternative not taken."""
    match selector:
        case FixedUnit():
            known = selector.unit in scope.pack.unit_by_id
            return selector.unit if known else Rejected(what=selector.unit, why="unknown_unit")
        case TownshipOfScene():
            squad = scope.pack.squad_of(scope.scene.area)
            why = "area_without_squad" if scope.scene.area else "area_unknown"
            return squad.id if squad else Rejected(what="township_of_scene", why=why)
        case Nearest():
            found = _nearest(scope, selector.capability)
            return found or Rejected(what=f"nearest:{selector.capability}", why="nobody_able")


def _nearest(scope: Scope, capability: str) -> str | None:
    point = _point(scope)
    if point is None:
        return min(_able(scope.pack, capability), default=None)
    distances = (
        (metres(*point, home.lon, home.lat), unit.id)
        for unit in scope.pack.units
        if capability in unit.capabilities and (home := scope.pack.area_by_code.get(unit.base))
    )
    return min(distances, default=(0.0, None))[1]


def _point(scope: Scope) -> tuple[float, float] | None:
    """Return where the scene is, by its own degrees or else its area's seat."""
    scene = scope.scene
    if scene.longitude is not None and scene.latitude is not None:
        return scene.longitude, scene.latitude
    area = scope.pack.area_by_code.get(scene.area or "")
    return (area.lon, area.lat) if area else None


def _able(pack: Pack, capability: str) -> tuple[str, ...]:
    return tuple(unit.id for unit in pack.units if capability in unit.capabilities)
