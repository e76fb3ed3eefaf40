"""A recorded day played as the region's: calls become records, units move at their recorded times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from services.drill.domain.arrivals import caller
from services.drill.domain.chance import drawn, stream
from services.drill.domain.plan import Record, Report, Send
from services.drill.domain.scenario import number, requests
from services.drill.domain.unit_play import Act, Duty, Step, act_of
from shared.contracts import ids
from shared.contracts.incident import Relation
from shared.contracts.pack import DrillPlace, Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a recorded kind of call is here: one of the pack's sources and categories."""

    source: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a recording is read; made from a file in `recordings/`."""

    file: str
    day: date
    time_format: str
    columns: Mapping[str, str]
    default: Meaning
    kinds: Mapping[str, Meaning]
    answers_as: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """One recorded unit; times are local without a zone, None where it never got so far."""

    kind: str
    order: int
    dispatched: datetime | None
    turned_out: datetime | None
    arrived: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One recorded call with its units in the order they were sent; `received` is local."""

    call: str
    kind: str
    area: str
    received: datetime
    responders: tuple[Responder, ...]


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """What is played: the requests, and how the units of each incident move."""

    sends: tuple[Send, ...]
    calls: Mapping[UUID, RecordedCall] = field(default_factory=dict)


def calls_of(rows: Iterable[Mapping[str, str]], mapping: Reading) -> list[RecordedCall]:
    """Group the rows (one per unit) by call and keep those received on the mapping's day.

    A call was received at the earliest stamp of its rows (FIGURES, San Francisco).
    """
    grouped: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        grouped.setdefault(row[mapping.columns["call"]], []).append(row)
    calls = [_call(name, of_call, mapping) for name, of_call in grouped.items()]
    today = [call for call in calls if call.received.date() == mapping.day]
    return sorted(today, key=lambda call: (call.received, call.call))


def played(
    pack: Pack, mapping: Reading, calls: Sequence[RecordedCall], seed: int, day: date
) -> RecordedDay:
    """Return the recorded *calls* moved onto the local *day*, word for word the same at each call."""
    records, of_incident = [], {}
    for position, call in enumerate(calls):
        report = _report(pack, mapping, call, seed, day)
        record = Record(report=report, number=number(pack, report.source, day, position))
        records.append(record)
        opened = ids.incident_id(ids.call_id(report.source, record.number))
        of_incident[opened] = call
    return RecordedDay(tuple(requests(pack, records, stream(seed, day, "repetition"))), of_incident)


def answers(
    duty: Duty, call: RecordedCall, pack: Pack, mapping: Reading, seed: int
) -> tuple[Act, ...]:
    """Return what the unit does: its recorded counterpart's stamps, counted from the call's receipt.

    The recording knows no sheet and no assembly: the sheet is drawn from the pack, a team that has
    to assemble has done so when its counterpart turned out.
    """
    responder = counterpart(duty.unit, call, pack, mapping)
    if responder is None:
        return ()
    recorded = [
        (Step.ACK, responder.turned_out),
        (Step.TURN_OUT, responder.turned_out),
        (Step.ASSEMBLE, _assembled(duty, responder)),
        (Step.ARRIVE, responder.arrived),
        (Step.END, responder.ended if responder.arrived else None),
    ]
    anchor = responder.dispatched or call.received
    moments = [(step, duty.at + max(at - anchor, timedelta())) for step, at in recorded if at]
    if moments and moments[-1][0] is Step.END:
        sheet = drawn(pack.drill.behaviour.sheet, stream(seed, "sheet", duty.assignment))
        moments.append((Step.SHEET, moments[-1][1] + sheet))
    return tuple(act_of(step, duty.assignment, duty.unit, at) for step, at in moments)


def counterpart(unit: str, call: RecordedCall, pack: Pack, mapping: Reading) -> Responder | None:
    """Return the recorded unit that *unit* moves like; the first one sent where no type fits."""
    known = pack.unit_by_id.get(unit)
    for capability in known.capabilities if known else ():
        for kind in mapping.answers_as.get(capability, ()):
            for responder in call.responders:
                if responder.kind == kind:
                    return responder
    return call.responders[0] if call.responders else None


def _assembled(duty: Duty, responder: Responder) -> datetime | None:
    return responder.turned_out if duty.relation is Relation.TOWN_TO_TOWNSHIP else None


def _call(name: str, rows: Sequence[Mapping[str, str]], mapping: Reading) -> RecordedCall:
    columns = mapping.columns
    received = [at for row in rows if (at := _moment(row[columns["received"]], mapping))]
    responders = sorted(
        (_responder(row, mapping) for row in rows), key=lambda each: (each.order, each.kind)
    )
    return RecordedCall(
        call=name,
        kind=rows[0][columns["kind"]],
        area=rows[0][columns["area"]],
        received=min(received),
        responders=tuple(responders),
    )


def _responder(row: Mapping[str, str], mapping: Reading) -> Responder:
    columns = mapping.columns
    stamps = {
        name: _moment(row[columns[name]], mapping)
        for name in ("dispatched", "turned_out", "arrived", "ended")
    }
    order = row[columns["order"]]
    return Responder(
        kind=row[columns["unit_type"]], order=int(order) if order.isdigit() else 99, **stamps
    )


def _moment(text: str, mapping: Reading) -> datetime | None:
    """Read a local stamp of the recording; it stays without a zone, only differences are used."""
    return datetime.strptime(text, mapping.time_format) if text else None  # noqa: DTZ007


def _report(pack: Pack, mapping: Reading, call: RecordedCall, seed: int, day: date) -> Report:
    meaning = mapping.kinds.get(call.kind, mapping.default)
    place = place_of(pack, call.area)
    chance = stream(seed, "recorded", call.call)
    local = datetime.combine(day, call.received.time(), pack.region.zone)
    return Report(
        at=local.astimezone(UTC),
        source=meaning.source,
        category=meaning.category,
        place=place,
        text=_text(pack, meaning.category, place),
        caller=caller(chance),
    )


def place_of(pack: Pack, area: str) -> DrillPlace:
    """Return the place that stands for a recorded area; the same area is always the same place."""
    places = pack.drill.places
    weights = [place.weight for place in places]
    return stream(0, "place", area).choices(places, weights)[0]


def _text(pack: Pack, category: str, place: DrillPlace) -> str:
    texts = [kind.texts[0] for kind in pack.drill.kinds if kind.category == category]
    return (texts[0] if texts else pack.category(category).name + "，地点{place}").replace(
        "{place}", place.text
    )
