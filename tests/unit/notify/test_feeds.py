"""What a department's feed shows: its own units, the grid, the state; nothing else."""

from __future__ import annotations

from uuid import uuid4

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.notify.domain.feeds import Feeds, feeds_of
from services.notify.domain.view import View, seen
from shared.contracts import ids
from shared.contracts.incident import (
    AssignmentState,
    Change,
    ChangeKind,
    Incident,
    IncidentState,
    Role,
)
from shared.contracts.notice import FeedEntry, FeedState
from tests.unit.notify.cases import (
    CALLER_HASH,
    INCIDENT,
    PLACE,
    T0,
    a_duty,
    an_incident,
    assignment_of,
)

MEDICAL = a_duty("xj-medical", Role.SUPPORT)
CHANGES = (
    Change(kind=ChangeKind.RECEIVED, at=T0, by="119", reason="somebody said so"),
    Change(kind=ChangeKind.DISPATCHED, at=T0, assignment_id=assignment_of("xj-rescue")),
    Change(kind=ChangeKind.DISPATCHED, at=T0, assignment_id=assignment_of("xj-medical")),
)


def say(incident: Incident, before: View | None = None, *changes: Change) -> Feeds:
    """Return what the feeds must show after *incident*."""
    return feeds_of(changes or CHANGES, seen(before, incident), at=T0)


def entry_of(feeds: Feeds, department: str) -> FeedEntry:
    """Return the department's entry."""
    found = next(s.entry for s in feeds.said if s.department == department and s.entry)
    assert found is not None
    return found


def test_each_department_sees_its_own_units_only() -> None:
    """DOMAIN §7: minimal scope; changes of others' units are left out too."""
    feeds = say(an_incident(a_duty(), MEDICAL))
    fire, health = (entry_of(feeds, name) for name in ("fire", "health"))

    assert (["xj-rescue"], ["xj-medical"]) == (
        [a.unit for a in fire.assignments],
        [a.unit for a in health.assignments],
    )
    assert [None, assignment_of("xj-rescue")] == [c.assignment_id for c in fire.changes]


def test_an_entry_holds_neither_place_nor_caller_nor_narrative() -> None:
    """Place is reduced to the grid; who and why of a change stay inside."""
    feeds = say(an_incident(a_duty(), MEDICAL))

    for each in feeds.said:
        said = msgspec.json.encode(each.entry).decode()
        assert not [word for word in (PLACE, CALLER_HASH, "120.728", "somebody") if word in said]
        assert "331024001" in said


def test_nothing_is_said_while_the_redacted_state_is_the_same() -> None:
    """Another department's stamp, or another call, is no news."""
    before = say(an_incident(a_duty(), MEDICAL)).view
    acked = replace(MEDICAL, state=AssignmentState.ACKED)
    feeds = say(an_incident(a_duty(), acked, version=2), before)

    assert ["health"] == [s.department for s in feeds.said]
    assert [] == say(an_incident(a_duty(), acked, version=3), feeds.view).said


def test_versions_of_a_key_go_up_by_one() -> None:
    """Highest version wins: notify numbers its own entries."""
    view, versions = None, []
    for state in (AssignmentState.SENT, AssignmentState.ACKED, AssignmentState.ARRIVED):
        feeds = say(an_incident(a_duty(state=state)), view)
        view = feeds.view
        versions += [(s.version, s.entry.version if s.entry else None) for s in feeds.said]

    assert [(1, 1), (2, 2), (3, 3)] == versions


def test_a_department_that_loses_the_incident_hears_so_then_the_key_ends() -> None:
    """FEEDS: `withdrawn`, then a tombstone; once."""
    before = say(an_incident(a_duty(), MEDICAL)).view
    gone = replace(MEDICAL, state=AssignmentState.RELEASED)
    feeds = say(an_incident(a_duty(), gone, version=2), before)
    again = say(an_incident(a_duty(), gone, version=3), feeds.view)

    assert [("withdrawn", 2), ("ended", 3)] == [(s.change, s.version) for s in feeds.said]
    assert FeedState.WITHDRAWN is entry_of(feeds, "health").feed_state
    assert feeds.said[1].entry is None
    assert [] == again.said


def test_a_department_that_gets_it_again_goes_on_numbering() -> None:
    """After the tombstone a new entry stands above it."""
    view = say(an_incident(a_duty(), MEDICAL)).view
    view = say(an_incident(a_duty(), replace(MEDICAL, state=AssignmentState.RELEASED)), view).view
    feeds = say(an_incident(a_duty(), MEDICAL, version=3), view)

    assert [("health", 4)] == [(s.department, s.version) for s in feeds.said]


def test_a_merged_incident_says_where_it_went() -> None:
    """`merged`, with the incident it is part of now, then the tombstone."""
    into = uuid4()
    before = say(an_incident()).view
    merged = an_incident(state=IncidentState.DUPLICATE, merged_into=into, version=2)
    feeds = say(merged, before)

    assert (FeedState.MERGED, into) == (
        entry_of(feeds, "fire").feed_state,
        entry_of(feeds, "fire").merged_into,
    )
    assert feeds.said[-1].entry is None


def test_a_closed_incident_stays_readable_until_it_is_purged() -> None:
    """Retention's end leaves a bare tombstone."""
    view = say(an_incident()).view
    closed = say(an_incident(state=IncidentState.CLOSED), view)
    purged = say(an_incident(state=IncidentState.CLOSED, purged=True), closed.view)

    assert FeedState.CURRENT is entry_of(closed, "fire").feed_state
    assert [(3, None)] == [(s.version, s.entry) for s in purged.said]


def test_the_aggregate_is_the_departments_own() -> None:
    """Each feed key has a version line of its own."""
    feeds = say(an_incident(a_duty(), MEDICAL))

    assert {ids.feed_id(INCIDENT, d) for d in ("fire", "health")} == {
        s.aggregate for s in feeds.said
    }


STATES = st.sampled_from(list(AssignmentState))
STEPS = st.lists(
    st.tuples(STATES, STATES, st.sampled_from(list(IncidentState)), st.booleans()), max_size=8
)


@given(STEPS)
def test_a_reader_who_keeps_the_highest_version_always_has_the_truth(
    steps: list[tuple[AssignmentState, AssignmentState, IncidentState, bool]],
) -> None:
    """The feed's contract: per key versions rise by one, the last record shows the present state."""
    view, versions, last = None, {"fire": 0, "health": 0}, dict[str, FeedEntry | None]()
    for one, other, state, merged in steps:
        incident = an_incident(
            a_duty(state=one),
            replace(MEDICAL, state=other),
            state=state,
            merged_into=uuid4() if merged else None,
        )
        feeds = say(incident, view)
        view = feeds.view
        for said in feeds.said:
            assert versions[said.department] + 1 == said.version
            versions[said.department], last[said.department] = said.version, said.entry
        for department, duty in (("fire", one), ("health", other)):
            entry = last.get(department)
            assert entry is None or (entry.state, entry.assignments[0].state) == (state, duty)
