"""What units report: rows 6 to 12, 19 and 26."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.router.domain.commands import Activate, AskReturn, Release, WaiveArrival
from services.router.domain.policy import Policy
from shared.contracts.call import Sheet
from shared.contracts.incident import AssignmentState, IncidentState, Origin, Role, StampKind
from shared.contracts.refusals import Refusal
from tests.builders import T0, an_assignment, an_incident, hours, minutes
from tests.unit.router.stories import WHOLE_DUTY, K, Story

LEAD = an_assignment("xj-rescue")
SUPPORT = an_assignment("xj-t-anzhou", role=Role.SUPPORT, capable=False)
STANDBY = an_assignment(
    "xj-militia",
    role=Role.STANDBY,
    origin=Origin.STANDBY,
    state=AssignmentState.STANDBY,
    stamps={},
    capable=False,
)


@pytest.fixture
def story(policy: Policy) -> Story:
    """A lead, a support and a standby, sent at T0; it is ten minutes later."""
    return Story(an_incident(LEAD, SUPPORT, STANDBY), policy).at(T0 + minutes(10))


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (K.ACKED, AssignmentState.ACKED),
        (K.TURNED_OUT, AssignmentState.TURNED_OUT),
        (K.ASSEMBLED, AssignmentState.ASSEMBLED),
        (K.ARRIVED, AssignmentState.ARRIVED),
        (K.FED_BACK, AssignmentState.FED_BACK),
    ],
)
def test_each_stamp_takes_the_duty_as_far(
    story: Story, kind: StampKind, state: AssignmentState
) -> None:
    """Rows 6, 8, 9, 11: whichever comes first, the state is the one reported."""
    story.reports(LEAD, kind)

    assert state is story.duty("xj-rescue").state
    assert str(kind) == story.kinds[0]


def test_a_later_stamp_first_invents_no_earlier_one(story: Story) -> None:
    """Out of order: arrival before ACK is accepted; the ACK that follows is recorded, too."""
    story.reports(LEAD, K.ARRIVED).reports(LEAD, K.ACKED, occurred_at=T0 + minutes(1))
    duty = story.duty("xj-rescue")

    assert AssignmentState.ARRIVED is duty.state
    assert [K.SENT, K.ARRIVED, K.ACKED] == [s.kind for s in duty.stamps]


def test_the_same_stamp_again_changes_nothing(story: Story) -> None:
    """A double tap is no change: no version, no event; the first stamp of a kind holds."""
    story.reports(LEAD, K.ACKED)
    before = story.incident
    story.at(T0 + minutes(11)).reports(LEAD, K.ACKED)

    assert before == story.incident
    assert [] == story.kinds


def test_end_is_refused_unless_arrival_is_recorded(story: Story) -> None:
    """Row 10, R08 双反馈."""
    assert Refusal.END_BEFORE_ARRIVAL is story.refused(story.report(LEAD, K.ENDED))

    story.reports(LEAD, K.ARRIVED)

    assert story.refused(story.report(LEAD, K.ENDED)) is None


def test_end_is_accepted_where_arrival_was_waived(story: Story) -> None:
    """Row 10: handled remotely, with the desk's reason."""
    waive = WaiveArrival(by="desk", assignment_id=LEAD.assignment_id, reason="电话处置")
    story.does(waive).reports(LEAD, K.ENDED)

    assert AssignmentState.ENDED is story.duty("xj-rescue").state


def test_on_scene_at_the_first_appropriate_arrival(story: Story) -> None:
    """Row 9: a support without the capability asked for does not make it ON_SCENE, the lead does."""
    story.reports(SUPPORT, K.ARRIVED)

    assert IncidentState.DISPATCHED is story.state()

    story.at(T0 + minutes(12)).reports(LEAD, K.ARRIVED)

    assert IncidentState.ON_SCENE is story.state()
    assert T0 + minutes(12) == story.incident.on_scene_at
    assert ["arrived", "on_scene"] == story.kinds


def test_a_capable_support_makes_it_on_scene(policy: Policy) -> None:
    """Row 9: or a unit with a capability the route asked for."""
    able = an_assignment("xj-forest-fire", role=Role.SUPPORT, capable=True)
    story = Story(an_incident(LEAD, able), policy).at(T0 + minutes(5)).reports(able, K.ARRIVED)

    assert IncidentState.ON_SCENE is story.state()


def test_an_earlier_arrival_learnt_later_moves_on_scene_back(story: Story) -> None:
    """Event time counts, not the order of reporting."""
    story.reports(LEAD, K.ARRIVED)
    able = an_assignment("xj-forest-fire", role=Role.SUPPORT)
    story.incident = an_incident(*story.incident.assignments, able, **_state_of(story))
    story.reports(able, K.ARRIVED, occurred_at=T0 + minutes(8))

    assert T0 + minutes(8) == story.incident.on_scene_at


def _state_of(story: Story) -> dict[str, object]:
    return {"state": story.incident.state, "on_scene_at": story.incident.on_scene_at}


def test_handled_when_every_lead_and_support_has_fed_back(story: Story) -> None:
    """Row 12: HANDLED and VERIFYING follow at once; a standby is not waited for."""
    story.reports(LEAD, *WHOLE_DUTY)

    assert IncidentState.ON_SCENE is story.state()

    story.reports(SUPPORT, *WHOLE_DUTY)

    assert IncidentState.VERIFYING is story.state()
    assert ["fed_back", "handled", "verifying"] == story.kinds
    assert story.now == story.incident.handled_at


def test_handled_when_the_last_open_support_is_released(story: Story) -> None:
    """Rows 12 and 22."""
    story.reports(LEAD, *WHOLE_DUTY)
    story.does(Release(by="desk", assignment_id=SUPPORT.assignment_id, reason="不再需要"))

    assert ["released", "handled", "verifying"] == story.kinds


def test_a_sheet_before_the_end_does_not_finish_the_duty(story: Story) -> None:
    """R08: the sheet is recorded; the duty is done when the end is reported, too."""
    story.reports(SUPPORT, *WHOLE_DUTY)
    story.reports(LEAD, K.ARRIVED, K.FED_BACK)

    assert IncidentState.ON_SCENE is story.state()

    story.reports(LEAD, K.ENDED)

    assert IncidentState.VERIFYING is story.state()


def test_standby_is_activated_by_its_own_ack(story: Story) -> None:
    """Row 26: it becomes a support that must report, too."""
    story.reports(STANDBY, K.ACKED)
    duty = story.duty("xj-militia")

    assert (AssignmentState.ACKED, Role.SUPPORT) == (duty.state, duty.role)
    assert ["activated", "acked"] == story.kinds
    assert [T0 + minutes(10)] * 2 == [s.occurred_at for s in duty.stamps]


def test_a_standby_that_is_simply_there_counts_as_activated(story: Story) -> None:
    """No stamp is lost: arrival without ACK activates as well."""
    story.reports(STANDBY, K.ARRIVED)

    assert AssignmentState.ARRIVED is story.duty("xj-militia").state


def test_a_standby_may_not_join_what_is_handled(story: Story) -> None:
    """Row 26: after HANDLED nobody is waited for any more."""
    story.reports(LEAD, *WHOLE_DUTY).reports(SUPPORT, *WHOLE_DUTY)

    assert Refusal.INCIDENT_OVER is story.refused(story.report(STANDBY, K.ACKED))


def test_a_stamp_of_the_future_is_refused(story: Story, policy: Policy) -> None:
    """A clock may run ahead by the tolerance, not by more."""
    late = story.now + policy.future + timedelta(seconds=1)

    assert Refusal.IN_THE_FUTURE is story.refused(story.report(LEAD, K.ACKED, occurred_at=late))
    assert story.refused(story.report(LEAD, K.ACKED, occurred_at=story.now + policy.future)) is None


@pytest.mark.parametrize(
    ("occurred_at", "flagged"),
    [
        (T0 + minutes(5), False),
        (T0 + minutes(5) - timedelta(seconds=1), True),
        (T0 - timedelta(seconds=1), True),
    ],
)
def test_back_dating_is_flagged(story: Story, occurred_at: object, flagged: bool) -> None:
    """More than 5 min back, or before the call was received, is accepted and marked."""
    story.reports(LEAD, K.ACKED, occurred_at=occurred_at)
    stamp = story.duty("xj-rescue").stamp(K.ACKED)

    assert stamp is not None
    assert flagged is stamp.back_dated


def test_a_late_stamp_is_recorded_after_the_duty_is_over(story: Story) -> None:
    """Row 19: what happened before the release is recorded, what came after it is refused."""
    story.does(Release(by="desk", assignment_id=SUPPORT.assignment_id, reason="不再需要"))
    story.at(T0 + minutes(20)).reports(SUPPORT, K.ARRIVED, occurred_at=T0 + minutes(9))

    assert AssignmentState.RELEASED is story.duty("xj-t-anzhou").state
    assert story.duty("xj-t-anzhou").stamp(K.ARRIVED) is not None
    assert Refusal.ASSIGNMENT_OVER is story.refused(story.report(SUPPORT, K.TURNED_OUT))


def test_a_progress_sheet_is_no_formal_sheet(story: Story) -> None:
    """R07: it stops the 24 h with a reason and leaves the duty where it is; several may follow."""
    sheet = Sheet(result="", progress=True, progress_reason="等待专业设备")
    story.reports(LEAD, K.ARRIVED).reports(LEAD, K.FED_BACK, sheet=sheet)

    assert AssignmentState.ARRIVED is story.duty("xj-rescue").state
    assert ["progress_reported"] == story.kinds

    story.at(T0 + hours(20)).reports(LEAD, K.FED_BACK, sheet=sheet)

    assert 2 == sum(s.kind is K.PROGRESS for s in story.duty("xj-rescue").stamps)


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        (Sheet(result=" "), Refusal.SHEET_INCOMPLETE),
        (Sheet(result="已处置", follow_up=True), Refusal.FOLLOW_UP_INCOMPLETE),
        (
            Sheet(result="已处置", follow_up=True, follow_up_unit="县民政局"),
            Refusal.FOLLOW_UP_INCOMPLETE,
        ),
        (Sheet(result="", progress=True), Refusal.PROGRESS_REASON_MISSING),
    ],
)
def test_an_incomplete_sheet_is_refused(story: Story, sheet: Sheet, reason: Refusal) -> None:
    """R10: all fields; a follow-up names unit and post. R07: progress gives its reason."""
    assert reason is story.refused(story.report(LEAD, K.FED_BACK, sheet=sheet))


def test_a_follow_up_with_unit_and_post_is_accepted(story: Story) -> None:
    """R10."""
    sheet = Sheet(result="移交", follow_up=True, follow_up_unit="民政局", follow_up_post="值班室")
    story.reports(LEAD, K.FED_BACK, sheet=sheet)

    assert sheet == story.duty("xj-rescue").sheet


def test_a_unit_may_only_make_units_stamps(story: Story) -> None:
    """SENT, RELEASED and the like are not reported from outside."""
    assert Refusal.UNKNOWN_STAMP is story.refused(story.report(LEAD, K.REASSIGNED))


def test_a_return_is_asked_for_and_waits(story: Story) -> None:
    """Row 7: the desk decides; asking twice changes nothing."""
    ask = AskReturn(
        by="u", assignment_id=LEAD.assignment_id, occurred_at=story.now, reason="不属本单位"
    )
    story.does(ask)

    assert ["return_requested"] == story.kinds
    assert AssignmentState.SENT is story.duty("xj-rescue").state
    assert [] == story.does(ask).kinds


@pytest.mark.parametrize(
    ("after", "stamps", "text", "reason"),
    [
        (hours(24) + minutes(1), (), "不属本单位", Refusal.RETURN_TOO_LATE),
        (minutes(10), (K.TURNED_OUT,), "不属本单位", Refusal.ALREADY_MOVING),
        (minutes(10), (), " ", Refusal.REASON_MISSING),
    ],
)
def test_a_return_can_come_too_late(
    story: Story, after: timedelta, stamps: tuple[StampKind, ...], text: str, reason: Refusal
) -> None:
    """Row 7: within the limit, before turning out, with a reason; after that you own it."""
    story.reports(LEAD, *stamps).at(T0 + after)
    ask = AskReturn(by="u", assignment_id=LEAD.assignment_id, occurred_at=story.now, reason=text)

    assert reason is story.refused(ask)


def test_an_unknown_assignment_is_named(story: Story) -> None:
    """Another incident's assignment is not found here."""
    stranger = an_assignment("xj-power")

    assert Refusal.UNKNOWN_ASSIGNMENT is story.refused(story.report(stranger, K.ACKED))
    assert Refusal.UNKNOWN_ASSIGNMENT is story.refused(
        Activate(by="desk", assignment_id=stranger.assignment_id)
    )
