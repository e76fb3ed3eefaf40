"""What the desk decides about one assignment: rows 7, 10, 22 to 24 and 26."""

from __future__ import annotations

import pytest

from services.router.domain import duties
from services.router.domain.awaiting import Awaits, awaits, matters
from services.router.domain.commands import (
    Activate,
    AskReturn,
    Command,
    DecideReturn,
    MarkRedundant,
    Reassign,
    Release,
    WaiveArrival,
)
from services.router.domain.policy import Policy
from shared.contracts.incident import (
    AssignmentState,
    Change,
    ChangeKind,
    IncidentState,
    Origin,
    Role,
)
from shared.contracts.refusals import Refusal
from tests.builders import T0, an_assignment, an_incident, minutes
from tests.unit.router.stories import WHOLE_DUTY, K, Story

LEAD = an_assignment("xj-rescue")
SUPPORT = an_assignment("xj-t-anzhou", role=Role.SUPPORT, capable=False)
STANDBY = an_assignment(
    "xj-militia",
    role=Role.STANDBY,
    origin=Origin.STANDBY,
    state=AssignmentState.STANDBY,
    stamps={},
)


@pytest.fixture
def story(policy: Policy) -> Story:
    """A lead, a support and a standby, ten minutes after being sent."""
    return Story(an_incident(LEAD, SUPPORT, STANDBY), policy).at(T0 + minutes(10))


def released(duty: object = SUPPORT) -> Release:
    """Return the desk's release of *duty*."""
    return Release(by="desk", assignment_id=duty.assignment_id, reason="不再需要")  # type: ignore[attr-defined]


def reassigned(unit: str, duty: object = LEAD) -> Reassign:
    """Return the desk's moving of *duty* to *unit*."""
    return Reassign(by="desk", assignment_id=duty.assignment_id, unit=unit, reason="改派")  # type: ignore[attr-defined]


def asked(story: Story, duty: object = LEAD) -> Story:
    """Have the unit ask to return its duty."""
    return story.does(
        AskReturn(
            by="u",
            assignment_id=duty.assignment_id,  # type: ignore[attr-defined]
            occurred_at=story.now,
            reason="不属本单位职责",
        )
    )


def decided(duty: object = LEAD, **fields: object) -> DecideReturn:
    """Return the desk's decision on a return, granted unless told otherwise."""
    given = {"granted": True, **fields}
    return DecideReturn(by="desk", assignment_id=duty.assignment_id, **given)  # type: ignore[attr-defined, arg-type]


def leads(story: Story) -> list[str]:
    """Return the units that are accountable leads now."""
    return [
        a.unit for a in story.incident.assignments if a.role is Role.LEAD and duties.is_active(a)
    ]


def test_a_support_is_released_and_told(story: Story) -> None:
    """Row 22."""
    story.does(released())

    assert AssignmentState.RELEASED is story.duty("xj-t-anzhou").state
    assert ["released"] == story.kinds


def test_a_standby_is_let_go_the_same_way(story: Story) -> None:
    """Row 26: activated, or released."""
    story.does(released(STANDBY))

    assert AssignmentState.RELEASED is story.duty("xj-militia").state


def test_the_lead_is_never_merely_released(story: Story) -> None:
    """Exactly one accountable lead at any time."""
    assert Refusal.LEAD_MUST_BE_REASSIGNED is story.refused(released(LEAD))


def test_the_duty_moves_with_its_role(story: Story) -> None:
    """Row 23: a new assignment, told as REASSIGNED; the unit let go is told as RELEASED."""
    outcome = story.tries(reassigned("xj-police"))
    story.does(reassigned("xj-police"))

    assert ["xj-police"] == leads(story)
    assert AssignmentState.REASSIGNED is story.duty("xj-rescue").state
    assert [("reassigned", "xj-police"), ("released", "xj-rescue")] == [
        (str(c.kind), c.unit) for c in _changes(outcome)
    ]


def _changes(outcome: object) -> tuple[Change, ...]:
    return outcome.changes  # type: ignore[attr-defined, no-any-return]


def test_a_lead_may_pass_to_a_unit_that_is_here(story: Story) -> None:
    """The support's own assignment becomes the lead's: one unit, one duty."""
    story.does(reassigned("xj-t-anzhou"))

    assert ["xj-t-anzhou"] == leads(story)
    assert SUPPORT.assignment_id == story.duty("xj-t-anzhou").assignment_id


def test_a_lead_may_pass_to_a_standby(story: Story) -> None:
    """The standby is sent thereby; its clocks start."""
    story.does(reassigned("xj-militia"))
    duty = story.duty("xj-militia")

    assert ["xj-militia"] == leads(story)
    assert (AssignmentState.SENT, STANDBY.assignment_id) == (duty.state, duty.assignment_id)
    assert duty.stamp(K.SENT) is not None


def test_a_unit_sent_again_gets_another_assignment(story: Story) -> None:
    """Its second duty has its own id, so that clocks and notices hang on the right one."""
    story.does(reassigned("xj-police")).does(reassigned("xj-rescue", story.duty("xj-police")))

    assert LEAD.assignment_id != story.duty("xj-rescue").assignment_id
    assert 2 == sum(a.unit == "xj-rescue" for a in story.incident.assignments)


@pytest.mark.parametrize(
    ("unit", "duty", "reason"),
    [
        ("no-such-unit", LEAD, Refusal.UNKNOWN_UNIT),
        ("xj-rescue", LEAD, Refusal.SAME_UNIT),
        ("xj-rescue", SUPPORT, Refusal.UNIT_ALREADY_SENT),
    ],
)
def test_where_a_duty_cannot_move(story: Story, unit: str, duty: object, reason: Refusal) -> None:
    """Row 23: to a unit the region has, and that does not have a duty of the kind already."""
    assert reason is story.refused(reassigned(unit, duty))


def test_a_duty_that_was_done_is_neither_moved_nor_released(story: Story) -> None:
    """What was reported stays with who reported it."""
    story.reports(SUPPORT, *WHOLE_DUTY)

    assert Refusal.ALREADY_REPORTED is story.refused(released())
    assert Refusal.ALREADY_REPORTED is story.refused(reassigned("xj-police", SUPPORT))


def test_a_duty_that_is_over_stays_over(story: Story) -> None:
    """Releasing or moving it again is refused."""
    story.does(released())

    assert Refusal.ASSIGNMENT_OVER is story.refused(released())
    assert Refusal.ASSIGNMENT_OVER is story.refused(reassigned("xj-police", SUPPORT))


def test_the_desk_activates_a_standby(story: Story) -> None:
    """Row 26: it is sent, and told like everybody sent."""
    story.does(Activate(by="desk", assignment_id=STANDBY.assignment_id))
    duty = story.duty("xj-militia")

    assert (AssignmentState.SENT, Role.SUPPORT) == (duty.state, duty.role)
    assert ["activated", "dispatched"] == story.kinds
    assert Refusal.ALREADY_ACTIVE is story.refused(
        Activate(by="desk", assignment_id=STANDBY.assignment_id)
    )


def test_arrival_is_waived_with_a_reason_once(story: Story) -> None:
    """Row 10."""
    waive = WaiveArrival(by="desk", assignment_id=LEAD.assignment_id, reason="电话处置")

    assert Refusal.REASON_MISSING is story.refused(
        WaiveArrival(by="desk", assignment_id=LEAD.assignment_id)
    )
    assert ["arrival_waived"] == story.does(waive).kinds
    assert [] == story.does(waive).kinds


def test_nothing_to_waive_after_arrival(story: Story) -> None:
    """Row 10."""
    story.reports(LEAD, K.ARRIVED)

    assert Refusal.ALREADY_ARRIVED is story.refused(
        WaiveArrival(by="desk", assignment_id=LEAD.assignment_id, reason="x")
    )


def test_a_return_is_granted_and_somebody_takes_over(story: Story) -> None:
    """Row 7: a lead's duty goes to the unit named, else to the duty desk: never to nobody."""
    asked(story).does(decided())

    assert ["xj-desk"] == leads(story)
    assert AssignmentState.RETURNED is story.duty("xj-rescue").state
    assert ["returned", "dispatched"] == story.kinds


def test_a_support_may_go_without_being_replaced(story: Story) -> None:
    """Row 7."""
    asked(story, SUPPORT).does(decided(SUPPORT))

    assert ["returned"] == story.kinds


def test_a_return_that_is_denied_leaves_the_duty(story: Story) -> None:
    """Row 7: the unit keeps it, visibly; it may ask again with better reasons."""
    asked(story).does(decided(granted=False, reason="属本单位"))

    assert ["return_denied"] == story.kinds
    assert ["xj-rescue"] == leads(story)
    assert story.duty("xj-rescue").return_reason is None


def test_a_second_return_goes_to_arbitration(story: Story) -> None:
    """Row 7."""
    asked(story).does(decided(unit="xj-police"))
    second = story.duty("xj-police")
    asked(story, second)

    assert [True] == [m.arbitration for m in matters(story.incident)]
    assert Refusal.ARBITRATION_NEEDED is story.refused(decided(second))
    assert story.refused(decided(second, arbitrated=True)) is None


def test_a_return_nobody_asked_for_is_not_decided(story: Story) -> None:
    """Row 7; and one whose unit has turned out meanwhile is not granted."""
    assert Refusal.NO_RETURN_ASKED is story.refused(decided())

    asked(story).reports(LEAD, K.TURNED_OUT)

    assert Refusal.ALREADY_MOVING is story.refused(decided())


def test_what_waits_for_the_desk(story: Story) -> None:
    """A return first, then what is to be checked."""
    assert awaits(story.incident) is None

    asked(story)

    assert [(Awaits.RETURN, LEAD.assignment_id)] == [
        (m.kind, m.assignment_id) for m in matters(story.incident)
    ]

    story.does(decided(granted=False))
    story.reports(LEAD, *WHOLE_DUTY).reports(SUPPORT, *WHOLE_DUTY)

    assert Awaits.CHECK is awaits(story.incident)


def test_of_two_duties_of_one_unit_the_older_stays(policy: Policy) -> None:
    """Row 24: and the lead's role stays with the unit."""
    newer = an_assignment("xj-police", ordinal=2)
    older = an_assignment("xj-police", role=Role.SUPPORT)
    story = Story(an_incident(older, newer), policy).at(T0 + minutes(1))
    story.does(MarkRedundant(by="router"))

    assert [AssignmentState.SENT, AssignmentState.REDUNDANT] == [
        a.state for a in story.incident.assignments
    ]
    assert [Role.LEAD] == [a.role for a in story.incident.assignments if duties.is_active(a)]


def test_nothing_redundant_is_no_change(story: Story) -> None:
    """Row 24."""
    assert [] == story.does(MarkRedundant(by="router")).kinds


@pytest.mark.parametrize(
    "command",
    [
        released(),
        reassigned("xj-police"),
        decided(),
        Activate(by="d", assignment_id=STANDBY.assignment_id),
    ],
)
def test_nothing_moves_after_the_end(policy: Policy, command: Command) -> None:
    """A closed or cancelled incident's assignments stay as they are."""
    for state in (IncidentState.CLOSED, IncidentState.CANCELLED):
        over = Story(an_incident(LEAD, SUPPORT, STANDBY, state=state), policy)

        assert Refusal.INCIDENT_OVER is over.refused(command)


def test_every_change_of_an_assignment_names_it(story: Story) -> None:
    """Notices hang on a change: it names assignment and unit."""
    outcome = story.tries(reassigned("xj-police"))

    assert all(
        c.assignment_id and c.unit for c in _changes(outcome) if c.kind is not ChangeKind.HANDLED
    )
