"""Reads a unit's handling record 处警单 or feedback sheet 反馈单 that a hotline passes on (FEEDS 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.faults import Refused
from services.intake.domain.fields import MAX_TEXT, Fields
from services.intake.domain.reading import Hotline
from services.intake.domain.scrub import scrub
from services.intake.domain.times import Horizon
from shared.contracts.call import FeedbackKind, FeedbackStamp, Sheet

_STAMPS = (
    (FeedbackKind.ACKED, ("pdjssj",)),
    (FeedbackKind.ARRIVED, ("ddxcsj",)),
    (FeedbackKind.ENDED, ("cjwbsj", "clwbsj")),
)


@dataclass(frozen=True, slots=True)
class HandlingReading:
    """What one record says of one unit; stamps in the order of their times, UTC."""

    record_id: str
    call_number: str
    unit: str
    stamps: tuple[FeedbackStamp, ...]
    sheet: Sheet | None
    unknown_codes: tuple[str, ...]


def read_handling(
    body: Mapping[str, object], hotline: Hotline, horizon: Horizon
) -> HandlingReading | Refused:
    """Return the stamps and the sheet in *body*, or every fault in it.

    Required: a record number (`fkdbh`, `cjdbh`), the call's (`jjdbh`), the unit (`cjdwbm`,
    `cjdwmc`), and something to say.
    """
    fields = Fields(body)
    number = fields.number("fkdbh", "cjdbh", required=True)
    call = fields.number("jjdbh", required=True)
    unit, unknown = _unit(fields, hotline)
    stamps = [
        FeedbackStamp(kind=kind, occurred_at=at)
        for kind, names in _STAMPS
        if (at := fields.instant(*names, zone=hotline.zone, horizon=horizon)) is not None
    ]
    made = fields.instant("cjsj", zone=hotline.zone, horizon=horizon)
    fed_back = fields.instant("scfksj", zone=hotline.zone, horizon=horizon)
    sheet = _sheet(fields)
    newest = max((s.occurred_at for s in stamps), default=made)
    if sheet is not None:
        at = fed_back or newest or horizon.now
        stamps.append(FeedbackStamp(kind=FeedbackKind.FED_BACK, occurred_at=at))
    if fields.said("thbz"):
        at = newest or horizon.now
        stamps.append(FeedbackStamp(kind=FeedbackKind.RETURNED, occurred_at=at))
    if fields.faults or number is None or call is None or unit is None:
        return Refused(tuple(fields.faults), number)
    stamps.sort(key=_when)
    return HandlingReading(number, call, unit, tuple(stamps), sheet, unknown)


def _when(stamp: FeedbackStamp) -> datetime:
    return stamp.occurred_at


def _unit(fields: Fields, hotline: Hotline) -> tuple[str | None, tuple[str, ...]]:
    """Return the pack's unit id, by code or name; a code nobody knows is kept raw and counted."""
    units = hotline.pack.unit_by_id
    name = fields.text("cjdwmc")
    code = fields.number("cjdwbm", required=name is None)
    if code in units:
        return code, ()
    named = next((unit.id for unit in units.values() if unit.name == name), None)
    if named is not None:
        return named, ()
    if code is None and name is not None:
        code = fields.checked("cjdwmc", name)
    return code, ("cjdwbm",)


def _sheet(fields: Fields) -> Sheet | None:
    """Return the feedback sheet (R10) if there is one; of people and vehicles only how many."""
    result = fields.text("cljg", "cljglx")
    text = fields.text("fknr", limit=MAX_TEXT)
    people, vehicles = fields.count("cdry"), fields.count("cdcl")
    if result is None and text is None:
        return None
    return Sheet(
        result=scrub(result or ""), text=scrub(text or ""), people=people, vehicles=vehicles
    )
