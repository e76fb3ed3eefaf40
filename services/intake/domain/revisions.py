"""Whether a record is new, a repeat, a revision or in conflict: idempotency without timestamps."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

DIGEST_BYTES = 16
MAX_REMEMBERED = 32
"""Digests kept of one record: a resend of an older body than that counts as a revision."""


class Outcome(StrEnum):
    """What became of a record; the same word stands in the answer, the metric and the event."""

    RECEIVED = "received"
    REVISED = "revised"
    REPEATED = "repeated"
    CONFLICTING = "conflicting_body"
    PURGED = "purged"


class Known(Struct, frozen=True):
    """A record we have: its newest revision, and the bodies' digests, oldest first.

    Of a *purged* one nothing but these is left, and nothing more is taken in.
    """

    revision: int
    digests: bytes
    purged: bool = False

    def with_body(self, digest: bytes) -> Known:
        """Return what is known once a new body was taken in."""
        kept = (self.digests + digest)[-MAX_REMEMBERED * DIGEST_BYTES :]
        return Known(self.revision + 1, kept)

    def revision_of(self, digest: bytes) -> int | None:
        """Return the revision a body made, the newest if it made several."""
        each = [
            self.digests[at : at + DIGEST_BYTES] for at in range(0, len(self.digests), DIGEST_BYTES)
        ]
        ages = (age for age, known in enumerate(reversed(each)) if known == digest)
        age = next(ages, None)
        return None if age is None else self.revision - age


NOTHING = Known(0, b"")


def judge(known: Known, digest: bytes, *, strict: bool, dated: bool) -> tuple[Outcome, int]:
    """Return what *digest*'s body is to a *known* record, and the revision it is or becomes.

    The newest body again is a repeat. An older one again is a late resend if the record bears its
    own update time (*dated*), else the source took its change back, which is a revision.
    """
    if known.revision == 0:
        return Outcome.RECEIVED, 1
    made = known.revision_of(digest)
    if made == known.revision or (made is not None and dated):
        return Outcome.REPEATED, made
    if known.purged:
        return Outcome.PURGED, known.revision
    if strict:
        return Outcome.CONFLICTING, known.revision
    return Outcome.REVISED, known.revision + 1
