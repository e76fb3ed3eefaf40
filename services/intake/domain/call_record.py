"""Reads the 110 / 119 / 122 call record 接警单 (FEEDS 1)."""

from __future__ import annotations

from collections.abc import Mapping

from services.intake.domain import scene
from services.intake.domain.classify import classify
from services.intake.domain.contact import Contact
from services.intake.domain.faults import Refused
from services.intake.domain.fields import MAX_TEXT, Fields
from services.intake.domain.reading import Hotline, Reading
from services.intake.domain.scrub import scrub
from services.intake.domain.times import Horizon

PLACE = ("afdd", "sfdd", "sfdz")
SCENE = (("fxdwjd", "fxdwwd"), ("gis_x", "gis_y"))
PHONE_POSITION = ("dhdwjd", "dhdwwd")
CODES, NAMES = ("bjlb", "bjlx", "bjxl"), ("bjlbmc", "bjlxmc", "bjxlmc")
LEVEL = ("jqdj", "caselevel")
UPDATED = ("gxsj", "sjgxsj")


def read_call(body: Mapping[str, object], hotline: Hotline, horizon: Horizon) -> Reading | Refused:
    """Return the call that *body* tells of, or every fault in it.

    Required: `jjdbh`, `bjsj`, `bjnr`. A place is not: a caller who cannot say where still calls.
    """
    fields = Fields(body)
    number = fields.number("jjdbh", required=True)
    root = fields.number("zjjdbh") or number
    received = fields.instant("bjsj", zone=hotline.zone, horizon=horizon, required=True)
    text = fields.text("bjnr", required=True, limit=MAX_TEXT)
    updated = fields.text(*UPDATED)
    where, code = fields.text(*PLACE), fields.division("afxzqh")
    stated, phone = scene.scene_position(fields, SCENE), fields.position(*PHONE_POSITION)
    what = classify(fields, hotline, codes=CODES, names=NAMES, level=LEVEL)
    # a phone's position stands in for the scene only where nobody stated one
    used = stated or (phone if where is None else None)
    at = scene.place(fields, hotline, where, code, used)
    if scene.is_unknown_area(code, hotline):
        what.unknown.append("afxzqh")
    said = scrub(text or "")
    contact = Contact(
        phone=fields.text("bjdh"),
        name=fields.text("bjrxm"),
        sex=fields.text("bjrxb"),
        subscriber=fields.text("bjdhyhxm"),
        subscriber_address=fields.text("bjdhyhdz"),
        phone_position=phone,
        text=text if text != said else None,
        place=where if at.text != (where or "") else None,
        extra=fields.rest(),
    )
    if fields.faults or number is None or root is None or received is None:
        return Refused(tuple(fields.faults), number)
    return Reading(
        source_id=number,
        root=root,
        line=what.line,
        lane=what.lane,
        received_at=received,
        kind=what.kind,
        severity=what.severity,
        text=said,
        place=at,
        contact=contact,
        hotline_limit=None,
        dated=updated is not None,
        unknown_codes=tuple(what.unknown),
    )
