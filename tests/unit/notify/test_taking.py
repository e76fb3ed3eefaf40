"""A unit's own ACK proves its order; nobody else's word does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.notify.domain.taking import taken
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    Role,
    Stamp,
    StampKind,
    StampOrigin,
)
from tests.unit.notify.cases import T0, a_duty, an_incident, assignment_of, minutes, view_of

RESCUE = assignment_of("xj-rescue")


def stamped(
    *kinds: StampKind, origin: StampOrigin = StampOrigin.UNIT, role: Role = Role.LEAD
) -> Assignment:
    """Return the duty with a stamp a minute, and the state the last one leads to."""
    stamps = tuple(
        Stamp(
            kind=kind, occurred_at=T0 + minutes(n), recorded_at=T0 + minutes(n + 1), origin=origin
        )
        for n, kind in enumerate(kinds, start=1)
    )
    state = AssignmentState(kinds[-1].value) if kinds else AssignmentState.SENT
    return replace(a_duty(role=role), stamps=stamps, state=state)


def since_sent(duty: Assignment, before: Assignment | None = None) -> dict[UUID, datetime]:
    """Return what was taken since the order went out."""
    return taken(view_of(an_incident(before or a_duty())), an_incident(duty))


def test_an_ack_proves_the_order_at_its_own_time() -> None:
    """Row 6: by event time, not when we learnt of it."""
    assert {RESCUE: T0 + minutes(1)} == since_sent(stamped(StampKind.ACKED))


def test_a_later_step_proves_it_as_well() -> None:
    """Whoever turned out had the order, ACK or not; the first stamp counts."""
    assert {RESCUE: T0 + minutes(1)} == since_sent(stamped(StampKind.ARRIVED))
    assert {RESCUE: T0 + minutes(1)} == since_sent(stamped(StampKind.ACKED, StampKind.TURNED_OUT))


def test_a_standby_that_takes_it_up_proves_its_call() -> None:
    """Row 26: STANDBY is activated by its own ACK."""
    before = a_duty(role=Role.STANDBY)

    assert {RESCUE: T0 + minutes(1)} == since_sent(stamped(StampKind.ACKED), before)


def test_a_hotlines_record_of_the_unit_counts() -> None:
    """The unit's own stamps may come by feed."""
    assert {RESCUE} == since_sent(stamped(StampKind.ACKED, origin=StampOrigin.FEED)).keys()


@pytest.mark.parametrize("origin", [StampOrigin.DESK, StampOrigin.AUTOMATIC])
def test_another_word_than_the_units_proves_nothing(origin: StampOrigin) -> None:
    """The desk telephoned perhaps because the message never came."""
    assert {} == since_sent(stamped(StampKind.ACKED, origin=origin))


def test_it_is_said_once() -> None:
    """Level-triggered: the next snapshot still has the stamp and is no news."""
    acked = stamped(StampKind.ACKED)

    assert {} == since_sent(acked, acked)
    assert {} == since_sent(stamped())


def test_a_lost_event_heals_with_the_next() -> None:
    """Seen for the first time after the ACK: it is proved all the same."""
    assert {RESCUE: T0 + minutes(1)} == taken(None, an_incident(stamped(StampKind.ACKED)))
