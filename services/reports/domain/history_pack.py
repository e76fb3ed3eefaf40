"""A region that has no pack: its rows, areas and units are those its files name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time

from msgspec import UNSET

from services.reports.domain.history_terms import Basis
from services.reports.domain.quantities import OTHER, OTHER_NAME
from shared.contracts.pack import (
    UNCLASSIFIED,
    AffairClass,
    Area,
    AreaKind,
    Assessment,
    Behaviour,
    Category,
    Delay,
    Drill,
    Endpoints,
    Expected,
    MalformedShare,
    Notices,
    Pack,
    Region,
    Repeats,
    Route,
    SubCentre,
    TableRow,
    Unit,
    UnitKind,
)
from shared.contracts.values import Lane


def pack_of(
    region: str,
    basis: Basis,
    *,
    rows: Iterable[str] = (),
    areas: Iterable[str] = (),
    units: Iterable[str] = (),
) -> Pack:
    """Return what the tables read of a pack: the names found, in their order, the zone, the weights.

    Nothing can be dispatched by it. Affair classes are not the pack's but each case's.
    """
    kinds = sorted({row for row in rows if row not in {UNCLASSIFIED, OTHER}})
    return Pack(
        region=_region(region, basis),
        areas=tuple(_area(code) for code in sorted(set(areas))),
        departments=(),
        posts=(),
        commanders=(),
        capabilities=(),
        staffing=(),
        units=tuple(_unit(name) for name in sorted(set(units))),
        table_rows=tuple(TableRow(kind, kind) for kind in kinds),
        categories=(
            *(_category(kind, kind, kind) for kind in kinds),
            _category(UNCLASSIFIED, OTHER_NAME, OTHER),
        ),
        sources=(),
        routes=Route("none", 1),
        clocks=(),
        notices=Notices((), (), 1),
        drill=_NO_DRILL,
        assessment=Assessment(),
    )


def _region(code: str, basis: Basis) -> Region:
    first, last = basis.day_hours
    named = {} if basis.sub_centres is UNSET else basis.sub_centres
    return Region(
        sub_centres=tuple(
            SubCentre(f"sub-centre-{n}", name, tuple(areas))
            for n, (name, areas) in enumerate(named.items(), 1)
        ),
        code=code,
        name=basis.name,
        area_code="",
        prefix="",
        version="",
        time_zone=basis.time_zone,
        day_start=time(first % 24),
        day_end=time(last % 24),
        office_hours=(),
        retention_days=1,
        parked_feedback_limit_s=1,
        backdating_tolerance_s=1,
        expects=Expected(0, 0, 0, 0, 0),
    )


def _category(code: str, name: str, row: str) -> Category:
    return Category(code, name, AffairClass.LIVELIHOOD, Lane.ORDINARY, 4, row)


def _area(code: str) -> Area:
    return Area(code, code, AreaKind.TOWN, 1, 0.0, 0.0)


def _unit(name: str) -> Unit:
    return Unit(name, name, UnitKind.STANDING, "", "", (), Endpoints("", ""), None, ())


_NEVER = Delay(1.0, 1.0)
_NO_DRILL = Drill(
    calls_per_day=1,
    hourly=(),
    kinds=(),
    places=(),
    repeats=Repeats(0.0, 0.0, _NEVER),
    malformed=MalformedShare(0.0, ()),
    behaviour=Behaviour(
        ack=_NEVER,
        turnout=_NEVER,
        assemble=_NEVER,
        arrive={},
        end=_NEVER,
        sheet=_NEVER,
        late=0.0,
        late_factor=1.0,
        doubled=0.0,
        swapped=0.0,
        missing=0.0,
    ),
)
