"""How units went about their duties: turnout, returns, rework, deferrals, appeals and call-backs, by unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from services.reports.domain.call_backs import CallBacks, call_backs_of, counted
from services.reports.domain.cohorts import Band, bands
from services.reports.domain.copies import once
from services.reports.domain.exemptions import REWORK, Exempt, exemptions, is_exempt
from services.reports.domain.facts import AssignmentFact, ClockFact, Facts, Population
from services.reports.domain.later_facts import AppealFact, CallBackFact, DeferralFact
from services.reports.domain.period import Period
from services.reports.domain.quantities import Spread, spread
from services.reports.domain.units import (
    NOBODY,
    NOBODY_NAME,
    TOTAL,
    TOTAL_NAME,
    clocks_of,
    duties_on,
    one_copy,
)
from shared.contracts.appeal import AppealState
from shared.contracts.deferral import DeferralKind, DeferralState
from shared.contracts.incident import AssignmentState
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind, ClockState

TURNOUT_BANDS_S = (300, 600, 900, 1800)
"""出警: 5, 10, 15, 30 minutes (FIGURES)."""


class Deferred(Struct, frozen=True, kw_only=True):
    """Duties with at least one deferral of a kind: asked for, and approved."""

    asked: int
    approved: int


class Conduct(Struct, frozen=True, kw_only=True):
    """One unit's duties. `sent`: signing for was due; `returned` of them, `turned_out` of `to_turn_out`.

    `to_turn_out` leaves out the `turnout_exempt` (an appeal about turnout was granted), `ended` the
    `rework_exempt` (one about rework). `handled`: handling was due, deferred and exempt ones
    included; of them `ended`, `extended`, `suspended`; `reworked` of the ended. `appealed`: duties with an appeal, `granted`, `refused`
    (a duty may have both). `out_of_order`: turned out before they were sent, in no band.
    """

    unit: str
    name: str
    sent: int
    returned: int
    turned_out: int
    out_of_order: int
    turnout: Spread
    turnout_bands: list[Band]
    handled: int
    ended: int
    reworked: int
    extended: Deferred
    suspended: Deferred
    appealed: int
    granted: int
    refused: int
    called_back: CallBacks
    to_turn_out: int = 0
    turnout_exempt: int = 0
    rework_exempt: int = 0


class ConductTable(Struct, frozen=True, kw_only=True):
    """Every unit that had anything, and the whole."""

    units: list[Conduct]
    total: Conduct


_OUT = frozenset({ClockState.VOID, ClockState.CANCELLED})
_APPROVED = frozenset({DeferralState.APPROVED, DeferralState.ENDED})


class _Of(Struct, frozen=True, kw_only=True):
    """What one row counts."""

    sent: Sequence[AssignmentFact]
    handled: Sequence[AssignmentFact]
    made: Sequence[CallBackFact]


class _Beside(Struct, frozen=True, kw_only=True):
    """What was said of duties, by duty."""

    deferrals: Mapping[UUID, list[DeferralFact]]
    appeals: Mapping[UUID, list[AppealFact]]
    exempt: Exempt


def conduct(facts: Facts, period: Period, population: Population, pack: Pack) -> ConductTable:
    """Compute the table of *period*; a duty counts for the unit its clocks name, as in T3."""
    cut = facts.cut(period, population)
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    duties = {duty.assignment_id: duty for duty in one_copy(facts.assignments, incidents)}
    clocks: dict[str, list[ClockFact]] = defaultdict(list)
    for clock in clocks_of(facts, incidents, period, population):
        if clock.assignment_id is not None and clock.due <= cut:
            clocks[clock.unit or NOBODY].append(clock)
    made: dict[str, list[CallBackFact]] = defaultdict(list)
    for each in call_backs_of(facts, period, population, cut):
        made[each.unit or NOBODY].append(each)
    beside = _Beside(
        deferrals=_by_duty(once(facts.deferrals, incidents), cut),
        appeals=_by_duty(once(facts.appeals, incidents), cut),
        exempt=exemptions(facts),
    )
    of = {
        unit: _Of(
            sent=_duties(clocks[unit], ClockKind.ACK, duties),
            handled=_duties(
                [c for c in clocks[unit] if c.judged and c.state not in _OUT],
                ClockKind.HANDLE,
                duties,
            ),
            made=made[unit],
        )
        for unit in {*clocks, *made}
    }
    names = {unit.id: unit.name for unit in pack.units} | {NOBODY: NOBODY_NAME}
    order = [*(unit for unit in names if unit in of), *sorted(of.keys() - names)]
    return ConductTable(
        units=[_row(unit, names.get(unit, unit), of[unit], beside) for unit in order],
        total=_row(TOTAL, TOTAL_NAME, _whole(of.values()), beside),
    )


S = TypeVar("S", DeferralFact, AppealFact)


def _by_duty(said: Iterable[S], cut: datetime) -> dict[UUID, list[S]]:
    found: dict[UUID, list[S]] = defaultdict(list)
    for each in said:
        if each.asked_at <= cut:
            found[each.assignment_id].append(each)
    return found


def _duties(
    clocks: Iterable[ClockFact], kind: ClockKind, duties: Mapping[UUID, AssignmentFact]
) -> list[AssignmentFact]:
    return duties_on([clock for clock in clocks if clock.kind == kind], duties)


def _whole(of: Iterable[_Of]) -> _Of:
    parts = list(of)
    return _Of(
        sent=[duty for part in parts for duty in part.sent],
        handled=[duty for part in parts for duty in part.handled],
        made=[each for part in parts for each in part.made],
    )


def _row(unit: str, name: str, of: _Of, beside: _Beside) -> Conduct:
    going = _without(of.sent, ClockKind.TURNOUT, beside.exempt)
    left = [
        duty.turned_out_at - duty.sent_at
        for duty in going
        if duty.sent_at is not None and duty.turned_out_at is not None
    ]
    took = [each for each in left if each.total_seconds() >= 0]
    done = [duty for duty in of.handled if duty.ended_at is not None]
    ended = _without(done, REWORK, beside.exempt)
    appeals = [beside.appeals.get(duty.assignment_id, []) for duty in of.handled]
    return Conduct(
        unit=unit,
        name=name,
        sent=len(of.sent),
        returned=sum(duty.state == AssignmentState.RETURNED for duty in of.sent),
        turned_out=len(left),
        out_of_order=len(left) - len(took),
        turnout=spread(took),
        turnout_bands=bands(took, TURNOUT_BANDS_S),
        handled=len(of.handled),
        ended=len(ended),
        reworked=sum(duty.rework > 0 for duty in ended),
        extended=_deferred(DeferralKind.EXTENSION, of.handled, beside),
        suspended=_deferred(DeferralKind.SUSPENSION, of.handled, beside),
        appealed=sum(bool(each) for each in appeals),
        granted=_decided(AppealState.GRANTED, appeals),
        refused=_decided(AppealState.REFUSED, appeals),
        called_back=counted(of.made, beside.exempt),
        to_turn_out=len(going),
        turnout_exempt=len(of.sent) - len(going),
        rework_exempt=len(done) - len(ended),
    )


def _without(duties: Iterable[AssignmentFact], word: str, exempt: Exempt) -> list[AssignmentFact]:
    return [duty for duty in duties if not is_exempt(exempt, duty.assignment_id, word)]


def _deferred(kind: DeferralKind, duties: Iterable[AssignmentFact], beside: _Beside) -> Deferred:
    asked = [
        [each for each in beside.deferrals.get(duty.assignment_id, []) if each.kind == kind]
        for duty in duties
    ]
    return Deferred(
        asked=sum(bool(each) for each in asked),
        approved=sum(any(d.state in _APPROVED for d in each) for each in asked),
    )


def _decided(state: AppealState, appeals: Iterable[Sequence[AppealFact]]) -> int:
    return sum(any(each.state == state for each in of_duty) for of_duty in appeals)
