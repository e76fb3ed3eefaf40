"""Who may post what: the key, the source, and whether the record belongs to an exercise (演练)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.intake.domain.reading import Hotline
from shared.contracts.problems import Problem
from shared.runtime.keys import Keyring, Principal
from shared.runtime.tracing import trace_of
from shared.runtime.web import problem

EXERCISE_HEADER, EXERCISE_SCOPE = "x-exercise", "exercise"


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

    def admit(self, request: Request) -> Admitted | Response:
        """Return what the request may do, or the answer that refuses it."""
        who = self._keyring.of(request.headers.get("authorization"))
        if who is None:
            return problem(
                Problem.UNAUTHENTICATED, "send the source's key as Authorization: Bearer <key>"
            )
        source = request.path_params["source"]
        if not who.may(f"source:{source}"):
            return problem(Problem.FORBIDDEN, "this key does not speak for that source")
        hotline = self._hotlines.get(source)
        if hotline is None:
            return problem(Problem.NOT_FOUND, "the region pack has no such source")
        claimed = request.headers.get(EXERCISE_HEADER, "").lower() == "true"
        if claimed and not _drills(who):
            return problem(Problem.FORBIDDEN, "this key may not send exercises (scope exercise)")
        exercise = claimed or self._drill_mode()
        return Admitted(hotline, exercise, trace_of(request.scope))


def _drills(who: Principal) -> bool:
    return EXERCISE_SCOPE in who.scopes
