"""What is fired hours later still tells which call it goes back to."""

from __future__ import annotations

from typing import Any, cast

from services.sla.adapters.kept import decoded, encoded
from services.sla.adapters.timer import Timer
from services.sla.domain.deriving import derive
from services.sla.domain.firing import fire
from services.sla.domain.messages import said
from services.sla.handlers import Fired
from services.sla.ports import Due, Firing
from tests.parts import Lines
from tests.unit.sla.snapshots import RULES, T0, a_duty, an_incident, minutes

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE}-b7ad6b7169203331-01"


class StoppedClock:
    """Platform time that stands."""

    speed = 1.0

    def now(self) -> Any:
        """Return T0."""
        return T0


def test_a_firing_goes_on_under_the_trace_of_what_started_its_clock(lines: Lines) -> None:
    """Issue 3: the event carries it after the set was stored and read again, and the line does."""
    started = derive(None, an_incident(a_duty()), RULES, T0, SENT)
    kept = decoded(encoded(started.clocks))
    outcome = fire(kept, T0 + minutes(55))
    firing = Firing(kept, outcome)
    due = Due(now=T0, steps={kept.incident_id: T0}, sets=[kept], earliest=None)
    timer = Timer(cast("Any", None), cast("Any", StoppedClock()))
    timer._show(Fired(due, (firing,), 0))  # noqa: SLF001 - what the loop does after each firing

    assert SENT == said(started, T0).trace == said(outcome, T0).trace
    (line,) = lines()
    assert ("clocks fired", str(kept.incident_id), TRACE) == (
        line["event"], line["incident"], line["trace"],
    )  # fmt: skip


def test_a_snapshot_without_a_trace_keeps_the_older_one() -> None:
    """A step of the incident that no request caused does not lose where it began."""
    one = derive(None, an_incident(a_duty()), RULES, T0, SENT).clocks
    later = derive(one, an_incident(version=2), RULES, T0 + minutes(1), None)

    assert later.changes
    assert SENT == later.clocks.trace
