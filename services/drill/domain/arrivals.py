"""When calls come: a day's reports spread over its local hours, and who reports again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from services.drill.domain.chance import drawn, happens, picked
from services.drill.domain.plan import Report
from shared.contracts.pack import Drill, DrillKind, Pack

MIN_REPEAT = timedelta(seconds=20)
"""Nobody reports what was reported a moment ago as a repeat: the operator is still writing."""


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the start of the local *day*, UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def reports_of_day(pack: Pack, day: date, chance: Random) -> list[Report]:
    """Return the day's valid reports in order of time: `calls_per_day`, repeats among them."""
    drill = pack.drill
    again = round(drill.calls_per_day * drill.repeats.share)
    times = sorted(
        _moment(drill, day, pack.region.zone, chance) for _ in range(drill.calls_per_day - again)
    )
    first = [_report(pack, at, chance) for at in times]
    ends = midnight(day + timedelta(days=1), pack.region.zone)
    repeats = [_repeat(pack, first, ends, chance) for _ in range(again)]
    return _in_order(first, repeats)


def _moment(drill: Drill, day: date, zone: ZoneInfo, chance: Random) -> datetime:
    hour = picked(range(24), drill.hourly, chance)
    second = chance.randrange(3600)
    local = datetime.combine(day, time(hour, second // 60, second % 60), zone)
    return local.astimezone(UTC)


def _report(pack: Pack, at: datetime, chance: Random) -> Report:
    kind = picked(pack.drill.kinds, [kind.weight for kind in pack.drill.kinds], chance)
    place = picked(pack.drill.places, [place.weight for place in pack.drill.places], chance)
    return Report(
        at=at,
        source=kind.source,
        category=kind.category,
        place=place,
        text=_text(kind, chance).replace("{place}", place.text),
        caller=caller(chance),
    )


def _text(kind: DrillKind, chance: Random) -> str:
    return kind.texts[chance.randrange(len(kind.texts))]


def caller(chance: Random) -> str:
    """Return a number of eleven digits that nobody has: no mobile number begins with 12."""
    return f"1200{chance.randrange(10_000_000):07d}"


def _repeat(pack: Pack, first: list[Report], ends: datetime, chance: Random) -> Report:
    """Report one of *first* again: another caller by the chain, or the same caller without one."""
    index = chance.randrange(len(first))
    origin = first[index]
    chained = happens(pack.drill.repeats.chained, chance)
    later = origin.at + max(MIN_REPEAT, drawn(pack.drill.repeats.delay, chance))
    kinds = [
        k for k in pack.drill.kinds if (k.source, k.category) == (origin.source, origin.category)
    ]
    text = _text(kinds[0], chance).replace("{place}", origin.place.text)
    return replace(
        origin,
        at=min(later.replace(microsecond=0), ends - timedelta(seconds=1)),
        text=text,
        caller=caller(chance) if chained else origin.caller,
        chain=index if chained else None,
    )


def writes_call_records(pack: Pack, source: str) -> bool:
    """Say whether the source writes call records 接警单; the others write orders 工单."""
    return bool(pack.source_by_id[source].category_codes)


def _in_order(first: list[Report], repeats: list[Report]) -> list[Report]:
    """Sort by time; chains, which pointed into *first*, then point into the sorted list."""
    tagged = [(report.at, index, report) for index, report in enumerate([*first, *repeats])]
    tagged.sort(key=lambda item: item[:2])
    place = {index: position for position, (_, index, _) in enumerate(tagged)}
    return [
        report if report.chain is None else replace(report, chain=place[report.chain])
        for _, _, report in tagged
    ]
