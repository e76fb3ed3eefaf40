"""Short words for telling what happens to an incident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.router.domain import machine
from services.router.domain.commands import Command, Report
from services.router.domain.outcome import Decided, Outcome, Refused
from services.router.domain.policy import Policy
from shared.contracts.call import Sheet
from shared.contracts.incident import Assignment, Incident, IncidentState, StampKind
from shared.contracts.refusals import Refusal
from tests.builders import T0

K = StampKind
DONE = Sheet(result="已处置")
WHOLE_DUTY = (K.ACKED, K.TURNED_OUT, K.ARRIVED, K.ENDED, K.FED_BACK)


class Story:
    """An incident and what happens to it, minute by minute unless told otherwise."""

    def __init__(self, incident: Incident, policy: Policy) -> None:
        self.incident = incident
        self.policy = policy
        self.now = T0
        self.kinds: list[str] = []

    def state(self) -> IncidentState:
        """Return where the incident stands."""
        return self.incident.state

    def at(self, now: datetime) -> Story:
        """Let it be *now*."""
        self.now = now
        return self

    def tries(self, command: Command) -> Outcome:
        """Decide without following."""
        return machine.decide(self.incident, command, self.now, self.policy)

    def does(self, command: Command) -> Story:
        """Follow a command that must not be refused."""
        outcome = self.tries(command)
        assert isinstance(outcome, Decided), f"{command} was refused: {outcome}"
        self.incident = outcome.incident
        self.kinds = [str(change.kind) for change in outcome.changes]
        return self

    def refused(self, command: Command) -> Refusal | None:
        """Return the named reason, None when it was not refused."""
        outcome = self.tries(command)
        return outcome.reason if isinstance(outcome, Refused) else None

    def reports(self, duty: Assignment, *kinds: StampKind, **fields: Any) -> Story:
        """Have a unit report *kinds*, each happening now."""
        for kind in kinds:
            self.does(self.report(duty, kind, **fields))
        return self

    def report(self, duty: Assignment, kind: StampKind, **fields: Any) -> Report:
        """Return the report of one stamp."""
        sheet = fields.pop("sheet", DONE if kind is K.FED_BACK else None)
        occurred = fields.pop("occurred_at", self.now)
        return Report(
            by=f"unit:{duty.unit}",
            assignment_id=duty.assignment_id,
            kind=kind,
            occurred_at=occurred,
            sheet=sheet,
            **fields,
        )

    def duty(self, unit: str) -> Assignment:
        """Return the newest duty of *unit*."""
        return [a for a in self.incident.assignments if a.unit == unit][-1]
