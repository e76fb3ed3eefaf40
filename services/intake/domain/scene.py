"""Where it is: area, position in WGS-84 and whether it lies in the township's own seat."""

from __future__ import annotations

from collections.abc import Sequence

from services.intake.domain.coordinates import Degrees, to_wgs84
from services.intake.domain.fields import Fields
from services.intake.domain.reading import Hotline
from services.intake.domain.scrub import scrub
from shared.contracts.call import Place
from shared.contracts.pack import Area, at_seat, find_area

COUNTY_DIGITS, AREA_DIGITS = 6, 9
AT_SEAT = ("at_seat", "zdzd")
"""A source that knows may say whether the scene lies in the seat 驻地 (*ours*: R01-R04 turn on it)."""


def scene_position(fields: Fields, pairs: Sequence[tuple[str, str]]) -> Degrees | None:
    """Return the first stated position; the others are read too, so that their faults are told."""
    stated = [fields.position(*pair) for pair in pairs]
    return next((each for each in stated if each is not None), None)


def is_unknown_area(code: str | None, hotline: Hotline) -> bool:
    """Say whether *code* names a township (9 digits and more, not all zero) the pack does not have."""
    if code is None or not code.isdigit() or len(code) < AREA_DIGITS:
        return False
    return code[COUNTY_DIGITS:].strip("0") != "" and _area(hotline, code) is None


def place(
    fields: Fields, hotline: Hotline, text: str | None, code: str | None, stated: Degrees | None
) -> Place:
    """Return the scene of *text*, division *code* or name, and *stated* position, as far as known."""
    area = _area(hotline, code) if code else None
    if area is None and text:
        area = _area(hotline, text)
    system = hotline.source.coordinates
    lon, lat = to_wgs84(*stated, system) if stated else (None, None)
    seat = fields.said(*AT_SEAT)
    if seat is None and area is not None:
        seat = at_seat(area, lon, lat)
    return Place(
        area=area.code if area else None,
        at_seat=seat,
        text=scrub(text or ""),
        longitude=lon,
        latitude=lat,
        original=stated,
        original_system=str(system) if stated else None,
    )


def _area(hotline: Hotline, code_or_name: str) -> Area | None:
    """Return what `find_area` finds; a code, which almost every record bears, by one look."""
    wanted = code_or_name.strip()
    if wanted.isdigit():
        return hotline.pack.area_by_code.get(wanted[:AREA_DIGITS])
    return find_area(hotline.pack.areas, wanted)
