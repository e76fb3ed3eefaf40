"""The 工单 a 12345 hotline would send: kind of request, category, deadline of its own (FEEDS §3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.drill.domain.plan import Record
from shared.contracts.pack import Pack

_KINDS = (("consult", "咨询"), ("complaint", "投诉"), ("suggestion", "建议"), ("help", "求助"))


def hotline_order(pack: Pack, record: Record) -> dict[str, Any]:
    """Return the order's fields, times local."""
    report = record.report
    source = pack.source_by_id[report.source]
    fields = {
        "gdbh": record.number,
        "sqlx": _kind_of_request(report.category),
        "bt": report.text[:40],
        "nr": report.text,
        "lb": source.code_of(report.category) or "",
        "xzqh": report.place.area,
        "dz": report.place.text,
        "jjcd": "一般",
        "slsj": _written(report.at, pack),
        "lxdh": report.caller,
        "lxr": "演练来电人",
        "jd": report.place.lon,
        "wd": report.place.lat,
    }
    if record.main is not None:
        fields["zgdbh"] = record.main
    return fields


def _kind_of_request(category: str) -> str:
    return next((word for part, word in _KINDS if part in category), "投诉")


def _written(at: datetime, pack: Pack) -> str:
    return at.astimezone(pack.region.zone).strftime("%Y-%m-%d %H:%M:%S")
