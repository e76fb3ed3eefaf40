"""First in, first out per (incident, recipient) and channel; urgent first; one out at a time."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from msgspec.structs import replace

from services.notify.domain.line import Held, Line
from services.notify.domain.notice import Key
from shared.contracts.values import Lane
from tests.unit.notify.cases import an_incident, dispatched, event, told

ORDER = told(event(an_incident(), *dispatched("xj-rescue")))[0].order


def held(
    recipient: str = "xj-rescue", lane: Lane = Lane.URGENT, *, due: float = 0.0, alone: bool = False
) -> Held:
    """Return a notice nobody else has."""
    order = replace(ORDER, notice_id=uuid4(), recipient=recipient, lane=lane)
    return Held(order=order, cause=uuid4(), body=b"{}", queued=0.0, due=due, alone=alone)


def line_of(*notices: Held) -> Line:
    """Return a line with *notices* in it."""
    line = Line()
    for each in notices:
        line.add(each, 0.0)
    return line


def test_the_second_waits_until_the_first_is_answered() -> None:
    """One recipient hears of one incident in order."""
    first, second = held(), held()
    line = line_of(first, second)

    assert [first] == line.take(0.0, 10)
    assert [] == line.take(0.0, 10)
    line.done(first, 0.0)
    assert [second] == line.take(0.0, 10)


def test_one_that_is_tried_again_keeps_its_place() -> None:
    """A release cannot overtake the order it belongs to."""
    first, second = held(), held()
    line = line_of(first, second)
    line.take(0.0, 10)
    line.again(first, 5.0)

    assert [] == line.take(4.9, 10)
    assert 5.0 == line.next_due()
    assert [first] == line.take(5.0, 10)


def test_urgent_ones_leave_first() -> None:
    """Two lanes from the door to the notice: a flood of 12345 orders stands behind a fire."""
    flood = [held(f"u{n}", Lane.ORDINARY) for n in range(5)]
    fire = held("fire")
    line = line_of(*flood, fire)

    assert [fire, flood[0]] == line.take(0.0, 2)


def test_one_marked_alone_goes_alone() -> None:
    """After a batch was refused as a whole."""
    single, others = held("a", alone=True), [held("b"), held("c")]

    assert [[single], others] == [line.take(0.0, 9) for line in [line_of(single, *others)] * 2]


def test_what_is_out_is_not_taken_back() -> None:
    """It may be delivered at this moment: it is only marked."""
    first, second = held(), held()
    line = line_of(first, second)
    line.take(0.0, 10)

    assert line.overtaken(first.notice_id, "duty_over", 0.0) is None
    assert second is line.overtaken(second.notice_id, "duty_over", 0.0)
    assert ("duty_over", 1) == (first.pointless, len(line))


def test_the_next_goes_when_a_waiting_head_is_overtaken() -> None:
    """A dropped order does not hold up the release behind it."""
    first, second = held(due=9.0), held()
    line = line_of(first, second)
    line.overtaken(first.notice_id, "duty_over", 0.0)

    assert [second] == line.take(0.0, 10)


def test_the_same_notice_is_taken_in_once() -> None:
    """Handed over after the commit and found again in the ledger: one notice."""
    notice = held()

    assert 1 == len(line_of(notice, notice))


def test_a_late_answer_moves_nobody_who_came_in_meanwhile() -> None:
    """Forgotten during its request and adopted again: the answer is of the one before."""
    before = held()
    line = line_of(before)
    line.take(0.0, 10)
    line.done(before, 0.0)
    again = Held(order=before.order, cause=before.cause, body=b"{}", queued=1.0)
    line.add(again, 1.0)
    line.done(before, 2.0)

    assert [again] == line.take(2.0, 10)
    line.done(before, 3.0)
    line.again(before, 3.0)
    assert [] == line.take(3.0, 10)


class Comings(RuleBasedStateMachine):
    """Any order of adding, taking, answering, trying again and overtaking."""

    notices = Bundle("notices")

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.now = 0.0
        self.expected: dict[Key, list[UUID]] = defaultdict(list)
        self.out: dict[UUID, Held] = {}
        self.left: set[UUID] = set()

    @rule(target=notices, who=st.sampled_from("abc"), lane=st.sampled_from(Lane))
    def add(self, who: str, lane: Lane) -> Held:
        notice = held(who, lane)
        self.line.add(notice, self.now)
        self.expected[notice.key].append(notice.notice_id)
        return notice

    @rule(limit=st.integers(1, 4))
    def take(self, limit: int) -> None:
        for notice in self.line.take(self.now, limit):
            assert notice.notice_id == self.expected[notice.key][0]
            assert notice.notice_id not in self.out
            self.out[notice.notice_id] = notice

    @rule(notice=notices, wait=st.floats(0, 3))
    def answer_not_now(self, notice: Held, wait: float) -> None:
        if self.out.pop(notice.notice_id, None):
            self.line.again(notice, self.now + wait)

    @rule(notice=consumes(notices))
    def answer(self, notice: Held) -> None:
        if self.out.pop(notice.notice_id, None):
            self.line.done(notice, self.now)
            self._leave(notice)

    @rule(notice=notices)
    def overtake(self, notice: Held) -> None:
        if self.line.overtaken(notice.notice_id, "duty_over", self.now):
            self._leave(notice)

    @rule(step=st.floats(0.1, 5))
    def wait(self, step: float) -> None:
        self.now += step

    def _leave(self, notice: Held) -> None:
        self.expected[notice.key].remove(notice.notice_id)
        self.left.add(notice.notice_id)

    @invariant()
    def one_out_per_line(self) -> None:
        keys = [notice.key for notice in self.out.values()]
        assert len(keys) == len(set(keys))
        assert len(self.line) == sum(map(len, self.expected.values()))

    def teardown(self) -> None:
        for notice in list(self.out.values()):
            self.line.done(notice, self.now)
            self._leave(notice)
        while taken := self.line.take(self.now + 1000, 100):
            for notice in taken:
                self.line.done(notice, self.now + 1000)
                self._leave(notice)
        assert 0 == len(self.line)


TestComings = Comings.TestCase
TestComings.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
