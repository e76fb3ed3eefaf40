"""Who keeps a call, and what is left of it once nobody does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.intake.adapters.replies import taken
from services.intake.domain.cases import Case, CaseState, cases_of, news, without_place_and_text
from services.intake.domain.revisions import Known, Outcome, judge
from services.intake.handlers import Answer
from shared.contracts import ids
from shared.contracts.call import Place
from shared.contracts.incident import IncidentState
from tests.builders import a_call, an_incident, an_incident_id

CALL, HERE = a_call().call_id, an_incident_id()
HEIR = ids.incident_id(HERE)
OPEN, PURGED, CLEARED = CaseState.OPEN, CaseState.PURGED, CaseState.CLEARED


@pytest.mark.parametrize(
    ("fields", "cases"),
    [
        ({}, {HERE: OPEN}),
        ({"state": IncidentState.CLOSED}, {HERE: OPEN}),
        ({"state": IncidentState.CLOSED, "purged": True}, {HERE: PURGED}),
        ({"state": IncidentState.TRANSFERRED}, {HERE: OPEN, HEIR: OPEN}),
        ({"state": IncidentState.TRANSFERRED, "purged": True}, {HERE: PURGED, HEIR: OPEN}),
        (
            {"state": IncidentState.DUPLICATE, "purged": True, "merged_into": CALL},
            {HERE: PURGED, CALL: OPEN},
        ),
    ],
)
def test_a_call_is_kept_by_every_incident_that_speaks_of_it(
    fields: dict[str, Any], cases: dict[Any, CaseState]
) -> None:
    """A transferred or merged one is not the last: the one it goes on in keeps the call too."""
    found = cases_of(an_incident(**fields))

    assert {Case(CALL, incident): state for incident, state in cases.items()} == found


@pytest.mark.parametrize(
    ("heard", "known", "told"),
    [
        (OPEN, None, OPEN),
        (PURGED, None, PURGED),
        (PURGED, OPEN, PURGED),
        (OPEN, OPEN, None),
        (OPEN, PURGED, None),
        (OPEN, CLEARED, None),
        (PURGED, CLEARED, None),
    ],
)
def test_a_purge_is_never_taken_back(
    heard: CaseState, known: CaseState | None, told: CaseState | None
) -> None:
    """Older events that are heard again change nothing."""
    case = Case(CALL, HERE)

    assert ({case: told} if told else {}) == news({case: heard}, {case: known} if known else {})


def test_what_is_left_of_a_call() -> None:
    """Number, kind, grid and times; neither words nor place nor anything of the caller."""
    place = Place(
        area="331024001",
        at_seat=True,
        text="甲路1号",
        longitude=120.7,
        latitude=28.8,
        original=(120.71, 28.81),
        original_system="gcj02",
    )
    call = a_call(text="甲某", place=place, contact="70c3", caller="4a54")
    left = without_place_and_text(call)
    seen = msgspec.json.encode(left).decode()

    assert [] == [word for word in ("甲", "120.7", "28.8", "70c3", "4a54") if word in seen]
    assert replace(
        call, text="", place=Place(area="331024001", at_seat=True), contact=None, caller=None
    ) == left  # fmt: skip


@pytest.mark.parametrize("strict", [False, True])
def test_a_purged_call_takes_no_further_body(strict: bool) -> None:
    """Its known bodies are repeats all the same: the sender is told once more that we had it."""
    old, new = b"o" * 16, b"n" * 16
    known = Known(1, old, purged=True)

    assert (Outcome.REPEATED, 1) == judge(known, old, strict=strict, dated=False)
    assert (Outcome.PURGED, 1) == judge(known, new, strict=strict, dated=True)


def test_the_door_says_that_it_is_gone() -> None:
    """410 with the named reason: sending it again is no use, a record of its own is."""
    reply = taken(Answer(Outcome.PURGED, CALL, 1), "call_id")

    assert ("purged", 410) == (reply.word, reply.status)
    assert b"urn:liandong:problem:purged" in reply.body
