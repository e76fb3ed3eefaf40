"""The errors that steer a consumer or a command; everything else crashes it, uncommitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.runtime.events import Event


class InvalidEvent(Exception):
    """This one event can never be handled: dead-letter it with *reason* and go on."""

    def __init__(self, reason: str, detail: str, *, event: Event) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.event = event


class Unavailable(Exception):
    """A part we need is away (PostgreSQL, a gateway): nothing was committed, try again later.

    `unknown` is set when a commit was cut off: look at the record before doing it again.
    """

    def __init__(self, what: str, *, unknown: bool = False) -> None:
        super().__init__(what)
        self.unknown = unknown


class GuardLost(Exception):
    """Somebody else changed what this work had read; nothing was written. Load and decide again."""

    def __init__(self, guard: str) -> None:
        super().__init__(f"guard {guard} lost")
        self.guard = guard


class TooLarge(ValueError):
    """An event above the limit was refused when written: the decision must be smaller."""


class Halt(Exception):
    """A consumer must stop and wait for a person: the message says what to do.

    `standing` stays the same while it lasts (a message may tell of a log that goes on): who looks
    again every few seconds compares that, and says it once.
    """

    def __init__(self, message: str, *, standing: str | None = None) -> None:
        super().__init__(message)
        self.standing = message if standing is None else standing
