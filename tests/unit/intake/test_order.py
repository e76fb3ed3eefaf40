"""The 12345 工单 of FEEDS 3 becomes a call."""

from __future__ import annotations

import pytest

from shared.contracts.values import Lane, Line
from tests.unit.intake.records import T0, an_order, faults, hotline, reading

LINE = hotline("12345")


def test_a_whole_order() -> None:
    """Subject and content are one text; the hotline's own limit stands beside ours."""
    found = reading(an_order(bt="施工噪声", dz="环城路1号", processlimited="5个工作日"), LINE)

    assert ("G0001", T0, Line.GOVERNMENT) == (found.source_id, found.received_at, found.line)
    assert ("order.noise", ("投诉", "噪声扰民")) == (found.kind.category, found.kind.raw)
    assert ("施工噪声\n夜间施工", "5个工作日") == (found.text, found.hotline_limit)
    assert ("331024001", "环城路1号") == (found.place.area, found.place.text)


@pytest.mark.parametrize("name", ["gdbh", "workordercode", "ticketNo"])
def test_the_number_goes_by_several_names(name: str) -> None:
    """FEEDS 3: as the vendor likes."""
    assert "A-1" == reading(an_order(gdbh=None) | {name: "A-1"}, LINE).source_id


def test_every_fault_is_told_at_once() -> None:
    """FEEDS 5: number, time and content are required."""
    assert {("gdbh", "missing"), ("slsj", "missing"), ("sqnr", "missing")} == faults({}, LINE)


@pytest.mark.parametrize("kind", ["燃气", "求助", "噪声扰民", "不认识"])
def test_an_order_is_ordinary_whatever_its_kind(kind: str) -> None:
    """ARCHITECTURE 3: a flood of orders cannot stand in front of a fire."""
    assert Lane.ORDINARY is reading(an_order(lb=kind), LINE).lane


def test_an_unknown_name_falls_back_to_the_kind_of_request() -> None:
    """And is counted."""
    found = reading(an_order(lb="不认识"), LINE)

    assert ("livelihood.complaint", ("lb",)) == (found.kind.category, found.unknown_codes)


def test_an_area_may_be_written_by_name() -> None:
    """福应街道 instead of its code."""
    assert "331024003" == reading(an_order(xzqh="福应街道"), LINE).place.area


def test_names_and_limits_are_scrubbed_too() -> None:
    """Whatever is free text leaves scrubbed: kinds and limits included."""
    found = reading(an_order(lb="找13800138000", clsx="回13800138000", bt="13800138000"), LINE)

    assert "13800138000" not in repr((found.kind, found.hotline_limit, found.text))
