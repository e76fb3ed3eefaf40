"""Who may post what: the key, the source, and whether the record belongs to an exercise (演练)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.intake.adapters.replies import Reply, refused
from services.intake.domain.reading import Hotline
from shared.contracts.problems import Problem
from shared.runtime.keys import Keyring, Principal

KEY_HEADER, EXERCISE_HEADER, EXERCISE_SCOPE = b"authorization", b"x-exercise", "exercise"

Headers = Mapping[bytes, bytes]
"""By their names in small letters, the first of several."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may post records of *hotline*."""

    hotline: Hotline
    exercise: bool
    trace: str


class Gate:
    """Checks the key before a byte of the body is read."""

    def __init__(
        self, keyring: Keyring, hotlines: Mapping[str, Hotline], drill_mode: Callable[[], bool]
    ) -> None:
        """*drill_mode* says whether platform time runs at another speed: then all is exercise."""
        self._keyring = keyring
        self._hotlines = hotlines
        self._drill_mode = drill_mode

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source that can be posted to."""
        return tuple(self._hotlines)

    def admit(self, source: str, headers: Headers, trace: str) -> Admitted | Reply:
        """Return what the request may do, or the answer that refuses it."""
        who = self._keyring.of(headers.get(KEY_HEADER, b"").decode("latin-1"))
        if who is None:
            return refused(
                Problem.UNAUTHENTICATED, "send the source's key as Authorization: Bearer <key>"
            )
        if not who.may(f"source:{source}"):
            return refused(Problem.FORBIDDEN, "this key does not speak for that source")
        hotline = self._hotlines.get(source)
        if hotline is None:
            return refused(Problem.NOT_FOUND, "the region pack has no such source")
        claimed = headers.get(EXERCISE_HEADER, b"").lower() == b"true"
        if claimed and not _drills(who):
            return refused(Problem.FORBIDDEN, "this key may not send exercises (scope exercise)")
        return Admitted(hotline, claimed or self._drill_mode(), trace)


def _drills(who: Principal) -> bool:
    return EXERCISE_SCOPE in who.scopes
