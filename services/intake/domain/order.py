"""Reads the 12345 order 工单 (FEEDS 3), whose fields go by several names."""

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

NUMBER = ("gdbh", "workordercode", "ticketno")
ROOT = ("zgdbh", "parentordercode")
RECEIVED = ("slsj", "accepttime", "receivetime", "createtime")
SUBJECT = ("bt", "title", "subject")
CONTENT = ("sqnr", "nr", "content", "appealcontent")
ADDRESS = ("dz", "sfdz", "address", "addr")
AREA = ("xzqh", "afxzqh", "areacode", "ssqy", "area")
KINDS = (
    *("sqlx", "requesttype", "appealtype"),  # kind of request: 咨询, 求助, 投诉 ...
    *("yjfl", "category1", "ejfl", "category2", "sjfl", "category3", "lb", "category"),
)
LEVEL = ("jjcd", "urgency")
LIMIT = ("processlimited", "clsx")
SCENE = (("jd", "wd"), ("longitude", "latitude"), ("lng", "lat"), ("fxdwjd", "fxdwwd"))
PHONE = ("lxdh", "phone", "callerphone", "contactphone", "ldhm")
NAME = ("lxr", "xm", "callername", "contactname")
SEX = ("xb", "sex", "gender")
UPDATED = ("gxsj", "sjgxsj", "updatetime")


def read_order(body: Mapping[str, object], hotline: Hotline, horizon: Horizon) -> Reading | Refused:
    """Return the call that the order *body* tells of, or every fault in it.

    Required: an order number, the time it was received, and its content.
    """
    fields = Fields(body)
    number = fields.number(*NUMBER, required=True)
    root = fields.number(*ROOT) or number
    received = fields.instant(*RECEIVED, zone=hotline.zone, horizon=horizon, required=True)
    subject = fields.text(*SUBJECT)
    content = fields.text(*CONTENT, required=True, limit=MAX_TEXT)
    updated = fields.text(*UPDATED)
    where, area = fields.text(*ADDRESS), fields.text(*AREA)
    stated = scene.scene_position(fields, SCENE)
    what = classify(fields, hotline, codes=(), names=KINDS, level=LEVEL)
    at = scene.place(fields, hotline, where, area, stated)
    if scene.is_unknown_area(area, hotline):
        what.unknown.append(AREA[0])
    said = _joined(subject, content or "")
    text, limit = scrub(said), fields.text(*LIMIT)
    contact = Contact(
        phone=fields.text(*PHONE),
        name=fields.text(*NAME),
        sex=fields.text(*SEX),
        text=said if text != said else None,
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
        text=text,
        place=at,
        contact=contact,
        hotline_limit=scrub(limit) if limit else None,
        dated=updated is not None,
        unknown_codes=tuple(what.unknown),
    )


def _joined(subject: str | None, content: str) -> str:
    """Return subject and content as one text; a subject that only repeats its beginning is left out."""
    if subject is None or content.startswith(subject.rstrip("…")):
        return content
    return f"{subject}\n{content}"
