"""Past the outbox's ceiling ordinary calls are refused first, urgent ones later."""

from __future__ import annotations

import pytest

from services.intake.domain.ceiling import Ceiling, Waiting, admits
from shared.contracts.values import Lane

ORDINARY, URGENT = Ceiling(100, 10.0), Ceiling(500, 60.0)


@pytest.mark.parametrize(
    ("urgent", "ordinary", "admitted"),
    [
        ((0, 0.0), (100, 10.0), {Lane.URGENT, Lane.ORDINARY}),
        ((0, 0.0), (101, 0.0), {Lane.URGENT}),
        ((0, 0.0), (0, 10.1), {Lane.URGENT}),
        ((101, 0.0), (0, 0.0), {Lane.URGENT}),
        ((0, 0.0), (9_999, 9_999.0), {Lane.URGENT}),
        ((501, 0.0), (0, 0.0), set()),
        ((0, 60.1), (0, 0.0), set()),
    ],
)
def test_who_is_still_taken_in(
    urgent: tuple[int, float], ordinary: tuple[int, float], admitted: set[Lane]
) -> None:
    """ARCHITECTURE 4.4: a flood of orders never closes the door to a fire."""
    waiting = {Lane.URGENT: Waiting(*urgent), Lane.ORDINARY: Waiting(*ordinary)}

    assert admitted == {lane for lane in Lane if admits(lane, waiting, ORDINARY, URGENT)}
