"""Whatever is asked of an incident, in whatever order, certain things stay true."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from services.router.domain import commands, duties, machine
from services.router.domain.call_rows import FINISHED
from services.router.domain.casebook import Casebook
from services.router.domain.intake_of_calls import take_call, take_feedback
from services.router.domain.outcome import Decided, Refused
from services.router.domain.policy import Policy
from shared.contracts.call import (
    CallChange,
    CallEvent,
    FeedbackKind,
    FeedbackStamp,
    Kind,
    Place,
    Sheet,
    UnitFeedback,
)
from shared.contracts.incident import HoldPurpose, Incident, IncidentState, Role, StampKind
from shared.contracts.refusals import Refusal
from shared.contracts.values import Line
from shared.runtime.packs import load_pack
from tests.builders import COUNTY_TOWN, T0, TOWNSHIP, a_call, minutes

PACK = load_pack(Path(__file__).parents[3] / "deploy" / "regions" / "xianju")
UNITS = ("xj-rescue", "xj-police", "xj-t-anzhou", "xj-desk", "xj-militia")
CALL = a_call()
NEVER_DISPATCHED = (IncidentState.RECEIVED, IncidentState.ACCEPTED)

reasons = st.sampled_from(["", "原因"])
sheets = st.sampled_from(
    [
        Sheet(result="已处置"),
        Sheet(result=""),
        Sheet(result="x", follow_up=True),
        Sheet(result="", progress=True, progress_reason="等待"),
    ]
)


class Incidents(RuleBasedStateMachine):
    """One incident; units, desk, hotline and feed do anything at any time."""

    @initialize()
    def opens(self) -> None:
        """A call opens it."""
        serials = count(1)
        self.book = Casebook(T0, Policy(PACK), lambda _: next(serials))
        self.incident_id: UUID
        self.revision = 1
        self.records = count(1)
        take_call(self.book, CallEvent(call=CALL, change=CallChange.RECEIVED), None)
        self.incident_id = self.book.said[0].incident.incident_id
        self.versions = [1]

    @property
    def incident(self) -> Incident:
        """The incident now."""
        return self.book.incidents[self.incident_id]

    def does(self, command: commands.Command) -> None:
        """Ask for it, and check what one decision may do."""
        before, said = self.incident, len(self.book.said)
        outcome = self.book.command(self.incident_id, command)
        mine = [s for s in self.book.said[said:] if s.incident.incident_id == self.incident_id]
        if isinstance(outcome, Refused):
            assert outcome.reason in Refusal
            assert before == self.incident
            assert [] == mine
        elif not outcome.changes:
            assert before == self.incident
        else:
            assert [before.version + 1] == [s.incident.version for s in mine]
        self.compare(before)

    def compare(self, before: Incident) -> None:
        """No stamp is lost, nothing forgotten; closed only when all have reported."""
        now = {a.assignment_id: a for a in self.incident.assignments}
        for duty in before.assignments:
            kept = now[duty.assignment_id].stamps

            assert duty.stamps == kept[: len(duty.stamps)]
        assert {r.call_id for r in before.calls} <= {r.call_id for r in self.incident.calls}
        newly = before.state is not IncidentState.CLOSED
        if self.incident.state is IncidentState.CLOSED and newly:
            assert all(map(duties.is_done, self.incident.assignments))
            assert before.state is IncidentState.VERIFYING

    def duty(self, choice: int) -> UUID:
        """Pick one of the assignments."""
        found = self.incident.assignments
        return found[choice % len(found)].assignment_id

    @rule(minutes_on=st.integers(0, 600))
    def time_passes(self, minutes_on: int) -> None:
        """It gets later."""
        self.book.now += timedelta(minutes=minutes_on)

    @rule(
        choice=st.integers(0, 9),
        kind=st.sampled_from(list(StampKind)),
        back=st.integers(-5, 900),
        sheet=st.none() | sheets,
    )
    def unit_reports(self, choice: int, kind: StampKind, back: int, sheet: Sheet | None) -> None:
        """A unit stamps something, perhaps long ago, perhaps in the future."""
        self.does(
            commands.Report(
                by="unit",
                assignment_id=self.duty(choice),
                kind=kind,
                occurred_at=self.book.now - minutes(back),
                sheet=sheet if kind is StampKind.FED_BACK else None,
            )
        )

    @rule(choice=st.integers(0, 9))
    def unit_does_its_whole_duty(self, choice: int) -> None:
        """So that the later states are reached."""
        for kind in (StampKind.ACKED, StampKind.ARRIVED, StampKind.ENDED, StampKind.FED_BACK):
            self.unit_reports(choice, kind, 0, Sheet(result="已处置"))

    @rule()
    def everybody_does_their_duty(self) -> None:
        """So that handled, verified and closed are often reached."""
        for choice, duty in enumerate(self.incident.assignments):
            if duties.is_active(duty):
                self.unit_does_its_whole_duty(choice)

    @rule(choice=st.integers(0, 9), why=reasons)
    def unit_asks_to_return(self, choice: int, why: str) -> None:
        """退单."""
        at = self.book.now
        self.does(
            commands.AskReturn(
                by="unit", assignment_id=self.duty(choice), occurred_at=at, reason=why
            )
        )

    @rule(
        choice=st.integers(0, 9),
        granted=st.booleans(),
        unit=st.none() | st.sampled_from(UNITS),
        arbitrated=st.booleans(),
    )
    def desk_decides_return(
        self, choice: int, granted: bool, unit: str | None, arbitrated: bool
    ) -> None:
        """Row 7."""
        self.does(
            commands.DecideReturn(
                by="desk",
                assignment_id=self.duty(choice),
                granted=granted,
                unit=unit,
                arbitrated=arbitrated,
            )
        )

    @rule(choice=st.integers(0, 9), unit=st.sampled_from([*UNITS, "nobody"]))
    def desk_reassigns(self, choice: int, unit: str) -> None:
        """Row 23."""
        self.does(commands.Reassign(by="desk", assignment_id=self.duty(choice), unit=unit))

    @rule(
        choice=st.integers(0, 9),
        kind=st.sampled_from([commands.Release, commands.Activate, commands.WaiveArrival]),
    )
    def desk_acts(self, choice: int, kind: Any) -> None:
        """Rows 10, 22, 26."""
        more = {} if kind is commands.Activate else {"reason": "原因"}
        self.does(kind(by="desk", assignment_id=self.duty(choice), **more))

    @rule(kind=st.sampled_from([commands.Cancel, commands.Invalidate]), chance=st.integers(0, 9))
    def desk_calls_off(self, kind: Any, chance: int) -> None:
        """Rows 3, 21; seldom, since little follows."""
        self.does(kind(by="desk", reason="原因" if chance == 0 else ""))

    @rule(why=reasons)
    def desk_reopens(self, why: str) -> None:
        """Row 17."""
        self.does(commands.Reopen(by="desk", reason=why))

    @rule(line=st.sampled_from(list(Line)), chance=st.integers(0, 9))
    def desk_transfers(self, line: Line, chance: int) -> None:
        """Row 4; seldom."""
        why = "原因" if chance == 0 else ""
        self.does(commands.Transfer(by="desk", line=line, reason=why))

    @rule(passed=st.booleans(), units=st.sampled_from([(), ("xj-rescue",)]), why=reasons)
    def checker_checks(self, passed: bool, units: tuple[str, ...], why: str) -> None:
        """Rows 13, 14."""
        self.does(commands.Check(by="checker", passed=passed, units=units, reason=why))

    @rule()
    def handled_and_closed(self) -> None:
        """The plain way to the end."""
        self.everybody_does_their_duty()
        self.does(commands.Check(by="checker", passed=True, reason="属实"))

    @rule(what=st.sampled_from(list(commands.Later)))
    def asked_for_later_rows(self, what: commands.Later) -> None:
        """Rows that come later."""
        self.does(commands.Deferred(by="desk", what=what))

    @rule()
    def router_tidies(self) -> None:
        """Row 24."""
        self.does(commands.MarkRedundant(by="router"))

    @rule(
        category=st.sampled_from(["fire", "order.fight", "city"]),
        area=st.sampled_from([None, COUNTY_TOWN, TOWNSHIP]),
        chance=st.integers(0, 9),
    )
    def hotline_revises(self, category: str, area: str | None, chance: int) -> None:
        """The call gets another kind or place, or is taken back."""
        self.revision += 1
        call = replace(
            CALL,
            revision=self.revision,
            kind=Kind(category=category),
            place=Place(area=area),
        )
        before = self.incident
        change = CallChange.WITHDRAWN if chance == 0 else CallChange.REVISED
        take_call(self.book, CallEvent(call=call, change=change), None)
        self.compare(before)

    @rule(number=st.integers(2, 4))
    def somebody_calls_again(self, number: int) -> None:
        """A repeat of the chain, perhaps one heard before."""
        before = self.incident
        call = a_call(f"C{number}", root="C1", received_at=self.book.now)
        take_call(self.book, CallEvent(call=call, change=CallChange.RECEIVED), None)
        self.compare(before)

    @rule(
        unit=st.sampled_from([*UNITS, "xj-power"]),
        kinds=st.lists(st.sampled_from(list(FeedbackKind)), max_size=4),
    )
    def feed_tells(self, unit: str, kinds: list[FeedbackKind]) -> None:
        """A unit's record comes by the hotline."""
        before = self.incident
        at: datetime = self.book.now
        number = next(self.records)
        record = UnitFeedback(
            feedback_id=UUID(int=number),
            source=CALL.source,
            record_id=str(number),
            call_id=CALL.call_id,
            root=CALL.root,
            unit=unit,
            stamps=tuple(FeedbackStamp(kind=k, occurred_at=at) for k in kinds),
            recorded_at=at,
        )
        take_feedback(self.book, record, None)
        self.compare(before)

    @invariant()
    def one_accountable_lead(self) -> None:
        """Exactly one as long as it is not called off, at most one ever."""
        for incident in self.book.incidents.values():
            leads = [a for a in incident.assignments if a.role is Role.LEAD and duties.is_active(a)]
            called_off = incident.state in (
                IncidentState.CANCELLED,
                IncidentState.INVALID,
                IncidentState.TRANSFERRED,
            )

            assert len(leads) == 1 or (called_off and not leads)

    @invariant()
    def what_is_finished_asks_nothing_of_the_desk(self) -> None:
        """Whoever or whatever ended it: the desk has nothing left to decide."""
        for incident in self.book.incidents.values():
            assert not (incident.attention and incident.state in FINISHED)

    @invariant()
    def versions_count_the_events(self) -> None:
        """+1 per event of an incident, without a gap."""
        for incident_id, incident in self.book.incidents.items():
            said = [s for s in self.book.said if s.incident.incident_id == incident_id]

            assert list(range(1, incident.version + 1)) == [s.incident.version for s in said]
            assert said[-1].incident == incident

    @invariant()
    def one_duty_a_unit(self) -> None:
        """A unit never has two duties at once, and ids are never used twice."""
        held = [a.unit for a in self.incident.assignments if not duties.is_over(a)]
        ids = [a.assignment_id for a in self.incident.assignments]

        assert len(held) == len(set(held))
        assert len(ids) == len(set(ids))

    @invariant()
    def state_and_stamps_agree(self) -> None:
        """ON_SCENE, HANDLED and the end carry their moment; an end was never before an arrival."""
        incident = self.incident
        if incident.state is IncidentState.ON_SCENE:
            assert incident.on_scene_at is not None
        if incident.state is IncidentState.VERIFYING:
            assert incident.handled_at is not None
        for duty in incident.assignments:
            if duty.stamp(StampKind.ENDED):
                there = duty.stamp(StampKind.ARRIVED) or duty.stamp(StampKind.ARRIVAL_WAIVED)

                assert there is not None


Incidents.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True
)
TestIncidents = Incidents.TestCase


@pytest.mark.parametrize("state", list(IncidentState))
@pytest.mark.parametrize("kind", list(machine.TABLE), ids=lambda kind: kind.__name__)
def test_every_command_meets_every_state(
    policy: Policy, state: IncidentState, kind: type[commands.Command]
) -> None:
    """The table is whole: each pair is decided or refused with a name, none raises."""
    from tests.builders import an_incident  # noqa: PLC0415 - only here

    incident = an_incident(state=state)
    outcome = machine.decide(incident, _any(kind, incident), T0 + minutes(1), policy)

    assert isinstance(outcome, (Decided, Refused))
    assert not (isinstance(outcome, Decided) and state not in machine.TABLE[kind].states)


def _any(kind: type[commands.Command], incident: Incident) -> commands.Command:
    values: dict[str, Any] = {
        "by": "x",
        "call": CALL,
        "assignment_id": incident.assignments[0].assignment_id,
        "kind": StampKind.ACKED,
        "occurred_at": T0,
        "granted": True,
        "unit": "xj-police",
        "line": Line.GOVERNMENT,
        "passed": True,
        "reason": "原因",
        "purpose": HoldPurpose.EVIDENCE,
        "what": commands.Later.MERGE,
    }
    return kind(**{f: v for f, v in values.items() if f in kind.__struct_fields__})
