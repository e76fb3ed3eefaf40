"""Who hears of a warning, a breach, a widened circle and a correction."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.notify.domain.notice import Notice
from services.notify.domain.reminders import Reminded, reminders_of, speaks
from services.notify.domain.view import View, known_by_clocks
from shared.contracts.incident import AssignmentState, Role
from shared.contracts.sla import Clock, ClockChangeKind, ClockKind, ClockState, SlaEvent
from tests.unit.notify.cases import (
    PLACE,
    T0,
    a_clock,
    a_duty,
    an_incident,
    breached,
    clock_event,
    corrected,
    minutes,
    occasion,
    view_of,
    who,
)

BREACHED, WARNED, CORRECTED = (
    ClockChangeKind.BREACHED,
    ClockChangeKind.WARNED,
    ClockChangeKind.CORRECTED,
)
WITH_STANDBY = view_of(an_incident(a_duty(), a_duty("xj-medical", Role.STANDBY)))


def remind(event: SlaEvent, view: View | None = None, cause: str = "1") -> Reminded:
    """Return what *event* comes to."""
    return reminders_of(event, view or view_of(), occasion(cause))


def texts(notices: list[Notice], recipient: str) -> str:
    """Return what *recipient* reads."""
    return next(n.order.text for n in notices if n.order.recipient == recipient)


def test_a_warning_goes_to_the_unit_alone() -> None:
    """DOMAIN §4: warned at a share of the limit; the pack says by webhook."""
    reminded = remind(clock_event(WARNED, a_clock()))

    assert {("xj-rescue", "webhook", "warning")} == who(reminded.notices)
    assert "签收" in reminded.notices[0].order.text


@pytest.mark.parametrize("state", [ClockState.MET, ClockState.VOID, ClockState.BREACHED])
def test_a_warning_overtaken_by_the_clock_itself_is_not_said(state: ClockState) -> None:
    """The newest state is read before speaking: who has acted is not reminded."""
    assert [] == remind(clock_event(WARNED, a_clock(state=state))).notices


def test_a_warning_for_a_duty_that_was_released_is_not_said() -> None:
    """Row 22: its clocks are void before sla has said so."""
    view = view_of(an_incident(a_duty(state=AssignmentState.RELEASED)))

    assert [] == remind(clock_event(WARNED, a_clock()), view).notices


def test_a_breach_goes_to_the_unit_and_the_post_above_it() -> None:
    """Row 18, level 1: 催办 to the unit by both channels, the superior post is told."""
    reminded = remind(clock_event(BREACHED, breached(a_clock(ClockKind.HANDLE)), level=1))

    assert {
        ("xj-rescue", "sms", "breach"),
        ("xj-rescue", "webhook", "breach"),
        ("post-deputy-head", "sms", "breach"),
    } == who(reminded.notices)
    assert "催办" in texts(reminded.notices, "xj-rescue")
    assert "督办" in texts(reminded.notices, "post-deputy-head")


@pytest.mark.parametrize("kind", [ClockKind.ACK, ClockKind.ARRIVAL, ClockKind.ASSEMBLY])
def test_an_unanswered_ack_or_a_late_arrival_widens_the_circle(kind: ClockKind) -> None:
    """All echelons in parallel: the standby units are told, each with its own duty to acknowledge."""
    reminded = remind(clock_event(BREACHED, breached(a_clock(kind)), level=1), WITH_STANDBY)
    widened = [n.order for n in reminded.notices if n.order.purpose == "widen"]

    assert {("xj-medical", "sms"), ("xj-medical", "webhook")} == {
        (o.recipient, o.channel) for o in widened
    }
    assert {WITH_STANDBY.duties[1].assignment_id} == {o.assignment_id for o in widened}
    assert all(PLACE not in o.text and not o.place for o in widened)


def test_without_a_standby_the_packs_backup_is_told() -> None:
    """P21: the A/B backup, when the route named none."""
    reminded = remind(clock_event(BREACHED, breached(a_clock(ClockKind.ARRIVAL))))
    backup = {n.order.recipient for n in reminded.notices if n.order.purpose == "widen"}

    assert {"xj-militia"} == backup


def test_a_backup_that_is_out_on_it_already_is_not_told() -> None:
    """It cannot back up what it is doing itself."""
    view = view_of(an_incident(a_duty(), a_duty("xj-militia", Role.SUPPORT)))
    reminded = remind(clock_event(BREACHED, breached(a_clock(ClockKind.ARRIVAL))), view)

    assert "widen" not in {n.order.purpose.value for n in reminded.notices}


def test_a_breach_of_the_centres_own_clock_is_the_desks() -> None:
    """ACCEPT and DISPATCH are nobody's but the centre's."""
    late = breached(a_clock(ClockKind.DISPATCH, unit=None))

    assert {("xj-desk", "webhook", "breach")} == who(remind(clock_event(BREACHED, late)).notices)


@pytest.mark.parametrize("clock", [a_clock(judged=False), a_clock(exempt=True)])
def test_what_is_not_judged_reminds_nobody(clock: Clock) -> None:
    """R05-like targets are shown, not judged; an exempt clock is nobody's fault (row 20)."""
    late = breached(clock)

    assert [] == remind(clock_event(BREACHED, late, level=1)).notices


def test_higher_rungs_are_not_said_as_the_first_one() -> None:
    """The rungs above level 1 come with the ladder."""
    assert [] == remind(clock_event(BREACHED, breached(a_clock()), level=2)).notices


def test_a_correction_reaches_exactly_those_who_were_told() -> None:
    """Row 19: whoever heard of the breach hears that it was none; then it is forgotten."""
    late = breached(a_clock())
    first = remind(clock_event(BREACHED, late, level=1), WITH_STANDBY)
    second = remind(clock_event(CORRECTED, corrected(late), version=2), first.view, cause="2")
    third = remind(clock_event(CORRECTED, corrected(late), version=3), second.view, cause="3")

    assert {n.order.recipient for n in first.notices} == {n.order.recipient for n in second.notices}
    assert {"correction"} == {n.order.purpose.value for n in second.notices}
    assert [] == third.notices


def test_a_correction_of_a_breach_nobody_was_told_of_is_silent() -> None:
    """Nobody hears of it out of the blue."""
    assert [] == remind(clock_event(CORRECTED, corrected(a_clock()))).notices


def test_a_breach_before_the_incident_was_read_still_reaches_the_unit() -> None:
    """The topics of router and sla are read side by side: whichever comes first."""
    event = clock_event(BREACHED, breached(a_clock()), level=1)
    reminded = remind(event, known_by_clocks(event))

    assert {"xj-rescue", "post-deputy-head", "xj-militia"} == {
        n.order.recipient for n in reminded.notices
    }


def test_a_reminder_names_the_limit_on_the_wall_clock_of_the_region() -> None:
    """People read local time; the order carries UTC for machines."""
    clock = a_clock(due=T0 + minutes(65))
    order = remind(clock_event(WARNED, clock)).notices[0].order

    assert ("11月22日10:05" in order.text, clock.due) == (True, order.due)


@pytest.mark.parametrize(
    ("kind", "clock", "expected"),
    [
        (ClockChangeKind.STARTED, a_clock(warned=()), False),
        (ClockChangeKind.MET, a_clock(state=ClockState.MET, warned=()), False),
        (ClockChangeKind.MET, a_clock(state=ClockState.MET), True),
        (WARNED, a_clock(), True),
        (BREACHED, breached(a_clock()), True),
    ],
)
def test_only_what_may_change_a_notice_costs_a_look(
    kind: ClockChangeKind, clock: object, expected: bool
) -> None:
    """A clock that starts, or is met before anybody was warned, needs no row read."""
    event = clock_event(kind, a_clock())

    assert expected is speaks(replace(event, clocks=(clock,)))
