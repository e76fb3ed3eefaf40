"""GCJ-02 back to WGS-84."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.coordinates import inside_country, to_gcj02, to_wgs84
from shared.contracts.pack import CoordinateSystem, metres

_LON, _LAT = st.floats(74, 135), st.floats(18, 53)


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ],
)
def test_published_pairs(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    """Pairs that public implementations of the formula agree on."""
    assert gcj02 == pytest.approx(to_gcj02(*wgs84), abs=1e-9)
    assert wgs84 == to_wgs84(*gcj02, CoordinateSystem.GCJ02)


@given(_LON, _LAT)
def test_there_and_back_is_within_a_centimetre_or_two(lon: float, lat: float) -> None:
    """The inverse undoes the offset anywhere in the country."""
    back = to_wgs84(*to_gcj02(lon, lat), CoordinateSystem.GCJ02)

    assert metres(lon, lat, *back) < 0.02


@given(_LON, _LAT)
def test_the_offset_is_some_hundred_metres(lon: float, lat: float) -> None:
    """A datum mistaken for the other is off by streets, never by towns."""
    assert 5 < metres(lon, lat, *to_gcj02(lon, lat)) < 1500


@given(_LON, _LAT)
def test_wgs84_stays_as_it_is(lon: float, lat: float) -> None:
    """A source that already writes WGS-84 is not shifted."""
    assert (lon, lat) == pytest.approx(to_wgs84(lon, lat, CoordinateSystem.WGS84), abs=1e-7)


@pytest.mark.parametrize(
    ("lon", "lat", "inside"),
    [
        (120.7, 28.8, True),
        (28.8, 120.7, False),
        (0.0, 0.0, False),
        (2.35, 48.85, False),
        (float("nan"), 28.8, False),
        (136.0, 54.0, True),
        (136.01, 54.0, False),
    ],
)
def test_the_box_of_the_country(lon: float, lat: float, inside: bool) -> None:
    """Swapped degrees, zeros and Paris are no place a hotline of ours can mean."""
    assert inside is inside_country(lon, lat)
