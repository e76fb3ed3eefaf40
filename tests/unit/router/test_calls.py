"""Which incident a call belongs to; revisions, withdrawals, repeats; feedback that came first."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.router.domain.awaiting import Attention, Awaits, matters
from services.router.domain.casebook import Casebook
from services.router.domain.commands import Cancel, Check, Release, Transfer
from services.router.domain.intake_of_calls import take_call, take_feedback
from services.router.domain.policy import Policy
from shared.contracts import ids
from shared.contracts.call import (
    Call,
    CallChange,
    CallEvent,
    FeedbackKind,
    FeedbackStamp,
    Kind,
    Place,
    Sheet,
    UnitFeedback,
)
from shared.contracts.incident import (
    AssignmentState,
    ChangeKind,
    Incident,
    IncidentState,
    Origin,
    Role,
    Stamp,
    StampKind,
)
from shared.contracts.refusals import Refusal
from shared.contracts.values import Lane, Line
from tests.builders import COUNTY_TOWN, T0, TOWNSHIP, a_call, hours, minutes


class Centre:
    """A casebook that starts empty, so that whole stories fit in it."""

    def __init__(self, policy: Policy) -> None:
        serials = count(1)
        self.book = Casebook(T0 + minutes(1), policy, lambda _: next(serials))

    def hears(self, call: Call, change: CallChange = CallChange.RECEIVED) -> Centre:
        """Take a call event."""
        take_call(self.book, CallEvent(call=call, change=change), None)
        return self

    def told(self, feedback: UnitFeedback) -> Refusal | None:
        """Take a unit's record."""
        return take_feedback(self.book, feedback, None)

    def of(self, call: Call) -> Incident:
        """Return the incident of *call*."""
        link = self.book.links[call.call_id]
        assert link.incident_id is not None
        return self.book.incidents[link.incident_id]

    @property
    def last(self) -> list[str]:
        """The changes of the last event."""
        return [str(c.kind) for c in self.book.said[-1].changes]

    def reasons(self, kind: ChangeKind) -> list[str | None]:
        """The reasons given with changes of *kind*."""
        return [c.reason for s in self.book.said for c in s.changes if c.kind is kind]


@pytest.fixture
def centre(policy: Policy) -> Centre:
    """One minute after T0, nothing heard yet."""
    return Centre(policy)


def feedback(*kinds: FeedbackKind, **fields: Any) -> UnitFeedback:
    """Return a record of the lead of `a_call()`, all stamps at T0 + 30 s."""
    plain = UnitFeedback(
        feedback_id=ids.feedback_id("110", "F1", "x"),
        source="110",
        record_id="F1",
        call_id=a_call().call_id,
        root="C1",
        unit="xj-rescue",
        stamps=tuple(FeedbackStamp(kind=k, occurred_at=T0 + minutes(0.5)) for k in kinds),
        recorded_at=T0 + minutes(1),
    )
    return replace(plain, **fields)


def revised(call: Call, **fields: Any) -> Call:
    """Return the next revision of *call*."""
    return replace(call, revision=call.revision + 1, **fields)


def an_end() -> Stamp:
    """Return the end of handling, a minute after T0."""
    at = T0 + minutes(1)
    return Stamp(kind=StampKind.ENDED, occurred_at=at, recorded_at=at)


def looked_at(incident: Incident) -> list[str | None]:
    """Return why the desk is asked to look at *incident*."""
    return [m.reason for m in matters(incident) if m.kind is Awaits.ATTENTION]


def units(incident: Incident, *, over: bool = False) -> dict[str, Role]:
    """Return who has a duty (not over) and which."""
    done = (AssignmentState.RELEASED, AssignmentState.REASSIGNED)
    return {a.unit: a.role for a in incident.assignments if over or a.state not in done}


def test_one_decision_one_event(centre: Centre) -> None:
    """Rows 1, 2, 5: the event has the state it leads to, at version 1."""
    centre.hears(a_call())

    assert ["received", "accepted", "dispatched", "dispatched"] == centre.last
    assert (1, IncidentState.DISPATCHED) == (centre.of(a_call()).version, centre.of(a_call()).state)


def test_ids_are_stable_and_the_number_is_the_local_days(centre: Centre) -> None:
    """A call of 23:30 UTC is the next day's in the county."""
    call = a_call(received_at=T0 + hours(21.5))
    centre.hears(call)

    assert ids.incident_id(call.call_id) == centre.of(call).incident_id
    assert "XJ-20261123-000001" == centre.of(call).number


def test_neither_caller_nor_narrative(centre: Centre) -> None:
    """The snapshot has the caller's hash at most, and the place only in `scene`."""
    centre.hears(a_call(text="某某家着火", contact="token", caller="hash"))
    incident = centre.of(a_call())

    assert "某某" not in repr(incident)
    assert "token" not in repr(incident)
    assert "hash" == incident.calls[0].caller


def test_decision_record_is_kept_beside_the_lean_snapshot(centre: Centre) -> None:
    """Alternatives are in the decision record, not in every event."""
    centre.hears(a_call())

    assert centre.book.decisions[0][1].rejected
    assert centre.book.said[0].incident.decision is not None
    assert () == centre.book.said[0].incident.decision.rejected


def test_a_repeat_of_the_chain_joins(centre: Centre) -> None:
    """Same source chain (`zjjdbh`): the safe score; the call is kept, nobody is sent again."""
    repeat = a_call("C2", root="C1")
    centre.hears(a_call()).hears(repeat)

    assert ["call_linked"] == centre.last
    assert centre.of(a_call()) == centre.of(repeat)
    assert ["C1", "C2"] == [ref.source_id for ref in centre.of(repeat).calls]
    assert ["same_source_chain"] == centre.reasons(ChangeKind.CALL_LINKED)


def test_the_chains_first_call_may_come_second(centre: Centre) -> None:
    """Whoever comes first opens; the other joins."""
    centre.hears(a_call("C2", root="C1")).hears(a_call())

    assert 1 == len(centre.book.incidents)
    assert ["call_linked"] == centre.last


def test_the_same_number_of_another_source_is_another_chain(centre: Centre) -> None:
    """Chains are per source."""
    centre.hears(a_call()).hears(a_call("C2", root="C1", source="119"))

    assert 2 == len(centre.book.incidents)


def test_an_exercise_never_joins_a_real_incident(centre: Centre) -> None:
    """P32: flagged and apart."""
    centre.hears(a_call()).hears(a_call("C2", root="C1", exercise=True))

    assert 2 == len(centre.book.incidents)


def test_a_repeat_about_what_was_called_off_is_dispatched_afresh(centre: Centre) -> None:
    """Nothing falls silent: a new incident, linked; the next repeat joins that one."""
    centre.hears(a_call())
    first = centre.of(a_call())
    centre.book.command(first.incident_id, Cancel(by="desk", reason="误报"))
    centre.hears(a_call("C2", root="C1")).hears(a_call("C3", root="C1"))
    second = centre.of(a_call("C2"))

    assert (first.incident_id,) == second.linked
    assert second.incident_id == centre.of(a_call("C3")).incident_id


def test_an_urgent_repeat_about_an_ordinary_incident_is_its_own(centre: Centre) -> None:
    """The lane is fixed when the incident opens."""
    centre.hears(a_call(lane=Lane.ORDINARY)).hears(a_call("C2", root="C1"))

    assert Lane.URGENT is centre.of(a_call("C2")).lane
    assert (centre.of(a_call()).incident_id,) == centre.of(a_call("C2")).linked


def test_an_urgent_repeat_about_a_closed_ordinary_incident_is_its_own(centre: Centre) -> None:
    """It is dispatched in its own lane; reopening would put it behind the orders of the other."""
    centre.hears(a_call(lane=Lane.ORDINARY))
    closed = replace(centre.of(a_call()), state=IncidentState.CLOSED, ended_at=T0)
    centre.book.incidents[closed.incident_id] = closed
    centre.hears(a_call("C2", root="C1", received_at=T0 + hours(1)))

    assert Lane.URGENT is centre.of(a_call("C2")).lane
    assert IncidentState.CLOSED is centre.of(a_call()).state


@pytest.mark.parametrize("state", [IncidentState.HANDLED, IncidentState.VERIFYING])
@pytest.mark.parametrize("passed", [True, False])
def test_a_repeat_about_what_seemed_handled_is_seen_at_the_desk(
    centre: Centre, state: IncidentState, passed: bool
) -> None:
    """Nobody is at work any more: the desk is shown the renewed emergency until it has checked."""
    centre.hears(a_call())
    done = tuple(
        replace(duty, state=AssignmentState.FED_BACK, stamps=(*duty.stamps, an_end()))
        if duty.role is not Role.STANDBY
        else duty
        for duty in centre.of(a_call()).assignments
    )
    handled = replace(centre.of(a_call()), state=state, assignments=done)
    centre.book.incidents[handled.incident_id] = handled
    centre.hears(a_call("C2", root="C1")).hears(a_call("C3", root="C1"))

    assert [Attention.CALLED_AGAIN] == looked_at(centre.of(a_call()))

    verifying = replace(centre.of(a_call()), state=IncidentState.VERIFYING)
    centre.book.incidents[handled.incident_id] = verifying
    centre.book.command(handled.incident_id, Check(by="desk", passed=passed, reason="已复核"))

    assert passed is (centre.of(a_call()).state is IncidentState.CLOSED)
    assert [] == looked_at(centre.of(a_call()))


def test_a_repeat_while_units_are_at_work_asks_nothing_of_the_desk(centre: Centre) -> None:
    """They are there, or on their way."""
    centre.hears(a_call()).hears(a_call("C2", root="C1"))

    assert [] == matters(centre.of(a_call()))


@pytest.mark.parametrize(("after", "same"), [(hours(71), True), (hours(73), False)])
def test_a_repeat_about_a_closed_incident(centre: Centre, after: Any, same: bool) -> None:
    """Row 17: reopened in the window; later it is a new incident, linked."""
    centre.hears(a_call())
    closed = replace(centre.of(a_call()), state=IncidentState.CLOSED, ended_at=T0)
    centre.book.incidents[closed.incident_id] = closed
    centre.hears(a_call("C2", root="C1", received_at=T0 + after))

    assert same is (centre.of(a_call("C2")).incident_id == closed.incident_id)
    assert same is (centre.of(a_call()).state is IncidentState.REOPENED)


def test_a_revision_that_changes_nothing_sends_nobody(centre: Centre) -> None:
    """The revision is noted; who was sent stays sent."""
    centre.hears(a_call()).hears(revised(a_call()), CallChange.REVISED)

    assert ["revised"] == centre.last
    assert 2 == centre.of(a_call()).calls[0].revision


def test_an_older_revision_is_dropped(centre: Centre) -> None:
    """§4.8: only higher ones; a late `received` of the other lane opens nothing."""
    newer = revised(a_call())
    centre.hears(newer, CallChange.REVISED).hears(a_call())

    assert 1 == len(centre.book.said)


def test_before_the_first_ack_a_revision_reroutes_once(centre: Centre) -> None:
    """A changed kind: the old lead is moved off, the new one sent, in one event."""
    brawl = revised(a_call(), kind=Kind(category="order.fight"))
    centre.hears(a_call()).hears(brawl, CallChange.REVISED)
    incident = centre.of(brawl)

    assert {"xj-police": Role.LEAD, "xj-city": Role.STANDBY} == units(incident)
    assert ["revised", "released", "released", "released", "dispatched"] == centre.last
    assert (2, "order-town") == (incident.version, incident.decision and incident.decision.rule)


def test_who_is_still_wanted_keeps_the_duty(centre: Centre) -> None:
    """A moved place: the lead stays, another squad goes, the relations are the new place's."""
    moved = revised(a_call(), place=Place(area=TOWNSHIP, at_seat=False))
    centre.hears(a_call()).hears(moved, CallChange.REVISED)
    incident = centre.of(moved)

    assert {"xj-rescue": Role.LEAD, "xj-t-hengxi": Role.SUPPORT, "xj-militia": Role.STANDBY} == (
        units(incident)
    )
    assert ["revised", "released", "dispatched"] == centre.last
    assert "town_to_township" == incident.assignments[0].relation


def test_after_the_first_ack_a_revision_only_suggests(centre: Centre) -> None:
    """§4.8: the place is corrected, nobody is moved."""
    centre.hears(a_call())
    centre.told(feedback(FeedbackKind.ACKED))
    moved = revised(a_call(), place=Place(area=TOWNSHIP))
    centre.hears(moved, CallChange.REVISED)

    assert ["revised", "reroute_suggested"] == centre.last
    assert [Attention.REVISED] == looked_at(centre.of(moved))
    assert TOWNSHIP == centre.of(moved).scene.area
    assert "xj-t-anzhou" in units(centre.of(moved))


def test_a_revised_repeat_call_does_not_move_the_scene(centre: Centre) -> None:
    """The opening call gives the facts."""
    repeat = a_call("C2", root="C1")
    centre.hears(a_call()).hears(repeat)
    centre.hears(revised(repeat, place=Place(area=TOWNSHIP)), CallChange.REVISED)

    assert ["revised"] == centre.last
    assert COUNTY_TOWN == centre.of(repeat).scene.area


def test_an_ordinary_call_that_proves_urgent_goes_on_as_urgent(centre: Centre) -> None:
    """Row 4: a linked incident in the urgent lane; the ordinary one ends as transferred."""
    order = a_call(lane=Lane.ORDINARY, line=Line.GOVERNMENT, kind=Kind(category="city"))
    urgent = revised(order, lane=Lane.URGENT, kind=Kind(category="fire"))
    centre.hears(order)
    first = centre.of(order).incident_id
    centre.hears(urgent, CallChange.REVISED)

    assert Lane.URGENT is centre.of(urgent).lane
    assert (first,) == centre.of(urgent).linked
    assert IncidentState.TRANSFERRED is centre.book.incidents[first].state


def test_one_that_proves_urgent_while_units_move_is_seen_at_the_desk(centre: Centre) -> None:
    """Row 4: the urgent incident goes on; whether the ordinary one's units turn round is decided."""
    order = a_call(lane=Lane.ORDINARY)
    centre.hears(order)
    first = centre.of(order).incident_id
    centre.told(feedback(FeedbackKind.ACKED))
    urgent = revised(order, lane=Lane.URGENT)
    centre.hears(urgent, CallChange.REVISED)

    assert [Attention.PROVED_URGENT] == looked_at(centre.book.incidents[first])
    assert [] == looked_at(centre.of(urgent))


def test_withdrawn_before_the_first_ack_cancels(centre: Centre) -> None:
    """Row 21."""
    centre.hears(a_call()).hears(revised(a_call()), CallChange.WITHDRAWN)

    assert IncidentState.CANCELLED is centre.of(a_call()).state
    assert "call_withdrawn" == centre.of(a_call()).reason


def test_withdrawn_after_the_first_ack_is_a_suggestion(centre: Centre) -> None:
    """Units are on their way: the desk decides."""
    centre.hears(a_call())
    centre.told(feedback(FeedbackKind.ACKED))
    centre.hears(revised(a_call()), CallChange.WITHDRAWN)

    assert ["reroute_suggested"] == centre.last
    assert IncidentState.DISPATCHED is centre.of(a_call()).state
    assert [Attention.CALL_WITHDRAWN] == looked_at(centre.of(a_call()))


def test_the_desk_is_asked_until_it_acts(centre: Centre) -> None:
    """What units report leaves the question open; a decision of the desk answers it."""
    centre.hears(a_call())
    incident_id = centre.of(a_call()).incident_id
    centre.told(feedback(FeedbackKind.ACKED))
    centre.hears(revised(a_call()), CallChange.WITHDRAWN)
    centre.told(feedback(FeedbackKind.ARRIVED, record_id="F2"))
    support = centre.of(a_call()).assignments[1].assignment_id
    asked = looked_at(centre.of(a_call()))
    centre.book.command(incident_id, Release(by="desk", assignment_id=support))

    assert [Attention.CALL_WITHDRAWN] == asked
    assert [] == looked_at(centre.of(a_call()))


def test_a_refused_decision_answers_nothing(centre: Centre) -> None:
    """The lead cannot be released: the question stands."""
    centre.hears(a_call())
    incident_id = centre.of(a_call()).incident_id
    centre.told(feedback(FeedbackKind.ACKED))
    centre.hears(revised(a_call()), CallChange.WITHDRAWN)
    lead = centre.of(a_call()).assignments[0].assignment_id
    centre.book.command(incident_id, Release(by="desk", assignment_id=lead))

    assert [Attention.CALL_WITHDRAWN] == looked_at(centre.of(a_call()))


def test_what_ends_by_itself_asks_nothing_any_more(centre: Centre) -> None:
    """Withdrawn by one caller, then proved urgent by the other: nothing is left to decide here."""
    order, other = a_call(lane=Lane.ORDINARY), a_call("C2", root="C1", lane=Lane.ORDINARY)
    centre.hears(order).hears(other)
    first = centre.of(order).incident_id
    centre.hears(revised(order), CallChange.WITHDRAWN)
    asked = looked_at(centre.book.incidents[first])
    centre.hears(revised(other, lane=Lane.URGENT), CallChange.REVISED)

    assert [Attention.CALL_WITHDRAWN] == asked
    assert IncidentState.TRANSFERRED is centre.book.incidents[first].state
    assert [] == matters(centre.book.incidents[first])


def test_withdrawn_while_others_call_is_a_suggestion(centre: Centre) -> None:
    """One of several callers takes it back: it is still there."""
    centre.hears(a_call()).hears(a_call("C2", root="C1"))
    centre.hears(revised(a_call()), CallChange.WITHDRAWN)

    assert ["reroute_suggested"] == centre.last


def test_withdrawn_before_it_was_known_opens_nothing(centre: Centre) -> None:
    """Nobody was sent, nobody is."""
    centre.hears(a_call(), CallChange.WITHDRAWN)

    assert [] == centre.book.said


def test_transferred_by_the_desk_opens_a_linked_incident(centre: Centre) -> None:
    """Row 4: the chain is kept: the calls and later revisions go with it."""
    centre.hears(a_call())
    first = centre.of(a_call()).incident_id
    centre.book.command(first, Transfer(by="desk", line=Line.GOVERNMENT, reason="非警务"))
    second = centre.of(a_call())

    assert ((first,), Lane.ORDINARY, IncidentState.DISPATCHED) == (
        second.linked,
        second.lane,
        second.state,
    )


def test_feedback_by_feed_is_one_event(centre: Centre) -> None:
    """All stamps of a record are one decision, in the order of the work whatever order they have."""
    centre.hears(a_call())
    centre.told(
        feedback(
            FeedbackKind.ENDED, FeedbackKind.ARRIVED, FeedbackKind.ACKED, sheet=Sheet(result="毕")
        )
    )
    duty = centre.of(a_call()).assignments[0]

    assert ["acked", "arrived", "on_scene", "ended", "fed_back"] == centre.last
    assert AssignmentState.FED_BACK is duty.state
    assert 2 == centre.of(a_call()).version


def test_a_refused_feed_stamp_is_said(centre: Centre) -> None:
    """Nobody gets a 409: the event says why; the state stays, the version does not."""
    centre.hears(a_call())
    centre.told(feedback(FeedbackKind.ENDED))

    assert ["refused"] == centre.last
    assert [Refusal.END_BEFORE_ARRIVAL] == centre.reasons(ChangeKind.REFUSED)
    assert AssignmentState.SENT is centre.of(a_call()).assignments[0].state


def test_the_same_record_again_says_nothing(centre: Centre) -> None:
    """Redelivered under another id: no stamp is new."""
    centre.hears(a_call())
    centre.told(feedback(FeedbackKind.ACKED))
    said = len(centre.book.said)
    centre.told(feedback(FeedbackKind.ACKED, feedback_id=UUID(int=1)))

    assert said == len(centre.book.said)


def test_a_unit_nobody_assigned_dispatched_itself(centre: Centre) -> None:
    """P12 双轨制."""
    centre.hears(a_call())
    centre.told(feedback(FeedbackKind.ACKED, FeedbackKind.ARRIVED, unit="xj-police"))
    duty = centre.of(a_call()).assignments[-1]

    assert ["self_dispatched", "acked", "arrived"] == centre.last
    assert (Origin.SELF_DISPATCHED, Role.SUPPORT) == (duty.origin, duty.role)
    assert duty.stamp(StampKind.SENT) is None


def test_feedback_before_its_call_waits_and_is_applied(centre: Centre) -> None:
    """§4.7: parked, then applied with the decision that opens the incident."""
    early = feedback(FeedbackKind.ACKED)
    centre.told(early)

    assert [] == centre.book.said

    centre.hears(a_call())

    assert [1, 2] == [s.incident.version for s in centre.book.said]
    assert AssignmentState.ACKED is centre.of(a_call()).assignments[0].state
    assert [early.feedback_id] == centre.book.unparked


def test_feedback_of_a_unit_the_region_does_not_have(centre: Centre) -> None:
    """It can never be handled: a dead letter with its reason."""
    assert Refusal.UNKNOWN_UNIT is centre.told(feedback(FeedbackKind.ACKED, unit="xx"))


def test_returned_by_feed_is_a_request(centre: Centre) -> None:
    """Row 7: the desk decides on it like on any other."""
    centre.hears(a_call())
    centre.told(feedback(FeedbackKind.RETURNED))

    assert ["return_requested"] == centre.last


def test_a_process_whose_clock_is_behind_decides_after_what_was_decided(centre: Centre) -> None:
    """A rework and the report after it may meet two processes: the order of decisions holds."""
    centre.hears(a_call())
    sent = centre.of(a_call()).assignments[0].stamps[-1].recorded_at
    centre.book.now = sent - minutes(1)
    centre.told(feedback(FeedbackKind.ACKED))

    assert centre.of(a_call()).assignments[0].stamps[-1].recorded_at > sent
