"""Which committed rows may be published unread: the next version of an aggregate and nothing else."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import encode
from shared.runtime.events import pack_headers
from shared.runtime.store import OUTBOX, OutboxRow, Work
from shared.runtime.succession import MOST, Succession
from tests.engine import beat

ONE, OTHER = UUID(int=1), UUID(int=2)


def row(aggregate: UUID, version: int, *, topic: str = "out") -> OutboxRow:
    """Return what a commit of one event hands over."""
    work = Work()
    work.publish(beat(aggregate, version, topic=topic))
    (written,) = work.written([version])
    return written


def test_the_first_version_and_each_next_one_follow() -> None:
    """§3 versions: +1 per event of an aggregate, so nothing unread stands before these."""
    succession = Succession()

    assert [True, True, True] == [succession.follows(row(ONE, v)) for v in (1, 2, 3)]


def test_after_a_gap_nothing_follows_until_what_is_missing_was_read() -> None:
    """§4.4: version 2 was written by another instance and may still lie in the outbox."""
    succession = Succession()
    succession.follows(row(ONE, 1))

    assert not succession.follows(row(ONE, 3))
    succession.read(row(ONE, 2))
    assert succession.follows(row(ONE, 3))


def test_a_version_handed_twice_follows_once() -> None:
    """What was taken over is not taken over again."""
    succession = Succession()

    assert [True, False] == [succession.follows(row(ONE, 1)) for _ in range(2)]


def test_aggregates_and_topics_are_counted_apart() -> None:
    """A department's feed may begin at an incident's first version while `incident.*` is further on."""
    succession = Succession()
    succession.follows(row(ONE, 1))

    assert succession.follows(row(OTHER, 1))
    assert succession.follows(row(ONE, 1, topic="feed"))
    assert not succession.follows(row(OTHER, 2, topic="feed"))


def test_a_dead_letter_s_twin_never_follows() -> None:
    """It carries the headers of the event it was, but is no event of this service."""
    key, headers, value = encode(beat(ONE, 1, topic="in"))
    work = Work()
    work.put(OUTBOX, 0, "in.dead", key, pack_headers([*headers, ("dead_reason", b"crash")]), value)
    (twin,) = work.written([1])

    assert not Succession().follows(twin)


def test_the_oldest_aggregates_are_forgotten_and_read_again() -> None:
    """Bounded memory: one forgotten is not taken to be new at its next version."""
    succession = Succession()
    for number in range(MOST + 1):
        succession.follows(row(UUID(int=number + 10), 1))

    assert not succession.follows(row(UUID(int=10), 2))
    assert succession.follows(row(UUID(int=MOST + 10), 2))


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=40))
def test_what_follows_is_never_ahead_of_what_is_unread(steps: list[tuple[int, bool]]) -> None:
    """§4.4: with any mix of own and foreign commits, an aggregate's versions are taken over in order."""
    succession = Succession()
    written: dict[int, int] = {}
    unread: list[tuple[int, int]] = []
    published: list[tuple[int, int]] = []

    def read() -> None:
        for each in unread:
            succession.read(row(UUID(int=each[0] + 1), each[1]))
            published.append(each)
        unread.clear()

    for aggregate, own in steps:
        written[aggregate] = version = written.get(aggregate, 0) + 1
        if own and succession.follows(row(UUID(int=aggregate + 1), version)):
            published.append((aggregate, version))
        else:
            unread.append((aggregate, version))
            if own:
                read()
    read()

    for aggregate, last in written.items():
        assert list(range(1, last + 1)) == [v for a, v in published if a == aggregate]
