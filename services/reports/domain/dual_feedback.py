"""R08, dual feedback 双反馈: the unit reports its arrival and the end of handling."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from services.reports.domain.facts import AssignmentFact
from services.reports.domain.quantities import Rate, rate
from shared.contracts.incident import AssignmentState, StampOrigin
from shared.contracts.pack import UnitKind


class DualFeedback(Struct, frozen=True, kw_only=True):
    """`owed` duties owe both reports; `rate` = `both` ÷ `owed`, only what the unit itself reported.

    Apart, in no rate: `automatic` (both are there, at least one stamped by a machine) and
    `back_filled` (by the desk, or back-dated beyond the tolerance). `waived`: handled remotely,
    owes no arrival. None: suppressed.
    """

    owed: int | None
    both: int | None
    rate: Rate | None
    automatic: int | None
    back_filled: int | None
    waived: int | None


_NOT_OWING = frozenset(
    {
        AssignmentState.STANDBY,
        AssignmentState.RELEASED,
        AssignmentState.RETURNED,
        AssignmentState.REASSIGNED,
        AssignmentState.REDUNDANT,
    }
)
_BY_THE_UNIT = frozenset({StampOrigin.UNIT, StampOrigin.FEED})


def dual_feedback(duties: Iterable[AssignmentFact]) -> DualFeedback:
    """Count *duties* (those whose 24-hour feedback was due in the period).

    A duty released after both were reported still owes and has both; one released, returned or
    moved before owes nothing, nor does the duty desk, which does not travel.
    """
    travelling = [duty for duty in duties if duty.unit_kind != UnitKind.DESK]
    waived = sum(duty.waived_at is not None for duty in travelling)
    owing = [duty for duty in travelling if duty.waived_at is None and _owes(duty)]
    complete = [duty for duty in owing if _complete(duty)]
    back_filled = sum(_back_filled(duty) for duty in complete)
    both = sum(_by_the_unit(duty) for duty in complete)
    return DualFeedback(
        owed=len(owing),
        both=both,
        rate=rate(both, len(owing)),
        automatic=len(complete) - both - back_filled,
        back_filled=back_filled,
        waived=waived,
    )


def _owes(duty: AssignmentFact) -> bool:
    return duty.state not in _NOT_OWING or _complete(duty)


def _complete(duty: AssignmentFact) -> bool:
    return duty.arrived_at is not None and duty.ended_at is not None


def _back_filled(duty: AssignmentFact) -> bool:
    by_desk = StampOrigin.DESK in (duty.arrived_by, duty.ended_by)
    return by_desk or duty.arrived_late_told or duty.ended_late_told


def _by_the_unit(duty: AssignmentFact) -> bool:
    return (
        not _back_filled(duty) and duty.arrived_by in _BY_THE_UNIT and duty.ended_by in _BY_THE_UNIT
    )
