"""GCJ-02, the offset datum of Chinese maps, back to WGS-84; and the box of the country.

The formula is the published approximation of the offset (polynomial and sine terms around
105 E 35 N on the Krasovsky ellipsoid); it has no closed inverse, so the inverse is found by
stepping against the offset until it no longer moves.
"""

from __future__ import annotations

from math import cos, pi, radians, sin, sqrt

from shared.contracts.pack import CoordinateSystem

WEST, EAST, SOUTH, NORTH = 73.0, 136.0, 3.0, 54.0
"""Box of the country in degrees: outside it a position is a mistake, not a place."""

_AXIS_M, _ECCENTRICITY = 6_378_245.0, 0.006_693_421_622_965_943
_ORIGIN_LON, _ORIGIN_LAT = 105.0, 35.0
_STEPS = 3
"""Two leave up to 3 cm, three less than the rounding does."""

Degrees = tuple[float, float]
"""Longitude, latitude."""


def inside_country(lon: float, lat: float) -> bool:
    """Say whether a position can lie in the country at all (NaN cannot)."""
    return WEST <= lon <= EAST and SOUTH <= lat <= NORTH


def to_wgs84(lon: float, lat: float, system: CoordinateSystem) -> Degrees:
    """Return a position written in *system* as WGS-84 degrees, rounded to about a centimetre."""
    if system is CoordinateSystem.GCJ02:
        lon, lat = _undone(lon, lat)
    return round(lon, 7), round(lat, 7)


def to_gcj02(lon: float, lat: float) -> Degrees:
    """Return a WGS-84 position as maps in GCJ-02 show it, degrees."""
    east, north = _offset(lon, lat)
    return lon + east, lat + north


def _undone(lon: float, lat: float) -> Degrees:
    east, north = _offset(lon, lat)
    for _ in range(_STEPS - 1):
        east, north = _offset(lon - east, lat - north)
    return lon - east, lat - north


def _offset(lon: float, lat: float) -> Degrees:
    x, y = lon - _ORIGIN_LON, lat - _ORIGIN_LAT
    ripple = 20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += ripple * 2 / 3
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += ripple * 2 / 3
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    phi = radians(lat)
    root = 1 - _ECCENTRICITY * sin(phi) ** 2
    per_lon = _AXIS_M / sqrt(root) * cos(phi) * pi / 180
    per_lat = _AXIS_M * (1 - _ECCENTRICITY) / (root * sqrt(root)) * pi / 180
    return east / per_lon, north / per_lat
