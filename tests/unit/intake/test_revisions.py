"""New, repeated, revised, conflicting: told by the bodies alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.revisions import MAX_REMEMBERED, NOTHING, Known, Outcome, judge

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


def known(*digests: bytes) -> Known:
    """Return a record that was sent with these bodies, oldest first."""
    found = NOTHING
    for digest in digests:
        found = found.with_body(digest)
    return found


def test_the_first_body_is_revision_one() -> None:
    """202 with our ids."""
    assert (Outcome.RECEIVED, 1) == judge(NOTHING, A, strict=False, dated=False)


def test_the_same_body_is_a_repeat() -> None:
    """200 with the same ids, from a strict source too."""
    assert (Outcome.REPEATED, 1) == judge(known(A), A, strict=True, dated=False)


def test_another_body_is_the_next_revision() -> None:
    """Update times have one-second grain and cannot tell: the body does."""
    assert (Outcome.REVISED, 3) == judge(known(A, B), C, strict=False, dated=True)


def test_a_strict_source_may_not_change_its_body() -> None:
    """409 only where the source is configured strict."""
    assert (Outcome.CONFLICTING, 1) == judge(known(A), B, strict=True, dated=False)


def test_a_late_resend_of_an_older_body_does_not_undo_the_newer_one() -> None:
    """It bears its own update time, so it is that revision once more."""
    assert (Outcome.REPEATED, 1) == judge(known(A, B), A, strict=False, dated=True)


def test_a_change_taken_back_is_a_revision_where_no_time_tells_otherwise() -> None:
    """Undated, the newest word holds."""
    assert (Outcome.REVISED, 3) == judge(known(A, B), A, strict=False, dated=False)


_DIGESTS = st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=MAX_REMEMBERED + 20)


@given(_DIGESTS, st.booleans())
def test_revisions_rise_one_by_one_and_a_resend_never_makes_one(
    digests: list[bytes], dated: bool
) -> None:
    """Any sequence of bodies, each sent twice: the second time is always a repeat of the first."""
    state, newest = NOTHING, 0
    for digest in digests:
        outcome, revision = judge(state, digest, strict=False, dated=dated)
        if outcome is not Outcome.REPEATED:
            state, newest = state.with_body(digest), newest + 1
            assert newest == revision == state.revision
        assert (Outcome.REPEATED, revision) == judge(state, digest, strict=False, dated=dated)
    assert len(state.digests) <= MAX_REMEMBERED * 16
