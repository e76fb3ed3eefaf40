"""The feeds read back: whatever a zombie publishes late, each key ends with its newest version."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.notify.domain.feeds import Said, feeds_of, newest
from services.notify.domain.readback import Read, late, moved, read, rewrites
from services.notify.domain.view import FeedSaid, View, seen
from shared.contracts import ids
from shared.contracts.incident import AssignmentState, Change, ChangeKind, IncidentState
from tests.unit.notify.cases import INCIDENT, T0, a_duty, an_incident, assignment_of, minutes

KEY = ids.feed_id(INCIDENT, "fire")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(list(AssignmentState)),
        st.sampled_from([IncidentState.DISPATCHED, IncidentState.CLOSED]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def history(
    steps: list[tuple[AssignmentState, IncidentState, bool]],
) -> Iterator[tuple[View, list[Said]]]:
    """Yield the view and what the fire department's feed says after each step; each has its change."""
    view: View | None = None
    for minute, (state, of_incident, purged) in enumerate(steps):
        incident = an_incident(a_duty(state=state), state=of_incident, purged=purged)
        change = Change(
            kind=ChangeKind.DISPATCHED,
            at=T0 + minutes(minute),
            assignment_id=assignment_of("xj-rescue"),
        )
        trace = f"00-{minute:032x}-{minute:016x}-01"
        feeds = feeds_of((change,), seen(view, incident), at=change.at, trace=trace)
        view = feeds.view
        yield view, [s for s in feeds.said if s.department == "fire"]


def after(versions: list[int], marks: dict[UUID, int], view: View) -> list[Said]:
    """Return what is said again after *versions* were read in one go; moves the marks on."""
    found: Read | None = None
    for version in versions:
        found = read(found, INCIDENT, "fire", version)
    assert found is not None
    again = rewrites(late([found], marks), marks, {INCIDENT: view})
    marks |= moved([found], marks)
    return again


def at_version(version: int) -> View:
    """Return a view whose fire department's feed last said *version*."""
    (view, _), *_ = history([(AssignmentState.SENT, IncidentState.DISPATCHED, False)])
    return replace(view, feeds={"fire": replace(view.feeds["fire"], version=version)})


def test_an_older_record_behind_a_newer_one_is_overwritten() -> None:
    """§4.5: readers that only look at the last record of a key must find the newest."""
    again = after([3], {KEY: 5}, at_version(5))

    assert [(KEY, 5)] == [(said.aggregate, said.version) for said in again]


def test_an_older_record_before_a_newer_one_is_no_fault() -> None:
    """That is how the log grows."""
    assert [] == after([1, 2, 3], {}, at_version(3))


def test_a_newer_version_on_its_way_puts_it_right_by_itself() -> None:
    """Said again now it would only be one more record; what comes is the newest."""
    assert [] == after([2], {KEY: 3}, at_version(4))


def test_what_the_database_does_not_know_is_left_alone() -> None:
    """No view, no version, or a feed above the record (a database restored): no endless rewriting."""
    lost = replace(at_version(1), feeds={})
    spoiled = [Read(INCIDENT, "fire", 1, 7)]

    assert [] == rewrites(spoiled, {}, {})
    assert [] == rewrites(spoiled, {}, {INCIDENT: lost})
    assert [] == rewrites(spoiled, {}, {INCIDENT: at_version(5)})


def test_a_foreign_record_does_not_stay_last() -> None:
    """Whatever is no record of ours counts as the oldest of all."""
    assert [5] == [said.version for said in after([5, 0], {}, at_version(5))]


def test_a_keys_first_record_needs_no_mark() -> None:
    """Nothing of ours can stand in front of it; what is foreign counts as read before it all the same."""
    first, third = read(None, INCIDENT, "fire", 1), read(None, INCIDENT, "fire", 3)

    assert {} == moved([first], {})
    assert {KEY: 3} == moved([third], {})
    assert {} == moved([third], {KEY: 3})
    assert [1] == [said.version for said in after([0], {}, at_version(1))]


def test_a_tombstone_is_said_again_too() -> None:
    """A zombie that revives an ended key would keep it for ever."""
    gone = replace(at_version(1), feeds={"fire": FeedSaid(version=4, gone=True, at=T0)})
    (again,) = after([2], {KEY: 4}, gone)

    assert ("ended", None, 4) == (again.change, again.entry, again.version)


def test_a_document_older_than_its_fields_says_nothing() -> None:
    """An entry without its line and time of receipt would be a wrong one: the next event heals."""
    old = replace(at_version(2), received_at=None)

    assert newest(old, "fire") is None


@given(STEPS)
def test_the_view_makes_the_last_record_again(
    steps: list[tuple[AssignmentState, IncidentState, bool]],
) -> None:
    """One id, one content: entry, changes, name of the change, tombstone, its time and trace."""
    last: Said | None = None
    for view, said in history(steps):
        last = said[-1] if said else last

        assert last == newest(view, "fire")


@given(STEPS, st.data())
def test_after_any_late_records_the_last_one_is_the_newest(
    steps: list[tuple[AssignmentState, IncidentState, bool]], data: st.DataObject
) -> None:
    """Late records anywhere, read in goes of any size: the log settles, with at most one more each."""
    log: list[int] = []
    late_ones = done = 0
    marks: dict[UUID, int] = {}
    view = None
    for view, said in history(steps):
        log += [each.version for each in said]
        older = data.draw(st.lists(st.integers(0, max(log, default=0)), max_size=2))
        late_ones += len([version for version in older if version < max(log, default=0)])
        log += older
        upto = data.draw(st.integers(done, len(log)))
        if upto > done:
            log += [each.version for each in after(log[done:upto], marks, view)]
            done = upto
    written = len(log)
    while done < len(log):
        assert view is not None
        done, todo = len(log), log[done:]
        log += [each.version for each in after(todo, marks, view)]

    newest_said = view.feeds["fire"].version if view and "fire" in view.feeds else 0
    assert not log or log[-1] == newest_said == max(log)
    assert len(log) - written <= late_ones
