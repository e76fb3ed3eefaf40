"""How a unit's base lies to the scene (R01-R04; DOMAIN, traps in the sources)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.incident import Relation, Scene
from shared.contracts.pack import Area, AreaKind, at_seat, find_area, metres, relation

TOWN, TOWN_TOO, HENGXI, BAITA = "331024001", "331024002", "331024101", "331024103"


def an_area(code: str, name: str, *, lon: float = 120.5, county_town: bool = False) -> Area:
    """Return an area with what the test cares about."""
    return Area(
        code=code,
        name=name,
        kind=AreaKind.TOWN,
        staffing_class=2,
        lon=lon,
        lat=28.8,
        county_town=county_town,
    )


AREAS = {
    area.code: area
    for area in (
        an_area(TOWN, "安洲街道", county_town=True),
        an_area(TOWN_TOO, "南峰街道", county_town=True),
        an_area(HENGXI, "横溪镇"),
        an_area(BAITA, "白塔镇"),
    )
}


@pytest.mark.parametrize(
    ("base", "area", "seat", "expected"),
    [
        (TOWN, TOWN, True, Relation.COUNTY_TOWN),
        (TOWN, TOWN_TOO, None, Relation.COUNTY_TOWN),
        (TOWN, TOWN_TOO, False, Relation.COUNTY_TOWN),
        (TOWN, HENGXI, True, Relation.TOWN_TO_TOWNSHIP),
        (TOWN, HENGXI, None, Relation.TOWN_TO_TOWNSHIP),
        (HENGXI, HENGXI, True, Relation.OWN_SEAT),
        (HENGXI, HENGXI, False, Relation.OWN_TOWNSHIP_OUTSIDE_SEAT),
        (HENGXI, HENGXI, None, Relation.UNKNOWN),
        (HENGXI, BAITA, True, Relation.TOWNSHIP_TO_TOWNSHIP),
        (HENGXI, TOWN, True, Relation.TOWNSHIP_TO_TOWNSHIP),
        (TOWN, None, None, Relation.UNKNOWN),
        (HENGXI, None, True, Relation.UNKNOWN),
        (TOWN, "331024999", True, Relation.UNKNOWN),
        ("331024999", TOWN, True, Relation.UNKNOWN),
    ],
)
def test_relation_is_of_base_and_scene(
    base: str, area: str | None, seat: bool | None, expected: Relation
) -> None:
    """R01-R04 hang on base and scene together; an unknown place gives no limit, not a guessed one."""
    assert expected is relation(AREAS, base, Scene(area=area, at_seat=seat))


@given(
    base=st.sampled_from([*AREAS, "331024999"]),
    area=st.sampled_from([*AREAS, "331024999", None]),
    seat=st.sampled_from([True, False, None]),
)
def test_only_a_town_based_unit_leaves_the_town(
    base: str, area: str | None, seat: bool | None
) -> None:
    """R03, R04 are for teams leaving the county town, R01/R02's own seat never for another's area."""
    found = relation(AREAS, base, Scene(area=area, at_seat=seat))
    from_town = base in (TOWN, TOWN_TOO)

    assert from_town or found not in (Relation.TOWN_TO_TOWNSHIP, Relation.COUNTY_TOWN)
    assert found is not Relation.OWN_SEAT or (base == area and seat is True and not from_town)


def test_at_seat_is_decided_by_the_seats_radius() -> None:
    """A point within the seat's radius is at the seat; without a point nobody knows."""
    area = AREAS[HENGXI]

    assert at_seat(area, 120.51, 28.8) is True
    assert at_seat(area, 120.53, 28.8) is False
    assert at_seat(area, None, 28.8) is None


@given(
    lon=st.floats(73, 136), lat=st.floats(3, 54), lon_b=st.floats(73, 136), lat_b=st.floats(3, 54)
)
def test_distance_is_symmetric_and_never_negative(
    lon: float, lat: float, lon_b: float, lat_b: float
) -> None:
    """A distance is the same both ways."""
    there, back = metres(lon, lat, lon_b, lat_b), metres(lon_b, lat_b, lon, lat)

    assert there >= 0
    assert there == pytest.approx(back)


def test_one_degree_of_latitude_is_111_km() -> None:
    """Known length: one degree of latitude on the mean sphere."""
    assert metres(120, 28, 120, 29) == pytest.approx(111_195, abs=5)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("331024101", HENGXI),
        ("331024101203", HENGXI),
        ("仙居县横溪镇政府前街", HENGXI),
        ("横溪镇往白塔镇方向", None),
        ("331024", None),
        ("某处", None),
        ("", None),
    ],
)
def test_an_area_is_found_by_code_or_by_its_one_name(written: str, code: str | None) -> None:
    """A county's code or two names in one text is no area: left to a person."""
    found = find_area(AREAS.values(), written)

    assert code == (found.code if found else None)
