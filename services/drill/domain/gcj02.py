"""WGS-84 to GCJ-02: hotlines that write map positions of the national datum are played faithfully."""

from __future__ import annotations

from math import cos, pi, sin, sqrt

_AXIS_M = 6_378_245.0
_ECCENTRICITY_2 = 0.006_693_421_622_965_943


def gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """Return the point (WGS-84 degrees, inside China) as a GCJ-02 source would write it."""
    x, y = longitude - 105.0, latitude - 35.0
    angle = latitude / 180.0 * pi
    magic = 1 - _ECCENTRICITY_2 * sin(angle) ** 2
    north = _northing(x, y) * 180.0 / (_AXIS_M * (1 - _ECCENTRICITY_2) / (magic * sqrt(magic)) * pi)
    east = _easting(x, y) * 180.0 / (_AXIS_M / sqrt(magic) * cos(angle) * pi)
    return longitude + east, latitude + north


def _ripple(value: float) -> float:
    return (20.0 * sin(6.0 * value * pi) + 20.0 * sin(2.0 * value * pi)) * 2.0 / 3.0


def _northing(x: float, y: float) -> float:
    shift = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    waves = (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    swell = (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    return shift + _ripple(x) + waves + swell


def _easting(x: float, y: float) -> float:
    shift = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    waves = (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    swell = (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    return shift + _ripple(x) + waves + swell
