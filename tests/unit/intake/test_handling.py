"""处警单 and 反馈单 of FEEDS 2 become stamps and a sheet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.intake.domain.faults import Refused
from services.intake.domain.handling import HandlingReading, read_handling
from shared.contracts.call import FeedbackKind
from tests.unit.intake.records import HORIZON, T0, T0_LOCAL, hotline


def a_handling(**fields: Any) -> dict[str, Any]:
    """Return a 处警单; a field given as None is left out."""
    body = {"cjdbh": "C1", "jjdbh": "330000001", "cjdwbm": "xj-rescue", **fields}
    return {name: value for name, value in body.items() if value is not None}


def handled(**fields: Any) -> HandlingReading:
    """Read a 处警单 that is expected to be good."""
    found = read_handling(a_handling(**fields), hotline(), HORIZON)
    assert isinstance(found, HandlingReading), found
    return found


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("pdjssj", FeedbackKind.ACKED),
        ("ddxcsj", FeedbackKind.ARRIVED),
        ("cjwbsj", FeedbackKind.ENDED),
        ("clwbsj", FeedbackKind.ENDED),
    ],
)
def test_each_time_is_its_stamp(field: str, kind: FeedbackKind) -> None:
    """FEEDS 2: accepted, on scene, finished (R08)."""
    stamps = handled(**{field: T0_LOCAL}).stamps

    assert [(kind, T0)] == [(s.kind, s.occurred_at) for s in stamps]


def test_stamps_stand_in_the_order_of_their_times() -> None:
    """Whatever order the record lists them in."""
    found = handled(cjwbsj=T0_LOCAL, ddxcsj="2026-11-22 15:40:00", pdjssj="2026-11-22 15:20:00")

    assert [FeedbackKind.ACKED, FeedbackKind.ARRIVED, FeedbackKind.ENDED] == [
        s.kind for s in found.stamps
    ]


def test_a_sheet_is_the_formal_feedback() -> None:
    """R10: result and words; at the first feedback's time, or the newest stamp's."""
    told = handled(cljg="已处置", fknr="电话13800138000", scfksj=T0_LOCAL)
    untold = handled(cljg="已处置", ddxcsj="2026-11-22 15:40:00")

    assert told.sheet is not None
    assert "13800138000" not in told.sheet.text
    assert [(FeedbackKind.FED_BACK, T0)] == [(s.kind, s.occurred_at) for s in told.stamps]
    assert T0 - timedelta(minutes=20) == untold.stamps[-1].occurred_at


@pytest.mark.parametrize(
    ("people", "count"),
    [(3, 3), ("12", 12), ("某甲、某乙,某丙", 3), (["某甲", "某乙"], 2), ("", None)],
)
def test_of_people_only_the_count_is_kept(people: object, count: int | None) -> None:
    """FEEDS 2: cdry, cdcl."""
    found = handled(cljg="已处置", cdry=people)

    assert found.sheet is not None
    assert count == found.sheet.people
    assert "某" not in repr(found.sheet)


def test_a_returned_flag_is_a_return() -> None:
    """The flag thbz → 退单 (DOMAIN 3, transition 7)."""
    found = handled(thbz="1", cjsj=T0_LOCAL)

    assert [(FeedbackKind.RETURNED, T0)] == [(s.kind, s.occurred_at) for s in found.stamps]


def test_a_unit_is_known_by_code_or_name() -> None:
    """A code nobody knows is kept raw and counted."""
    name = hotline().pack.unit_by_id["xj-rescue"].name

    assert "xj-rescue" == handled(cjdwbm=None, cjdwmc=name).unit
    for unknown in ({"cjdwbm": "U99"}, {"cjdwbm": None, "cjdwmc": "U99"}):
        found = handled(**unknown)
        assert ("U99", ("cjdwbm",)) == (found.unit, found.unknown_codes)


def test_every_fault_is_told_at_once() -> None:
    """Record, call and unit are required; times are checked as a call's are."""
    found = read_handling({"pdjssj": "2027-01-01 00:00:00"}, hotline(), HORIZON)

    assert isinstance(found, Refused)
    assert {
        ("fkdbh", "missing"),
        ("jjdbh", "missing"),
        ("cjdwbm", "missing"),
        ("pdjssj", "in_the_future"),
    } == {(f.field, str(f.reason)) for f in found.faults}
