"""What people decide about the whole incident: rows 3, 4, 13, 14, 17 and 21."""

from __future__ import annotations

import pytest

from services.router.domain.commands import (
    Cancel,
    Check,
    Command,
    Deferred,
    Invalidate,
    Later,
    Reopen,
    Transfer,
)
from services.router.domain.policy import Policy
from shared.contracts.incident import AssignmentState, IncidentState, Origin, Role
from shared.contracts.refusals import Refusal
from shared.contracts.values import Line
from tests.builders import T0, an_assignment, an_incident, hours, minutes
from tests.unit.router.stories import WHOLE_DUTY, K, Story

LEAD = an_assignment("xj-rescue")
SUPPORT = an_assignment("xj-t-anzhou", role=Role.SUPPORT, capable=False)
STANDBY = an_assignment(
    "xj-militia", role=Role.STANDBY, origin=Origin.STANDBY, state=AssignmentState.STANDBY, stamps={}
)
PASSED = Check(by="checker", passed=True, reason="属实")
FAILED = Check(by="checker", passed=False, reason="现场未清理")


@pytest.fixture
def story(policy: Policy) -> Story:
    """A lead, a support and a standby, ten minutes after being sent."""
    return Story(an_incident(LEAD, SUPPORT, STANDBY), policy).at(T0 + minutes(10))


@pytest.fixture
def handled(story: Story) -> Story:
    """Everybody has reported: it waits to be verified."""
    story.reports(LEAD, *WHOLE_DUTY).reports(SUPPORT, *WHOLE_DUTY)
    return story.at(T0 + hours(1))


def states(story: Story) -> list[AssignmentState]:
    """Return the states of the assignments in order."""
    return [a.state for a in story.incident.assignments]


@pytest.mark.parametrize(
    ("command", "state", "kind"),
    [
        (Cancel(by="desk", reason="误报"), IncidentState.CANCELLED, "cancelled"),
        (Invalidate(by="desk", reason="骚扰"), IncidentState.INVALID, "invalid"),
        (
            Transfer(by="desk", line=Line.GOVERNMENT, reason="非警务"),
            IncidentState.TRANSFERRED,
            "transferred",
        ),
    ],
)
def test_calling_off_releases_everybody(
    story: Story, command: Command, state: IncidentState, kind: str
) -> None:
    """Rows 3, 4, 21: every unit is told so by its own change."""
    story.does(command)

    assert state is story.state()
    assert [AssignmentState.RELEASED] * 3 == states(story)
    assert [kind, "released", "released", "released"] == story.kinds
    assert story.now == story.incident.ended_at


@pytest.mark.parametrize(
    "command",
    [Cancel(by="d"), Invalidate(by="d"), Transfer(by="d", line=Line.GOVERNMENT), Reopen(by="d")],
)
def test_a_reason_is_needed(handled: Story, story: Story, command: Command) -> None:
    """Nobody ends or reopens an incident without saying why."""
    fresh = Story(an_incident(LEAD), story.policy).at(story.now)
    target = handled.does(PASSED) if isinstance(command, Reopen) else fresh

    assert Refusal.REASON_MISSING is target.refused(command)


def test_invalid_only_until_the_first_unit_moves(story: Story) -> None:
    """Row 3: dispatch is automatic; from the first ACK on it is a cancellation."""
    story.reports(SUPPORT, K.ACKED)

    assert Refusal.UNITS_ON_THEIR_WAY is story.refused(Invalidate(by="desk", reason="骚扰"))
    assert story.refused(Cancel(by="desk", reason="误报")) is None


def test_what_was_fed_back_stays_fed_back_when_cancelled(story: Story) -> None:
    """Row 21: a report that was given is not taken back."""
    story.reports(SUPPORT, *WHOLE_DUTY).does(Cancel(by="desk", reason="误报"))

    assert AssignmentState.FED_BACK is story.duty("xj-t-anzhou").state


def test_transfer_needs_another_line(story: Story) -> None:
    """Row 4: 110 ↔ 12345."""
    assert Refusal.SAME_LANE is story.refused(Transfer(by="d", line=Line.FIRE, reason="x"))


def test_closed_by_the_checker(handled: Story) -> None:
    """Row 13."""
    handled.does(PASSED)

    assert IncidentState.CLOSED is handled.state()
    assert ["closed"] == handled.kinds
    assert handled.now == handled.incident.ended_at


@pytest.mark.parametrize("passed", [True, False])
def test_never_checked_by_the_handling_unit(handled: Story, passed: bool) -> None:
    """Row 13: whoever had a duty in it may not check it, whichever role."""
    for unit in ("xj-rescue", "xj-t-anzhou", "xj-militia"):
        check = Check(by="x", passed=passed, reason="x", units=(unit,))

        assert Refusal.HANDLING_UNIT is handled.refused(check)


def test_only_what_is_handled_is_checked(story: Story) -> None:
    """Row 13: not while it is being handled."""
    assert Refusal.WRONG_STATE is story.refused(PASSED)


def test_not_closed_while_somebody_has_not_reported(handled: Story) -> None:
    """An incident closes only when all have reported or are released."""
    late = an_assignment("xj-power", role=Role.SUPPORT, origin=Origin.SELF_DISPATCHED)
    handled.incident = an_incident(
        *handled.incident.assignments, late, state=IncidentState.VERIFYING
    )

    assert Refusal.NOT_ALL_REPORTED is handled.refused(PASSED)


def test_rework_takes_the_leads_duty_up_again(handled: Story) -> None:
    """Row 14: HANDLE resumes; rework is counted on both; a new end and sheet are asked for."""
    handled.does(FAILED)
    lead = handled.duty("xj-rescue")

    assert (IncidentState.ON_SCENE, 1) == (handled.incident.state, handled.incident.rework)
    assert (AssignmentState.ARRIVED, 1, handled.now) == (lead.state, lead.rework, lead.reworked_at)
    assert AssignmentState.FED_BACK is handled.duty("xj-t-anzhou").state
    assert ["rework"] == handled.kinds
    assert handled.incident.handled_at is None


def test_after_rework_the_second_end_and_sheet_count(handled: Story) -> None:
    """Rows 12, 14: the first round's end does not finish the second."""
    handled.does(FAILED).at(T0 + hours(2)).reports(LEAD, K.FED_BACK)

    assert IncidentState.ON_SCENE is handled.state()

    handled.reports(LEAD, K.ENDED)

    assert IncidentState.VERIFYING is handled.state()
    assert 2 == sum(s.kind is K.ENDED for s in handled.duty("xj-rescue").stamps)


def test_rework_of_a_named_duty(handled: Story) -> None:
    """Row 14: the checker may name whose work was not good."""
    check = Check(by="c", passed=False, reason="x", assignments=(SUPPORT.assignment_id,))
    handled.does(check)

    assert AssignmentState.FED_BACK is handled.duty("xj-rescue").state
    assert AssignmentState.ARRIVED is handled.duty("xj-t-anzhou").state


def test_rework_without_reason_or_of_a_stranger_is_refused(handled: Story) -> None:
    """Row 14."""
    stranger = an_assignment("xj-power").assignment_id
    named = Check(by="c", passed=False, reason="x", assignments=(stranger,))

    assert Refusal.REASON_MISSING is handled.refused(Check(by="c", passed=False))
    assert Refusal.UNKNOWN_ASSIGNMENT is handled.refused(named)


def test_reopened_under_the_same_id(handled: Story) -> None:
    """Row 17: same id and number, reopen + 1, the lead takes it up again and is told."""
    handled.does(PASSED).at(T0 + hours(5)).does(Reopen(by="desk", reason="回访不满意"))
    lead = handled.duty("xj-rescue")

    assert (IncidentState.REOPENED, 1) == (handled.incident.state, handled.incident.reopened)
    assert (AssignmentState.ARRIVED, 0, handled.now) == (lead.state, lead.rework, lead.reworked_at)
    assert ["reopened", "rework"] == handled.kinds
    assert handled.incident.ended_at is None


def test_a_reopened_incident_can_be_closed_again(handled: Story) -> None:
    """Row 17 and 12, 13."""
    handled.does(PASSED).does(Reopen(by="desk", reason="回访不满意")).at(T0 + hours(6))
    handled.reports(LEAD, K.ENDED, K.FED_BACK).does(PASSED)

    assert IncidentState.CLOSED is handled.state()


def test_only_what_is_closed_is_reopened(handled: Story) -> None:
    """Row 17."""
    assert Refusal.WRONG_STATE is handled.refused(Reopen(by="desk", reason="x"))


@pytest.mark.parametrize("what", list(Later))
@pytest.mark.parametrize("state", list(IncidentState))
def test_rows_that_come_later_are_refused(
    policy: Policy, what: Later, state: IncidentState
) -> None:
    """Rows 15, 16, 18, 20, 25 and merging: refused by name, never half done."""
    story = Story(an_incident(state=state), policy)

    assert Refusal.NOT_YET is story.refused(Deferred(by="desk", what=what))


def test_every_refusal_has_its_words() -> None:
    """A person reads why, in Chinese and English."""
    assert all(reason.wording.zh and reason.wording.en for reason in Refusal)
