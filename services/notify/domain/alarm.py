"""Alarms about the platform itself, for the duty desk: at once what is new, repetitions as one digest a period."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from services.notify.domain import recipients, texts
from services.notify.domain.notice import NO_INCIDENT, Notice, Occasion
from shared.contracts import ids
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.pack import Channel, NoticeCause, Pack, Recipient
from shared.contracts.values import Lane, Producer

OTHER = "other"
MOST_HEARD = 50
"""So many halts of one consumer are told apart in a period; what comes beyond waits for the digest."""
_WORD = re.compile(r"[a-z][a-z0-9_.]{0,39}")


class AlarmKind(StrEnum):
    """What is wrong; the word stands in the alarm's row."""

    DEAD_LETTER = "dead_letter"
    CONSUMER_HALTED = "consumer_halted"
    SLA_SILENT = "sla_silent"


ONE_BY_ONE = frozenset({AlarmKind.CONSUMER_HALTED, AlarmKind.SLA_SILENT})
"""Each of these stops something until a person comes: only a repetition of the same one may wait."""


class Fault(Struct, frozen=True):
    """Something that went wrong at *subject* (a consumer, a lane), for a named *reason*.

    `once` names one that several processes may see, or one process again: it counts once. `which`
    tells one halt or silence from another; while it stands it stays the same.
    """

    kind: AlarmKind
    subject: str
    reason: str
    once: str = ""
    which: str = ""


class Alarm(Struct, frozen=True, omit_defaults=True):
    """All faults of one kind at one subject: when people were last told (wall time, UTC), what came since.

    `version` guards the row; `once` is the last fault's own name; `heard` is when each halt or silence
    of the last period was heard of last (wall time, UTC).
    """

    kind: AlarmKind
    subject: str
    version: int = 0
    told_at: datetime | None = None
    waiting: dict[str, int] = {}
    once: str = ""
    heard: dict[str, datetime] = {}

    @property
    def alarm_id(self) -> UUID:
        """The alarm's aggregate; with the version it makes the cause of its notices."""
        return alarm_id(self.kind, self.subject)

    @property
    def cause(self) -> UUID:
        """What causes a notice at this version: the same notice, whichever process sends it."""
        return ids.event_id(Producer.NOTIFY, self.alarm_id, self.version)


class Report(Struct, frozen=True):
    """What people are told of one alarm: how often, by reason."""

    kind: AlarmKind
    subject: str
    counts: Mapping[str, int]


def alarm_id(kind: AlarmKind, subject: str) -> UUID:
    """Return the id of the alarm about *subject*."""
    return uuid5(ids.NAMESPACE, f"alarm/{kind}/{subject}")


def word(text: str) -> str:
    """Return *text* where it is a short plain word: what stands on a topic could be anybody's sentence."""
    return text if _WORD.fullmatch(text) else OTHER


def raised(
    alarm: Alarm, faults: Iterable[Fault], now: datetime, period: timedelta
) -> tuple[Alarm, Report | None]:
    """Return the alarm after *faults* and what people are told at once; the same alarm where all are known.

    The first is told at once, and the first after a quiet *period*; the others wait for the digest.
    A halt or silence not heard of for a *period* is told at once whatever was told before, with all
    that waits: the same consumer may have been set going again in between.
    """
    counts: dict[str, int] = {}
    once, another = alarm.once, False
    heard = {which: at for which, at in alarm.heard.items() if now - at < period}
    for fault in faults:
        if fault.once and fault.once == once:
            continue
        once = fault.once or once
        counts[fault.reason] = counts.get(fault.reason, 0) + 1
        if fault.kind in ONE_BY_ONE and (fault.which in heard or len(heard) < MOST_HEARD):
            another = another or fault.which not in heard
            heard[fault.which] = now
    if not counts:
        return alarm, None
    counts = _sum(alarm.waiting, counts)
    after = replace(alarm, version=alarm.version + 1, once=once, heard=heard)
    if another or (not alarm.waiting and _over(alarm, now, period)):
        told = replace(after, told_at=now, waiting={})
        return told, Report(alarm.kind, alarm.subject, counts)
    return replace(after, waiting=counts), None


def digested(
    alarms: Iterable[Alarm], now: datetime, period: timedelta
) -> tuple[list[Alarm], list[Report]]:
    """Return the alarms told in one digest now, and what it says; nothing while the period runs.

    As soon as one has waited a *period* since people were told, all that wait are told with it.
    """
    waiting = sorted((a for a in alarms if a.waiting), key=lambda a: (a.kind, a.subject))
    if not any(_over(each, now, period) for each in waiting):
        return [], []
    told = [replace(a, version=a.version + 1, told_at=now, waiting={}) for a in waiting]
    return told, [Report(a.kind, a.subject, a.waiting) for a in waiting]


def alarm_notices(reports: Sequence[Report], occasion: Occasion, *, digest: bool) -> list[Notice]:
    """Return the desk's notices of *reports*, over every channel the pack's rules name for their kinds.

    A pack that names none is told on all its channels: alarms about the platform cannot be turned off.
    """
    pack, to = occasion.pack, recipients.desk(occasion.pack)
    text = texts.head(exercise=False) + texts.alarm(
        [(each.kind, each.subject, each.counts) for each in reports], digest=digest
    )
    return [
        Notice(
            order=Order(
                notice_id=ids.notice_id(occasion.cause, to.id, channel),
                incident_id=NO_INCIDENT,
                number="",
                recipient=to.id,
                address=to.address(channel),
                channel=channel,
                purpose=Purpose.WATCHDOG,
                lane=Lane.URGENT,
                text=text,
                queued_at=occasion.now,
            ),
            cause=occasion.cause,
        )
        for channel in _channels(pack, {each.kind for each in reports})
    ]


def _channels(pack: Pack, kinds: set[AlarmKind]) -> list[Channel]:
    causes = {NoticeCause(kind.value) for kind in kinds}
    rules = [r for r in pack.notices.rules if r.cause in causes and r.to is Recipient.DESK]
    named = dict.fromkeys(channel for rule in rules for channel in rule.channels)
    return list(named) or [policy.channel for policy in pack.notices.channels]


def _over(alarm: Alarm, now: datetime, period: timedelta) -> bool:
    return alarm.told_at is None or now - alarm.told_at >= period


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {reason: one.get(reason, 0) + other.get(reason, 0) for reason in sorted({*one, *other})}
