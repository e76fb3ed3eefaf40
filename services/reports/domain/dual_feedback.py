"""R08, dual feedback 双反馈: the unit reports its arrival and the end of handling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from services.reports.domain.exemptions import DUAL_FEEDBACK, Exempt, is_exempt
from services.reports.domain.facts import AssignmentFact
from services.reports.domain.quantities import Rate, rate
from shared.contracts.incident import AssignmentState, StampOrigin
from shared.contracts.pack import UnitKind


class DualFeedback(Struct, frozen=True, kw_only=True):
    """`owed` duties owe both reports; `rate` = `both` ÷ `owed`, only what the unit itself reported.

    Apart, in no rate: `automatic` (both are there, at least one stamped by a machine) and
    `back_filled` (by the desk, or back-dated beyond the tolerance). `waived`: handled remotely,
    owes no arrival; `exempt`: would owe both, but an appeal was granted. None: suppressed.
    """

    owed: int | None
    both: int | None
    rate: Rate | None
    automatic: int | None
    back_filled: int | None
    waived: int | None
    exempt: int | None = 0


class Given(StrEnum):
    """What a duty that owes both reports has given."""

    BOTH = "both"
    AUTOMATIC = "automatic"
    BACK_FILLED = "back_filled"
    NO_ARRIVAL = "no_arrival"
    NO_END = "no_end"
    NEITHER = "neither"


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


def dual_feedback(duties: Iterable[AssignmentFact], exempt: Exempt) -> DualFeedback:
    """Count *duties* (those whose 24-hour feedback was due in the period)."""
    travelling = [duty for duty in duties if duty.unit_kind != UnitKind.DESK]
    owing = [(duty, what) for duty in travelling if (what := given(duty)) is not None]
    found = Counter(what for duty, what in owing if not is_excused(duty, exempt))
    owed = found.total()
    return DualFeedback(
        owed=owed,
        both=found[Given.BOTH],
        rate=rate(found[Given.BOTH], owed),
        automatic=found[Given.AUTOMATIC],
        back_filled=found[Given.BACK_FILLED],
        waived=sum(duty.waived_at is not None for duty in travelling),
        exempt=len(owing) - owed,
    )


def is_excused(duty: AssignmentFact, exempt: Exempt) -> bool:
    """Say whether a granted appeal takes *duty* out of the dual-feedback rate."""
    return is_exempt(exempt, duty.assignment_id, DUAL_FEEDBACK)


def given(duty: AssignmentFact) -> Given | None:
    """Say which of the two reports *duty* has given; None when it owes none.

    A duty released after both were reported still owes and has both; one released, returned or
    moved before owes nothing, nor does the duty desk, which does not travel, nor one handled
    remotely.
    """
    arrived, ended = duty.arrived_at is not None, duty.ended_at is not None
    complete = arrived and ended
    if duty.unit_kind == UnitKind.DESK or duty.waived_at is not None:
        return None
    if not complete:
        if duty.state in _NOT_OWING:
            return None
        return Given.NO_END if arrived else Given.NO_ARRIVAL if ended else Given.NEITHER
    if StampOrigin.DESK in {duty.arrived_by, duty.ended_by}:
        return Given.BACK_FILLED
    if duty.arrived_late_told or duty.ended_late_told:
        return Given.BACK_FILLED
    by_the_unit = duty.arrived_by in _BY_THE_UNIT and duty.ended_by in _BY_THE_UNIT
    return Given.BOTH if by_the_unit else Given.AUTOMATIC
