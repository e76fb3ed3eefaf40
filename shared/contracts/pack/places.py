"""Where things are: the region, its areas, and how a unit's base lies to a scene (R01-R04)."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from shared.contracts.incident import Relation
from shared.contracts.pack.words import AreaKind, DayNight

EARTH_RADIUS_M = 6_371_008.8
AREA_DIGITS = 9

AreaCode = Annotated[str, Meta(pattern=r"^\d{9}$")]
Longitude = Annotated[float, Meta(ge=73.0, le=136.0)]
Latitude = Annotated[float, Meta(ge=3.0, le=54.0)]
Positive = Annotated[int, Meta(gt=0)]


class OfficeHours(Struct, frozen=True, forbid_unknown_fields=True):
    """One span `[start, end)` of an office day, local time."""

    start: time
    end: time


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """What the source document counts, so that a pack cannot drift from it (P14)."""

    areas: int
    teams: int
    public: int
    professional: int
    expert: int
    foreign_rules: tuple[str, ...] = ()


class SubCentre(Struct, frozen=True, forbid_unknown_fields=True):
    """A sub-centre 分中心 and the areas it commands itself (P03, P07)."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
    name: str
    areas: tuple[AreaCode, ...]


class SpecialPeriod(Struct, frozen=True, forbid_unknown_fields=True):
    """A special-protection period 特护期, both days inclusive, local: reports are daily (R16)."""

    name: str
    first: date
    last: date


class Region(Struct, frozen=True, forbid_unknown_fields=True):
    """A county: its codes, zone, day window and house-keeping limits.

    `day_start` is inclusive, `day_end` exclusive, both local time in `time_zone`. Areas of none of
    the `sub_centres` are the centre's own. `retention_days` (usually 30) after an incident has ended
    the callers' contacts, its place and all text are deleted, unless it is held; a call that opened
    none is kept as long (DOMAIN §7, ADR 0017).
    """

    code: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*$")]
    name: str
    area_code: Annotated[str, Meta(pattern=r"^\d{6}$")]
    prefix: Annotated[str, Meta(pattern=r"^[A-Z]{2,4}$")]
    version: str
    time_zone: str
    day_start: time
    day_end: time
    office_hours: tuple[OfficeHours, ...]
    retention_days: Positive
    parked_feedback_limit_s: Positive
    backdating_tolerance_s: Positive
    expects: Expected
    sub_centres: tuple[SubCentre, ...] = ()
    special_periods: tuple[SpecialPeriod, ...] = ()

    def special_period(self, day: date) -> str | None:
        """Return the name of the special-protection period *day* lies in, the first that fits."""
        found = (each for each in self.special_periods if each.first <= day <= each.last)
        return next((each.name for each in found), None)

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone everything local in this region is written in."""
        return ZoneInfo(self.time_zone)

    def day_night(self, at: datetime) -> DayNight:
        """Say whether the instant *at* falls in the day window. Refuses a naive time.

        R01-R04: 白天 / 晚上; the window 08:00-20:00 is *ours*.
        """
        if at.tzinfo is None:
            raise ValueError("day_night needs a time with a zone, got a naive one")
        local = at.astimezone(self.zone).time()
        return DayNight.DAY if self.day_start <= local < self.day_end else DayNight.NIGHT


class Area(Struct, frozen=True, forbid_unknown_fields=True):
    """A township or street. `lon`, `lat` (WGS-84 degrees) is its government seat, approximate, *ours*.

    `staffing_class` is 1, 2 or 3 (P17); `seat_radius_m` is how far the seat reaches, *ours*.
    """

    code: AreaCode
    name: str
    kind: AreaKind
    staffing_class: Annotated[int, Meta(ge=1, le=3)]
    lon: Longitude
    lat: Latitude
    seat_radius_m: Positive = 1500
    county_town: bool = False


class Located(Protocol):
    """Place of a call or incident as far as jurisdiction goes; None where nobody knows."""

    @property
    def area(self) -> str | None:
        """Area code of the scene."""

    @property
    def at_seat(self) -> bool | None:
        """Whether the scene lies in that area's own seat (政府所在地)."""


def relation(areas: Mapping[str, Area], base: str, scene: Located) -> Relation:
    """Say how the *base* area of a unit lies to the *scene* (R01-R04).

    COUNTY_TOWN asks for both to be in the county town: a township's squad called into the
    town has a journey that S1 sets no limit for. A unit is based at its area's seat.
    *areas* is keyed by area code.
    """
    home, there = areas.get(base), areas.get(scene.area or "")
    if home is None or there is None:
        return Relation.UNKNOWN
    if there.county_town and home.county_town:
        return Relation.COUNTY_TOWN
    if home.county_town:
        return Relation.TOWN_TO_TOWNSHIP
    if home.code != there.code:
        return Relation.TOWNSHIP_TO_TOWNSHIP
    if scene.at_seat is None:
        return Relation.UNKNOWN
    return Relation.OWN_SEAT if scene.at_seat else Relation.OWN_TOWNSHIP_OUTSIDE_SEAT


def find_area(areas: Iterable[Area], code_or_name: str) -> Area | None:
    """Find an area by its division code (9-12 digits) or by its name inside a text; None if not one."""
    wanted = code_or_name.strip()
    if wanted.isdigit():
        return next((area for area in areas if area.code == wanted[:AREA_DIGITS]), None)
    named = [area for area in areas if area.name in wanted]
    return named[0] if len(named) == 1 else None


def at_seat(area: Area, lon: float | None, lat: float | None) -> bool | None:
    """Say whether a point (WGS-84 degrees) lies within the seat of *area*; None without a point."""
    if lon is None or lat is None:
        return None
    return metres(area.lon, area.lat, lon, lat) <= area.seat_radius_m


def metres(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Return the great-circle distance of two points given in WGS-84 degrees."""
    lat_1, lat_2 = radians(lat_a), radians(lat_b)
    half_lat, half_lon = (lat_2 - lat_1) / 2, radians(lon_b - lon_a) / 2
    chord = sin(half_lat) ** 2 + cos(lat_1) * cos(lat_2) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(chord))
