"""Records as the hotlines of Xianju send them, made of nothing real; small builders for the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from services.intake.domain.faults import Refused
from services.intake.domain.reading import Hotline, Reading
from services.intake.domain.records import read_record
from services.intake.domain.times import Horizon
from shared.contracts.pack import Pack
from shared.runtime.packs import load_pack

ROOT = Path(__file__).resolve().parents[3]
T0 = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
T0_LOCAL = "2026-11-22 16:00:00"
HORIZON = Horizon(T0 + timedelta(minutes=1))


@cache
def pack() -> Pack:
    """Return the region pack of Xianju."""
    return load_pack(ROOT / "deploy" / "regions" / "xianju")


def hotline(source: str = "110", **changes: Any) -> Hotline:
    """Return a hotline of Xianju, with fields of its source changed."""
    known = msgspec.structs.replace(pack().source_by_id[source], **changes)
    return Hotline(known, pack(), pack().region.zone)


def a_record(**fields: Any) -> dict[str, Any]:
    """Return a 接警单 of the 110 line; a field given as None is left out."""
    body: dict[str, Any] = {
        "jjdbh": "330000001",
        "bjsj": T0_LOCAL,
        "bjnr": "有人打架",
        "afdd": "横溪镇人民路12号",
        "afxzqh": "331024101",
        "bjlb": "01",
        "bjlx": "0102",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def an_order(**fields: Any) -> dict[str, Any]:
    """Return a 12345 工单; a field given as None is left out."""
    body: dict[str, Any] = {
        "gdbh": "G0001",
        "slsj": T0_LOCAL,
        "sqlx": "投诉",
        "nr": "夜间施工",
        "lb": "噪声扰民",
        "xzqh": "331024001",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def reading(body: dict[str, Any], line: Hotline | None = None) -> Reading:
    """Read *body*, which is expected to be good."""
    found = read_record(body, line or hotline(), HORIZON)
    assert isinstance(found, Reading), found
    return found


def faults(body: dict[str, Any], line: Hotline | None = None) -> set[tuple[str, str]]:
    """Return the faults of *body*, which is expected to be bad."""
    found = read_record(body, line or hotline(), HORIZON)
    assert isinstance(found, Refused), found
    return {(fault.field, str(fault.reason)) for fault in found.faults}
