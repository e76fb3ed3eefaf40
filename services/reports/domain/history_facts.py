"""Imported cases as the facts the platform's own figures are computed from.

Each response (each case, where no unit is mapped) is a duty; a limit the mapping names, and a due
time of the file, is a clock. So every table has one definition, whoever kept the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import UNSET

from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    Facts,
    IncidentFact,
    LinkFact,
    Population,
)
from services.reports.domain.history_mapping import Beside, Dimension, Stamp
from services.reports.domain.history_rows import Case, Response
from services.reports.domain.history_terms import Basis
from services.reports.domain.quantities import OTHER
from shared.contracts.incident import AssignmentState, IncidentState, StampOrigin
from shared.contracts.pack import UNCLASSIFIED, UnitKind
from shared.contracts.sla import ClockKind, ClockState
from shared.contracts.values import Lane

SOURCE = "import"
VERSION, SEVERITY = 1, 4

KINDS = (
    ClockKind.ACK,
    ClockKind.ARRIVAL,
    ClockKind.FEEDBACK,
    ClockKind.HANDLE,
    ClockKind.TURNOUT,
)
"""The clocks a duty can have; the place of one is part of its id."""
ROOM = 8
"""Ids set aside for a duty and its clocks."""

DUE_RULE = "due"
"""The limit is the due time of the file itself."""


def facts_of(cases: Iterable[Case], basis: Basis, zone: ZoneInfo) -> Facts:
    """Return the facts of *cases*, judged as *basis* says; nothing is known after its as-of.

    Invalid, duplicate and test cases are calls and have no duty. A stamp before its start is taken
    as at the start: no length is negative (T8 counts them as out of order).
    """
    known = list(cases)
    counted = [case for case in known if case.standing in {None, Beside.EXERCISE}]
    duties = [(case, n, duty) for case in counted for n, duty in enumerate(_duties(case, basis), 1)]
    return Facts(
        calls=tuple(_call(case, basis) for case in known),
        incidents=tuple(_incident(case, basis) for case in known),
        links=tuple(LinkFact(c.id, c.id) for c in known if c.standing is Beside.DUPLICATE),
        assignments=tuple(_assignment(case, n, duty, basis) for case, n, duty in duties),
        clocks=tuple(
            clock for case, n, duty in duties for clock in _clocks(case, n, duty, basis, zone)
        ),
        heard=dict.fromkeys(Population, basis.as_of),
        read_at=basis.as_of,
    )


def _duties(case: Case, basis: Basis) -> Iterator[Response]:
    if basis.units:
        yield from case.responses
    else:
        yield Response(case.values[Dimension.DEPARTMENT], case.stamps)


def category_of(case: Case, basis: Basis) -> str:
    """Return what the case is in the rows of T1 and T2."""
    return (basis.rows and case.values[basis.rows]) or UNCLASSIFIED


def affair_of(case: Case, basis: Basis) -> str:
    """Return the affair class of the case, `other` where the mapping says none."""
    affairs = basis.affairs
    if affairs is UNSET:
        return OTHER
    return affairs.affair(case.values[affairs.by]) or OTHER


def is_urgent(case: Case, basis: Basis) -> bool:
    """Say whether the mapping calls the case urgent."""
    urgent = basis.urgent
    return urgent is not UNSET and case.values[urgent.by] in urgent.texts


def _call(case: Case, basis: Basis) -> CallFact:
    return CallFact(
        call_id=case.id,
        version=VERSION,
        opens=case.id,
        source=SOURCE,
        line=basis.line,
        lane="",
        received_at=case.counted_at,
        recorded_at=case.counted_at,
        category=category_of(case, basis),
        severity=SEVERITY,
        area=case.values[Dimension.AREA],
        withdrawn=case.standing is Beside.INVALID,
        exercise=case.standing is Beside.EXERCISE,
        test=case.standing is Beside.TEST,
    )


def _incident(case: Case, basis: Basis) -> IncidentFact:
    closed = case.stamps[Stamp.CLOSED]
    state = IncidentState.CLOSED if closed else IncidentState.DISPATCHED
    return IncidentFact(
        incident_id=case.id,
        version=VERSION,
        number=case.number or str(case.id),
        line=basis.line,
        lane=Lane.URGENT if is_urgent(case, basis) else "",
        state=IncidentState.DUPLICATE if case.standing is Beside.DUPLICATE else state,
        affair=affair_of(case, basis),
        category=category_of(case, basis),
        severity=SEVERITY,
        area=case.values[Dimension.AREA],
        received_at=case.counted_at,
        accepted_at=None,
        dispatched_at=case.stamps[Stamp.DISPATCHED],
        on_scene_at=case.stamps[Stamp.ARRIVED],
        handled_at=closed,
        ended_at=closed,
        merged_into=None,
        rework=0,
        reopened=0,
        pack_version="",
        exercise=case.standing is Beside.EXERCISE,
        test=case.standing is Beside.TEST,
    )


def part_id(case: UUID, place: int) -> UUID:
    """Return the id of a duty or clock: the case's with *place* as its last 32 bits."""
    return UUID(int=(case.int >> 32 << 32) | place)


def _assignment(case: Case, n: int, duty: Response, basis: Basis) -> AssignmentFact:
    at = duty.stamps
    return AssignmentFact(
        assignment_id=part_id(case.id, n * ROOM),
        incident_id=case.id,
        version=VERSION,
        unit=duty.unit or "",
        department=case.values[Dimension.DEPARTMENT] or "",
        # where nobody recorded an arrival none is owed
        unit_kind=UnitKind.STANDING if Stamp.ARRIVED in basis.stamps else UnitKind.DESK,
        role="lead",
        origin=SOURCE,
        state=AssignmentState.ENDED,
        relation="",
        sent_at=at[Stamp.DISPATCHED] or at[Stamp.RECEIVED],
        acked_at=at[Stamp.ACKED],
        turned_out_at=at[Stamp.TURNED_OUT],
        assembled_at=None,
        arrived_at=at[Stamp.ARRIVED],
        arrived_by=StampOrigin.FEED,
        arrived_late_told=False,
        ended_at=at[Stamp.CLOSED],
        ended_by=StampOrigin.FEED,
        ended_late_told=False,
        waived_at=None,
        fed_back_at=at[Stamp.FED_BACK],
        released_at=None,
        rework=0,
        exempt="",
        exercise=case.standing is Beside.EXERCISE,
        test=False,
    )


def _clocks(
    case: Case, n: int, duty: Response, basis: Basis, zone: ZoneInfo
) -> Iterator[ClockFact]:
    """Yield the limits of a duty; without a limit to sign for or to report one that is not judged.

    Those two say which duties a unit had (workload, T8), by when the case was counted.
    """
    at, limits, counted = duty.stamps, basis.limits, case.counted_at
    sent = at[Stamp.DISPATCHED] or at[Stamp.RECEIVED] or counted

    def clock(
        kind: ClockKind, rule: str, started: datetime, due: datetime, stopped: datetime | None
    ) -> ClockFact:
        first, last = basis.day_hours
        return ClockFact(
            clock_id=part_id(case.id, n * ROOM + 1 + KINDS.index(kind)),
            kind=kind,
            rule=rule,
            rule_version="",
            assignment_id=part_id(case.id, n * ROOM),
            unit=duty.unit,
            started=started,
            due=due,
            limit_s=(due - started).total_seconds(),
            state=ClockState.RUNNING,
            judged=bool(rule),
            day=first <= started.astimezone(zone).hour < last,
            stopped=max(stopped, started) if stopped else None,
            breached_at=None,
            found_late=False,
            corrected=False,
            exempt=False,
            incident_id=case.id,
            version=VERSION,
            exercise=case.standing is Beside.EXERCISE,
        )

    for kind, limit, stamp in (
        (ClockKind.ACK, limits.acked, Stamp.ACKED),
        (ClockKind.FEEDBACK, limits.fed_back, Stamp.FED_BACK),
    ):
        if limit:
            yield clock(kind, f"limits.{stamp}", sent, sent + timedelta(seconds=limit), at[stamp])
        else:
            yield clock(kind, "", counted, counted, None)
    if limits.turned_out:
        due = sent + timedelta(seconds=limits.turned_out)
        yield clock(ClockKind.TURNOUT, "limits.turned_out", sent, due, at[Stamp.TURNED_OUT])
    received = at[Stamp.RECEIVED]
    if limits.arrived and received:
        due = received + timedelta(seconds=limits.arrived)
        yield clock(ClockKind.ARRIVAL, "limits.arrived", received, due, at[Stamp.ARRIVED])
    owed = at[Stamp.DUE]
    if owed:
        # a due time before the receipt is the file's: the limit is then none at all
        start = min(received or counted, owed)
        yield clock(ClockKind.HANDLE, DUE_RULE, start, owed, at[Stamp.CLOSED])
    elif limits.closed and received:
        due = received + timedelta(seconds=limits.closed)
        yield clock(ClockKind.HANDLE, "limits.closed", received, due, at[Stamp.CLOSED])
