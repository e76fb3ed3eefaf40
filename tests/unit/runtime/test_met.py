"""What may be taken to be new without a look."""

from __future__ import annotations

from uuid import UUID

from shared.runtime.met import Met

A, B, C = (UUID(int=n) for n in range(3))


def test_nothing_is_taken_to_be_new_before_something_was() -> None:
    """After a start everything may have been sent before."""
    assert not Met().none_of({A})


def test_what_was_not_met_is_new_while_only_new_ones_come() -> None:
    """The usual case: no look at all."""
    met = Met()
    met.found([A], known=False)

    assert met.none_of({B})
    assert not met.none_of({A, B})


def test_known_ones_end_the_guessing_until_all_are_new_again() -> None:
    """A hotline that sends everything anew would lose every guard."""
    met = Met()
    met.found([A], known=False)
    met.found([B], known=True)
    doubtful = not met.none_of({C})
    met.found([C], known=False)

    assert doubtful
    assert met.none_of({UUID(int=9)})


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    """Who is forgotten costs a lost guard, nothing else."""
    met = Met(remembered=2)
    met.found([A, B, C], known=False)

    assert met.none_of({A})
    assert not met.none_of({B})
    assert not met.none_of({C})
