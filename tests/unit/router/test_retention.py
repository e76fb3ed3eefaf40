"""Retention ends: what goes, what stays, what holds it, and that nothing brings the text back."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.router.domain import commands, machine
from services.router.domain.call_rows import FINISHED
from services.router.domain.casebook import Casebook
from services.router.domain.commands import Hold, Purge, ReleaseHold
from services.router.domain.intake_of_calls import take_call, take_feedback
from services.router.domain.outcome import Decided, Refused
from services.router.domain.policy import Policy
from services.router.domain.retention import over_since, without_place_and_text
from services.router.domain.routing import Facts, route
from shared.contracts.call import (
    CallChange,
    CallEvent,
    FeedbackKind,
    FeedbackStamp,
    Place,
    Sheet,
    UnitFeedback,
)
from shared.contracts.incident import (
    AssignmentState,
    ChangeKind,
    HoldPurpose,
    Incident,
    IncidentState,
    Scene,
    StampKind,
)
from shared.contracts.pack import Pack
from shared.contracts.refusals import Refusal
from shared.contracts.values import Lane, Line
from tests.builders import COUNTY_TOWN, T0, a_call, an_assignment, an_incident, hours, minutes

DAYS = timedelta(days=30)
ENDED = T0 + hours(2)
EVIDENCE, ASSESSMENT = HoldPurpose.EVIDENCE, HoldPurpose.ASSESSMENT
PURGE = Purge(by="router")
MARK = "不可留"
WORDS = Sheet(
    result=f"{MARK}已处置",
    text=f"{MARK}情况",
    people=4,
    vehicles=2,
    follow_up=True,
    follow_up_unit=f"{MARK}单位",
    follow_up_post=f"{MARK}岗位",
    progress=True,
    progress_reason=f"{MARK}原因",
)


def wordy(**fields: Any) -> Incident:
    """Return a closed incident with words and a place wherever there is room for them."""
    duty = an_assignment(
        state=AssignmentState.FED_BACK,
        stamps=dict.fromkeys((StampKind.SENT, StampKind.ENDED, StampKind.FED_BACK), T0),
        sheet=WORDS,
        return_reason=f"{MARK}不归我们",
    )
    scene = Scene(
        area=COUNTY_TOWN, at_seat=True, text=f"{MARK}路1号", longitude=120.731, latitude=28.849
    )
    calls = tuple(replace(c, caller="ca11e4") for c in an_incident().calls)
    plain = an_incident(
        duty,
        state=IncidentState.CLOSED,
        ended_at=ENDED,
        scene=scene,
        calls=calls,
        reason=f"{MARK}已回访",
        attention=(f"{MARK}看",),
    )
    return replace(plain, **fields)


def decided(policy: Policy, incident: Incident, *asked: commands.Command, after: timedelta) -> Any:
    """Decide one command after the other, so long after the end; return the last outcome."""
    outcome: Decided | Refused = Decided(incident)
    for each in asked:
        assert isinstance(outcome, Decided), outcome
        outcome = machine.decide(outcome.incident, each, ENDED + after, policy)
    return outcome


@pytest.mark.parametrize("state", list(IncidentState))
def test_retention_runs_from_the_end_of_every_final_state(state: IncidentState) -> None:
    """Closed, invalid, cancelled, duplicate, transferred: all from the moment they ended."""
    final = state in {"closed", "invalid", "cancelled", "duplicate", "transferred"}

    assert (ENDED if final else None) == over_since(wordy(state=state))
    assert final == (state in FINISHED)


@pytest.mark.parametrize(
    ("changed", "since"),
    [
        ({"ended_at": None}, T0),
        ({"holds": (EVIDENCE,)}, None),
        ({"purged": True}, None),
        ({"handled_at": ENDED + hours(9)}, ENDED),
    ],
    ids=["end not recorded", "held", "purged", "reported after the end"],
)
def test_what_moves_the_start(changed: dict[str, Any], since: object) -> None:
    """The last thing recorded stands in for an end nobody recorded; nothing later prolongs it."""
    assert since == over_since(wordy(**changed))


@pytest.mark.parametrize(
    ("after", "outcome"),
    [(DAYS - timedelta(microseconds=1), Refusal.RETENTION_RUNS), (DAYS, ChangeKind.PURGED)],
)
def test_it_is_purged_at_the_last_instant_of_the_packs_days(
    policy: Policy, after: timedelta, outcome: str
) -> None:
    """Not an instant before."""
    found = decided(policy, wordy(), PURGE, after=after)
    said = found.reason if isinstance(found, Refused) else found.changes[0].kind

    assert outcome == said


@pytest.mark.parametrize("state", sorted(set(IncidentState) - FINISHED))
def test_an_open_incident_is_never_purged(policy: Policy, state: IncidentState) -> None:
    """Suspended and reopened ones included, however old."""
    outcome = decided(policy, wordy(state=state), PURGE, after=20 * DAYS)

    assert Refusal.WRONG_STATE == outcome.reason


def test_a_purge_leaves_grid_stamps_counts_and_kinds(policy: Policy) -> None:
    """Figures need no more, and one event says so: version + 1, `retention_ended`."""
    before = wordy()
    outcome = decided(policy, before, PURGE, after=DAYS)
    after = outcome.incident

    assert before.version + 1 == after.version
    assert [(ChangeKind.PURGED, "retention_ended")] == [(c.kind, c.reason) for c in outcome.changes]
    assert Scene(area=COUNTY_TOWN, at_seat=True) == after.scene
    assert before.assignments[0].stamps == after.assignments[0].stamps
    assert (4, 2, True) == (
        after.assignments[0].sheet.people,
        after.assignments[0].sheet.vehicles,
        after.assignments[0].sheet.follow_up,
    )
    assert (before.category, before.severity, before.ended_at, before.number) == (
        after.category,
        after.severity,
        after.ended_at,
        after.number,
    )


@given(words=st.text("一二三", min_size=1, max_size=8), east=st.floats(73, 135))
def test_no_word_and_no_place_survives(words: str, east: float) -> None:
    """Whatever was written, wherever: the snapshot's own bytes do not hold it any more."""
    scene = Scene(area=COUNTY_TOWN, text=MARK + words, longitude=east, latitude=28.123456)
    left = without_place_and_text(wordy(scene=scene, reason=MARK + words))
    seen = msgspec.json.encode(left).decode()

    assert [] == [word for word in (MARK, "ca11e4", "longitude", "28.123456") if word in seen]


def test_routing_puts_nothing_into_its_record_that_would_have_to_go(pack: Pack) -> None:
    """The decision record outlives the purge: its inputs are grid, kind and time, never words."""
    facts = Facts(
        line=Line.POLICE,
        lane=Lane.URGENT,
        category="fire.building.home",
        severity=3,
        scene=wordy().scene,
        text=f"{MARK}起火",
        at=T0,
    )
    record = route(pack, facts, T0).record

    assert {"line", "lane", "category", "severity", "area", "at_seat", "time"} == set(record.inputs)
    assert MARK not in msgspec.json.encode(record).decode()


@pytest.mark.parametrize("state", [IncidentState.DISPATCHED, IncidentState.CLOSED])
def test_a_hold_before_or_after_the_end_stops_the_purge(
    policy: Policy, state: IncidentState
) -> None:
    """Art. 85: for evidence or assessment; the words why do not go into the event."""
    why = f"{MARK}案号7"
    held = decided(
        policy, wordy(state=state), Hold(by="desk", purpose=EVIDENCE, reason=why), after=minutes(1)
    )
    closed = replace(held.incident, state=IncidentState.CLOSED)
    refused = decided(policy, closed, PURGE, after=9 * DAYS)

    assert [(ChangeKind.HELD, "evidence", "desk")] == [
        (c.kind, c.reason, c.by) for c in held.changes
    ]
    assert Refusal.ON_HOLD == refused.reason
    assert None is over_since(closed)


def test_released_from_all_holds_it_is_due_at_once(policy: Policy) -> None:
    """Two purposes hold apart; the retention ended long ago."""
    hold = [Hold(by="desk", purpose=p, reason="原因") for p in (EVIDENCE, ASSESSMENT)]
    free = [ReleaseHold(by="chief", purpose=p, reason="结案") for p in (EVIDENCE, ASSESSMENT)]
    half = decided(policy, wordy(), *hold, free[0], PURGE, after=2 * DAYS)
    whole = decided(policy, wordy(), *hold, *free, PURGE, after=2 * DAYS)

    assert Refusal.ON_HOLD == half.reason
    assert whole.incident.purged


@pytest.mark.parametrize(
    ("holds", "asked", "reason"),
    [
        ((), Hold(by="desk", purpose=EVIDENCE, reason=" "), Refusal.REASON_MISSING),
        ((EVIDENCE,), Hold(by="desk", purpose=EVIDENCE, reason="又"), Refusal.ALREADY_HELD),
        ((EVIDENCE,), ReleaseHold(by="desk", purpose=EVIDENCE), Refusal.REASON_MISSING),
        ((EVIDENCE,), ReleaseHold(by="desk", purpose=ASSESSMENT, reason="x"), Refusal.NOT_HELD),
    ],
)
def test_holds_are_refused_by_name(
    policy: Policy,
    holds: tuple[HoldPurpose, ...],
    asked: commands.Command,
    reason: Refusal,
) -> None:
    """Set with a reason, released with a reason, each purpose once."""
    assert reason == decided(policy, wordy(holds=holds), asked, after=minutes(1)).reason


@pytest.mark.parametrize("kind", list(machine.TABLE), ids=lambda kind: kind.__name__)
def test_a_purged_incident_takes_nothing(policy: Policy, kind: type[commands.Command]) -> None:
    """Reopening, late stamps and sheets, revisions, holds: refused as `purged`; a second purge is none."""
    purged = without_place_and_text(wordy())
    asked = _any(kind, purged)
    outcome = machine.decide(purged, asked, ENDED + 2 * DAYS, policy)

    assert outcome == (Decided(purged) if kind is Purge else Refused(Refusal.PURGED))


def _any(kind: type[commands.Command], incident: Incident) -> commands.Command:
    values: dict[str, Any] = {
        "by": "x",
        "call": a_call(revision=2, text=MARK),
        "assignment_id": incident.assignments[0].assignment_id,
        "kind": StampKind.FED_BACK,
        "occurred_at": T0,
        "sheet": WORDS,
        "granted": True,
        "unit": "xj-police",
        "line": Line.GOVERNMENT,
        "passed": True,
        "purpose": EVIDENCE,
        "reason": MARK,
        "what": commands.Later.MERGE,
    }
    return kind(**{f: v for f, v in values.items() if f in kind.__struct_fields__})


class LongAgo:
    """A casebook that holds one purged incident of `a_call()`."""

    def __init__(self, policy: Policy) -> None:
        serials = count(1)
        self.book = Casebook(T0, policy, lambda _: next(serials))
        take_call(self.book, CallEvent(call=a_call(), change=CallChange.RECEIVED), None)
        self.opened = self.book.said[0].incident
        purged = without_place_and_text(
            replace(self.opened, state=IncidentState.CLOSED, ended_at=ENDED)
        )
        self.book.hold(purged)
        self.book.said.clear()
        self.book.now = ENDED + 2 * DAYS

    @property
    def said(self) -> list[tuple[str, str | None]]:
        """Kinds and reasons of all changes since."""
        return [(c.kind, c.reason) for each in self.book.said for c in each.changes]

    def seen(self) -> str:
        """Return everything said since, as it goes out."""
        return msgspec.json.encode([each.incident for each in self.book.said]).decode()


@pytest.mark.parametrize("change", [CallChange.REVISED, CallChange.WITHDRAWN])
@pytest.mark.parametrize("lane", list(Lane))
def test_a_late_revision_is_refused_in_an_event(
    policy: Policy, change: CallChange, lane: Lane
) -> None:
    """Nobody falls silent and no text comes back, nor does it open another incident."""
    late = LongAgo(policy)
    revised = a_call(revision=2, lane=lane, text=MARK, place=Place(text=f"{MARK}路"))
    take_call(late.book, CallEvent(call=revised, change=change), None)

    assert [("refused", "purged")] == late.said
    assert MARK not in late.seen()


def test_a_late_record_of_a_unit_is_refused_in_an_event(policy: Policy) -> None:
    """A feed gets no 409; its words stay out of router, and it is no dead letter that would keep them."""
    late = LongAgo(policy)
    record = UnitFeedback(
        feedback_id=a_call("F").call_id,
        source="110",
        record_id="F1",
        call_id=a_call().call_id,
        root="C1",
        unit="xj-rescue",
        stamps=(FeedbackStamp(kind=FeedbackKind.ENDED, occurred_at=ENDED),),
        sheet=WORDS,
        recorded_at=ENDED,
    )
    refused = take_feedback(late.book, record, None)

    assert None is refused
    assert [("refused", "purged")] == late.said
    assert MARK not in late.seen()


def test_a_new_call_of_the_same_chain_is_dispatched_afresh(policy: Policy) -> None:
    """Even one received within the window in which it would have reopened a closed incident."""
    late = LongAgo(policy)
    again = a_call("C2", root="C1", received_at=ENDED + hours(1))
    take_call(late.book, CallEvent(call=again, change=CallChange.RECEIVED), None)
    [said] = late.book.said

    assert IncidentState.DISPATCHED == said.incident.state
    assert (late.opened.incident_id,) == said.incident.linked
