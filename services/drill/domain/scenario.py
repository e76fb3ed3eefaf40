"""A day of the region as requests in order of time: same pack, seed and day, same sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import cycle
from random import Random
from typing import Any

from services.drill.domain import arrivals
from services.drill.domain.call_record import call_record
from services.drill.domain.chance import happens, stream
from services.drill.domain.faults_in_records import FieldNames, encoded, spoilt
from services.drill.domain.handling_record import handling_record
from services.drill.domain.hotline_order import hotline_order
from services.drill.domain.plan import AGAIN, ONCE, Feed, Record, Report, Send
from services.drill.domain.unit_play import SHORT, Step
from shared.contracts.pack import Malformed, Pack

RESENT = 0.03
"""Share of records a hotline sends twice, word for word (*ours*)."""

_AN_HOUR = timedelta(hours=1)

UNCALLED = 0.02
"""Share of call records about which a unit reports that nobody sent (双轨制, P12; *ours*)."""

CALL_RECORD = FieldNames(
    received="bjsj", text="bjnr", codes=("bjlb", "bjlx", "bjxl"), point=("fxdwjd", "fxdwwd")
)
ORDER = FieldNames(received="slsj", text="nr", codes=("lb",), point=("jd", "wd"))


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the day that is played: `[start, end)`, UTC."""

    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        return self.start <= at < self.end


def whole_day(pack: Pack, day: date) -> Window:
    """Return the local *day*."""
    zone = pack.region.zone
    return Window(arrivals.midnight(day, zone), arrivals.midnight(day + timedelta(days=1), zone))


def played(pack: Pack, seed: int, day: date, window: Window) -> tuple[Send, ...]:
    """Return what the hotlines send in *window* of *day*, faults and repetitions among it.

    A shorter window plays exactly its part of the day: the same records under the same numbers.
    """
    reports = arrivals.reports_of_day(pack, day, stream(seed, day, "reports"))
    records = numbered(pack, day, reports)
    sends = requests(pack, records, stream(seed, day, "repetition"))
    sends += double_track(pack, records, stream(seed, day, "double track"))
    sends += _faulty(pack, day, stream(seed, day, "faults"))
    return _of_calls_played(in_window(sends, window))


def _of_calls_played(sends: tuple[Send, ...]) -> tuple[Send, ...]:
    """Leave out what units tell of calls that fall outside the window."""
    called = {send.number for send in sends if send.feed is Feed.CALLS}
    return tuple(send for send in sends if send.feed is Feed.CALLS or send.number in called)


def in_window(sends: Sequence[Send], window: Window) -> tuple[Send, ...]:
    """Return those of *sends* that fall into *window*, in order of time, then name."""
    return tuple(
        sorted((s for s in sends if window.holds(s.at)), key=lambda send: (send.at, send.name))
    )


def numbered(pack: Pack, day: date, reports: Sequence[Report]) -> list[Record]:
    """Give each report its number, rising by the source, and a repeat its chain's first number."""
    numbers = [
        number(pack, report.source, day, position) for position, report in enumerate(reports)
    ]
    return [
        Record(
            report=report,
            number=numbers[position],
            main=None if report.chain is None else numbers[report.chain],
        )
        for position, report in enumerate(reports)
    ]


def number(pack: Pack, source: str, day: date, position: int) -> str:
    """Return a record's number as its source would write it."""
    return f"{pack.region.area_code}{source}{day:%Y%m%d}{position:06d}"


def requests(pack: Pack, records: Sequence[Record], chance: Random) -> list[Send]:
    """Return one request for each record, and a second, equal one for some."""
    sends = []
    for record in records:
        body = encoded(fields_of(pack, record), pack.source_by_id[record.report.source].charset)
        first = Send(
            name=record.number,
            at=record.report.at,
            source=record.report.source,
            number=record.number,
            body=body,
            allowed=ONCE,
        )
        again = happens(RESENT, chance)
        delay = timedelta(seconds=chance.uniform(30, 300))
        if again:
            first = replace(first, allowed=AGAIN)
            sends.append(replace(first, name=f"{first.name}-again", at=first.at + delay))
        sends.append(first)
    return sends


def double_track(pack: Pack, records: Sequence[Record], chance: Random) -> list[Send]:
    """Return what squads report that were there by themselves: on scene at first, everything later.

    Some of it reaches intake before the call does: a squad knows before the hotline (FEEDS §2).
    """
    sends = []
    for record in records:
        report = record.report
        squad = pack.squad_of(report.place.area)
        if not happens(UNCALLED, chance) or squad is None:
            continue
        told = report.at + timedelta(seconds=round(chance.uniform(-60, 240)))
        stamps = {Step.ACK: told - timedelta(seconds=90), Step.ARRIVE: told - SHORT}
        whole = stamps | {Step.END: told + _AN_HOUR, Step.SHEET: told + _AN_HOUR}
        if arrivals.writes_call_records(pack, report.source):
            sends.append(_passed_on(pack, record, squad.id, stamps, told))
            sends.append(_passed_on(pack, record, squad.id, whole, told + _AN_HOUR))
    return sends


def _passed_on(
    pack: Pack, record: Record, unit: str, stamps: Mapping[Step, datetime], at: datetime
) -> Send:
    source = pack.source_by_id[record.report.source]
    fields = handling_record(record.number, unit, stamps, pack.region.zone)
    return Send(
        name=f"{record.number}-{unit}-{len(stamps)}",
        at=at,
        source=source.id,
        number=record.number,
        body=encoded(fields, source.charset),
        allowed=ONCE,
        feed=Feed.HANDLING,
    )


def fields_of(pack: Pack, record: Record) -> dict[str, Any]:
    """Return the record in the form its source writes."""
    calls = arrivals.writes_call_records(pack, record.report.source)
    return (call_record if calls else hotline_order)(pack, record)


def _faulty(pack: Pack, day: date, chance: Random) -> list[Send]:
    """Return the day's faulty records, their kinds taking turns; they come on top of the valid ones."""
    share, kinds = pack.drill.malformed.share, pack.drill.malformed.kinds
    count = round(pack.drill.calls_per_day * share)
    if not kinds or not count:
        return []
    reports = arrivals.reports_of_day(pack, day, chance)
    chosen = sorted(chance.sample(range(len(reports)), min(count, len(reports))))
    turns = cycle(chance.sample(kinds, len(kinds)))
    return [
        _spoilt(pack, replace(reports[index], chain=None), f"X{day:%Y%m%d}{index:06d}", next(turns))
        for index in chosen
    ]


def _spoilt(pack: Pack, report: Report, number: str, kind: Malformed) -> Send:
    fields = fields_of(pack, Record(report=report, number=number))
    names = CALL_RECORD if arrivals.writes_call_records(pack, report.source) else ORDER
    send = Send(
        name=number, at=report.at, source=report.source, number=number, body=b"", allowed=ONCE
    )
    return spoilt(send, fields, kind, names)
