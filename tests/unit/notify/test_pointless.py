"""Which queued notices a newer state overtakes."""

from __future__ import annotations

import pytest

from services.notify.domain.notice import Notice, Pointless
from services.notify.domain.pointless import as_open, by_clocks, by_incident
from services.notify.domain.reminders import reminders_of
from shared.contracts.incident import AssignmentState, IncidentState, Role
from shared.contracts.sla import ClockChangeKind, ClockKind, ClockState
from tests.unit.notify.cases import (
    T0,
    a_clock,
    a_duty,
    an_incident,
    breached,
    clock_event,
    corrected,
    dispatched,
    event,
    occasion,
    told,
    view_of,
)

STANDBY = a_duty("xj-militia", Role.STANDBY)


def ordered() -> list[Notice]:
    """Return the notices of a dispatch with a standby."""
    return told(event(an_incident(a_duty(), STANDBY), *dispatched("xj-rescue")))


def overtaken(notices: list[Notice], incident: object) -> dict[tuple[str, str], str]:
    """Return (recipient, channel) to reason after *incident*."""
    found = by_incident(view_of(incident), map(as_open, notices))  # type: ignore[arg-type]
    return {
        (n.order.recipient, n.order.channel): found[n.order.notice_id].value
        for n in notices
        if n.order.notice_id in found
    }


@pytest.mark.parametrize(
    "state",
    [
        AssignmentState.RELEASED,
        AssignmentState.RETURNED,
        AssignmentState.REASSIGNED,
        AssignmentState.REDUNDANT,
    ],
)
def test_an_order_for_a_duty_that_is_over_is_dropped(state: AssignmentState) -> None:
    """Superseded before sending: nobody is sent where nobody is needed."""
    gone = overtaken(ordered(), an_incident(a_duty(state=state), STANDBY))

    assert {("xj-rescue", "sms"): "duty_over", ("xj-rescue", "webhook"): "duty_over"} == gone


@pytest.mark.parametrize(
    "state", [AssignmentState.ACKED, AssignmentState.TURNED_OUT, AssignmentState.ARRIVED]
)
def test_an_order_is_not_dropped_because_the_other_channel_was_acknowledged(
    state: AssignmentState,
) -> None:
    """R12: the SMS is what the team on the road reads."""
    assert {} == overtaken(ordered(), an_incident(a_duty(state=state), STANDBY))


def test_a_cancelled_incident_drops_every_call_to_act() -> None:
    """Row 21; a report to leaders is still true."""
    major = told(event(an_incident(a_duty(), STANDBY, severity=1), *dispatched("xj-rescue")))
    gone = overtaken(major, an_incident(a_duty(), STANDBY, state=IncidentState.CANCELLED))

    assert {"incident_over"} == set(gone.values())
    assert {"xj-rescue"} == {recipient for recipient, _ in gone}


def test_purged_drops_everything() -> None:
    """Retention has ended: what was never sent must not be sent with place and text."""
    assert {Pointless.PURGED} == set(overtaken(ordered(), an_incident(purged=True)).values())


def reminded(kind: ClockChangeKind, clock: object) -> list[Notice]:
    """Return the notices of *clock*'s change."""
    said = clock_event(kind, clock, level=1)  # type: ignore[arg-type]
    return reminders_of(said, view_of(an_incident(a_duty(), STANDBY)), occasion()).notices


def test_a_warning_is_dropped_once_the_clock_is_met() -> None:
    """Who has acted needs no reminder."""
    notices = reminded(ClockChangeKind.WARNED, a_clock())
    met = clock_event(ClockChangeKind.MET, a_clock(state=ClockState.MET, stopped=T0))

    assert {Pointless.CLOCK_STOPPED} == set(by_clocks(met, map(as_open, notices)).values())


def test_a_late_act_stops_the_widening_but_not_the_word_of_the_breach() -> None:
    """A breach stays a fact; calling out more units does not."""
    notices = reminded(ClockChangeKind.BREACHED, breached(a_clock(ClockKind.ACK)))
    acted = clock_event(
        ClockChangeKind.MET, a_clock(state=ClockState.BREACHED, stopped=T0, breached_at=T0)
    )
    gone = by_clocks(acted, map(as_open, notices))

    assert {"widen"} == {n.order.purpose.value for n in notices if n.order.notice_id in gone}


def test_a_correction_takes_back_what_was_not_sent_yet() -> None:
    """Row 19: breach and widening alike."""
    notices = reminded(ClockChangeKind.BREACHED, breached(a_clock(ClockKind.ACK)))
    said = clock_event(ClockChangeKind.CORRECTED, corrected(a_clock(ClockKind.ACK)))

    assert len(notices) == len(by_clocks(said, map(as_open, notices)))
