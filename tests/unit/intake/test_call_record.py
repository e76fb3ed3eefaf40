"""The 接警单 of FEEDS 1 becomes a call."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.faults import Refused
from services.intake.domain.records import read_record
from shared.contracts.values import Lane, Line
from tests.unit.intake.records import HORIZON, T0, a_record, faults, hotline, reading


def test_a_whole_record() -> None:
    """Number, root, time, kind, lane, severity, area and words."""
    found = reading(a_record())

    assert ("330000001", "330000001", T0) == (found.source_id, found.root, found.received_at)
    assert ("order.fight", ("01", "0102")) == (found.kind.category, found.kind.raw)
    assert (Line.POLICE, Lane.URGENT, 3) == (found.line, found.lane, found.severity)
    assert ("331024101", "横溪镇人民路12号") == (found.place.area, found.place.text)
    assert "有人打架" == found.text


def test_a_repeat_call_names_its_root() -> None:
    """`zjjdbh` is the first call of the chain."""
    assert "330000000" == reading(a_record(zjjdbh="330000000")).root


@pytest.mark.parametrize("name", ["afdd", "sfdd", "sfdz", "SFDZ"])
def test_the_place_goes_by_three_names_in_any_case(name: str) -> None:
    """FEEDS 1: afdd / sfdd / sfdz, letter case as the vendor likes."""
    body = a_record(afdd=None, afxzqh=None) | {name: "白塔镇东街"}

    found = reading(body).place

    assert ("白塔镇东街", "331024103") == (found.text, found.area)


@pytest.mark.parametrize(
    ("source", "field"), [("110", "bjfsdm"), ("119", "jjlxdm"), ("122", "jjlxdm")]
)
def test_which_field_tells_the_line_is_the_sources_own(source: str, field: str) -> None:
    """At one bjfsdm, at another jjlxdm: configured, not guessed."""
    other = "jjlxdm" if field == "bjfsdm" else "bjfsdm"

    found = reading(a_record(**{field: "03", other: "02"}), hotline(source))

    assert Line.FIRE is found.line


def test_every_fault_is_told_at_once() -> None:
    """FEEDS 5: 400 names every bad field."""
    body = {
        "bjsj": "1900-01-01 00:00:00",
        "afxzqh": "12",
        "fxdwjd": 2.35,
        "fxdwwd": 48.85,
        "GIS_X": "120.5",
        "dhdwjd": "east",
        "dhdwwd": 28.7,
        "bjdh": ["13800138000"],
    }

    found = faults(body)

    assert {
        ("jjdbh", "missing"),
        ("bjnr", "missing"),
        ("bjsj", "too_long_ago"),
        ("afxzqh", "not_a_division_code"),
        ("fxdwjd", "outside_country"),
        ("fxdwwd", "outside_country"),
        ("gis_y", "half_a_position"),
        ("dhdwjd", "not_degrees"),
        ("bjdh", "not_text"),
    } == found


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"bjsj": "2026-11-22 16:06:01"}, ("bjsj", "in_the_future")),
        ({"bjsj": "2026-11-22T16:00:00"}, ("bjsj", "not_a_time")),
        ({"bjsj": "  "}, ("bjsj", "missing")),
        ({"jjdbh": "a b"}, ("jjdbh", "malformed_number")),
        ({"jjdbh": "1" * 65}, ("jjdbh", "malformed_number")),
        ({"jjdbh": True}, ("jjdbh", "not_text")),
        ({"bjnr": "长" * 20_001}, ("bjnr", "too_long")),
        ({"fxdwjd": 120.5}, ("fxdwwd", "half_a_position")),
        ({"fxdwjd": 28.7, "fxdwwd": 120.5}, ("fxdwjd", "outside_country")),
        ({"fxdwjd": float("nan"), "fxdwwd": 28.7}, ("fxdwjd", "not_degrees")),
        ({"afxzqh": "33102a"}, ("afxzqh", "not_a_division_code")),
    ],
)
def test_one_fault_is_named_by_field_and_reason(
    fields: dict[str, Any], fault: tuple[str, str]
) -> None:
    """Each refusal bears the field's own name and one word why."""
    assert fault in faults(a_record(**fields))


def test_a_phone_position_never_overwrites_a_stated_scene() -> None:
    """FEEDS 1: where the scene's point or words are stated, the phone's point is not the scene."""
    phone = {"dhdwjd": 120.30, "dhdwwd": 28.60}
    stated = reading(a_record(fxdwjd=120.4665, fxdwwd=28.7135, **phone)).place
    words = reading(a_record(**phone)).place

    assert (120.4665, 28.7135) == stated.original
    assert (None, None) == (words.longitude, words.original)


def test_a_phone_position_stands_in_where_nobody_stated_a_scene() -> None:
    """Better a phone's point than none at all."""
    found = reading(a_record(afdd=None, dhdwjd=120.4665, dhdwwd=28.7135)).place

    assert (120.4665, 28.7135) == found.original


def test_the_map_position_is_the_scene_where_none_was_measured() -> None:
    """GIS_X, GIS_Y come second."""
    assert (120.5, 28.7) == reading(a_record(GIS_X="120.5", GIS_Y="28.7")).place.original


def test_gcj02_is_stored_as_wgs84_with_the_original_kept() -> None:
    """FEEDS 1: degrees by source."""
    found = reading(a_record(fxdwjd=120.4665, fxdwwd=28.7135)).place

    assert (120.4621529, 28.7164964) == (found.longitude, found.latitude)
    assert ((120.4665, 28.7135), "gcj02") == (found.original, found.original_system)


@pytest.mark.parametrize(
    ("fields", "seat"),
    [
        ({"fxdwjd": 120.4665, "fxdwwd": 28.7135}, True),
        ({"fxdwjd": 120.52, "fxdwwd": 28.65}, False),
        ({}, None),
        ({"at_seat": True}, True),
        ({"at_seat": "1"}, True),
        ({"at_seat": "0", "fxdwjd": 120.4665, "fxdwwd": 28.7135}, False),
    ],
)
def test_at_seat_by_distance_or_because_the_source_says_so(
    fields: dict[str, Any], seat: bool | None
) -> None:
    """R01-R04 turn on whether the scene lies in the township's own seat."""
    assert seat is reading(a_record(**fields)).place.at_seat


@pytest.mark.parametrize(
    ("code", "text", "area"),
    [
        ("331024101", None, "331024101"),
        ("331024101203", None, "331024101"),
        ("331024", "横溪镇人民路", "331024101"),
        ("331024", "人民路", None),
        (None, "横溪镇与白塔镇交界", None),
        ("331023001", None, None),
    ],
)
def test_division_codes_and_names_to_areas(
    code: str | None, text: str | None, area: str | None
) -> None:
    """6 to 12 digits: the township is the first nine, else its name where only one is named."""
    assert area == reading(a_record(afxzqh=code, afdd=text)).place.area


def test_an_unknown_code_is_kept_raw_unclassified_and_counted() -> None:
    """FEEDS: never dropped, never refused."""
    found = reading(a_record(bjlb="98", bjlx="9801", afxzqh="331024999", jqdj="x", bjfsdm="77"))

    assert ("unclassified", ("98", "9801")) == (found.kind.category, found.kind.raw)
    assert {"bjlx", "afxzqh", "jqdj", "bjfsdm"} == set(found.unknown_codes)
    assert (Line.POLICE, Lane.URGENT) == (found.line, found.lane)


def test_a_coarser_code_classifies_where_the_fine_one_is_unknown() -> None:
    """And the fine one is counted."""
    found = reading(a_record(bjxl="010299"))

    assert ("order.fight", ("bjxl",)) == (found.kind.category, found.unknown_codes)


def test_the_pack_says_which_kinds_are_urgent() -> None:
    """A noise complaint by 110 waits behind a fire."""
    assert Lane.ORDINARY is reading(a_record(bjlx="0105")).lane


def test_the_level_of_the_hotline_is_the_severity() -> None:
    """`caseLevel` / `jqdj`, else the category's own."""
    assert 1 == reading(a_record(caseLevel="1")).severity
    assert 2 == reading(a_record(jqdj=2)).severity


def test_who_called_goes_to_the_vault_and_nowhere_else() -> None:
    """Caller, subscriber and every field we do not know are only in the contact."""
    personal = {
        "bjdh": "13800138000",
        "bjrxm": "某某甲",
        "bjrxb": "女",
        "bjdhyhxm": "某某乙",
        "bjdhyhdz": "某处9号",
        "xyz": {"note": "某某丙"},
    }
    found = reading(a_record(bjnr="打13900139000", **personal))

    contact = found.contact
    assert ("13800138000", "某某甲", "女") == (contact.phone, contact.name, contact.sex)
    assert ("某某乙", "某处9号") == (contact.subscriber, contact.subscriber_address)
    assert {"xyz": {"note": "某某丙"}} == contact.extra
    assert "打13900139000" == contact.text
    said = repr((found.source_id, found.root, found.kind, found.text, found.place))
    assert not any(word in said for word in ("13800138000", "13900139000", "某某", "某处"))


def test_a_record_without_update_time_is_undated() -> None:
    """A gxsj or sjgxsj makes a late resend tellable."""
    assert not reading(a_record()).dated
    assert reading(a_record(sjgxsj="2026-11-22 16:00:01")).dated


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_NAMES = st.sampled_from([*sorted(a_record()), "fxdwjd", "fxdwwd", "GIS_X", "bjdh", "caseLevel"])


@given(
    st.sampled_from(["110", "119", "12345"]), st.dictionaries(_NAMES | st.text(max_size=5), _JSON)
)
def test_no_record_breaks_the_reader(source: str, body: dict[str, Any]) -> None:
    """Whatever is sent is a reading or a refusal that names at least one field."""
    found = read_record(a_record() | body, hotline(source), HORIZON)

    assert not isinstance(found, Refused) or found.faults
