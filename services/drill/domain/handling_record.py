"""The 处警单 a hotline passes on for a unit: everything known so far, each time it grows (FEEDS §2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from services.drill.domain.unit_play import Step

_FIELDS = {Step.ACK: "pdjssj", Step.ARRIVE: "ddxcsj", Step.END: "cjwbsj", Step.SHEET: "scfksj"}


def handling_record(
    number: str, unit: str, stamps: Mapping[Step, datetime], zone: ZoneInfo
) -> dict[str, str | int]:
    """Return the record of *unit* about the call *number*; times local, one-second grain.

    The record number stays the same, so that each growth is a new revision of one record.
    """
    fields: dict[str, str | int] = {"cjdbh": f"{number}-{unit}", "jjdbh": number, "cjdwbm": unit}
    for step, field in _FIELDS.items():
        if step in stamps:
            fields[field] = stamps[step].astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if Step.SHEET in stamps:
        fields |= {"cljg": "已处置", "fknr": "现场处置完毕", "cdry": 3, "cdcl": 1}
    return fields
