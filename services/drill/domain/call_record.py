"""The 接警单 a 110, 119 or 122 desk would send: its own field codes, times and datum (FEEDS §1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.drill.domain.gcj02 import gcj02
from services.drill.domain.plan import Record
from shared.contracts.pack import CoordinateSystem, Pack, Source
from shared.contracts.values import Line

_PLACE_FIELD = {Line.POLICE: "afdd", Line.FIRE: "sfdd", Line.TRAFFIC: "sfdz"}
_COMPACT_TIME = Line.FIRE
"""One desk writes `yyyyMMddHHmmss`: both spellings of FEEDS §1 are played."""


def call_record(pack: Pack, record: Record) -> dict[str, Any]:
    """Return the record's fields, times local, degrees in the source's own system."""
    report = record.report
    source = pack.source_by_id[report.source]
    point = gcj02 if source.coordinates is CoordinateSystem.GCJ02 else _as_is
    longitude, latitude = point(report.place.lon, report.place.lat)
    fields = {
        "jjdbh": record.number,
        "jjdwdm": pack.region.area_code + "000000",
        "jjdwmc": source.name,
        "bjsj": _written(report.at, pack, source),
        "bjdh": report.caller,
        "bjrxm": "演练报警人",
        "afxzqh": report.place.area,
        _PLACE_FIELD.get(source.line, "afdd"): report.place.text,
        "bjnr": report.text,
        "fxdwjd": round(longitude, 6),
        "fxdwwd": round(latitude, 6),
        **_line(source),
        **_kind(source, report.category),
    }
    if record.main is not None:
        fields["zjjdbh"] = record.main
    return fields


def _as_is(longitude: float, latitude: float) -> tuple[float, float]:
    return longitude, latitude


def _written(at: datetime, pack: Pack, source: Source) -> str:
    local = at.astimezone(pack.region.zone)
    return local.strftime("%Y%m%d%H%M%S" if source.line is _COMPACT_TIME else "%Y-%m-%d %H:%M:%S")


def _line(source: Source) -> dict[str, str]:
    """Which field tells the line differs from source to source, so the pack says it."""
    code = next((raw for raw, line in source.line_codes.items() if line is source.line), None)
    return {source.line_field: code} if source.line_field and code else {}


def _kind(source: Source, category: str) -> dict[str, str]:
    """Split the source's longest code into bjlb (2 digits), bjlx (4) and bjxl (6)."""
    code = source.code_of(category) or ""
    levels = (("bjlb", 2), ("bjlx", 4), ("bjxl", 6))
    return {field: code[:length] for field, length in levels if len(code) >= length}
