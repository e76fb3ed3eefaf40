"""The incidents a batch needs, in memory: what was read, what was decided, what is to be said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from services.router.domain import machine
from services.router.domain.changes import change
from services.router.domain.commands import Command, Hold, ReleaseHold, Transfer
from services.router.domain.opening import number, open_transferred
from services.router.domain.outcome import Decided, Outcome
from services.router.domain.policy import Policy
from shared.contracts.call import UnitFeedback
from shared.contracts.incident import Change, ChangeKind, Decision, Incident
from shared.contracts.refusals import Refusal

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class CallLink:
    """Which incident a call belongs to; None while it was not heard of itself (`revision` 0).

    `chain_id` is where further calls of the chain it is the root of belong, when that is another
    one. `version` guards the row, 0 for one not stored yet.
    """

    incident_id: UUID | None = None
    chain_id: UUID | None = None
    revision: int = 0
    version: int = 0

    @property
    def chain(self) -> UUID | None:
        """The incident a further call of this chain would join."""
        return self.chain_id or self.incident_id

    @property
    def own(self) -> UUID | None:
        """The incident that speaks for the call itself."""
        return self.incident_id or self.chain_id


@dataclass(frozen=True)
class Said:
    """One event: the state led to, its changes, and the trace of what caused it."""

    incident: Incident
    changes: tuple[Change, ...]
    trace: str | None


@dataclass
class Casebook:
    """Filled by a repository's load, changed by decisions, written by its save."""

    now: datetime
    policy: Policy
    serial: Callable[[date], int]
    incidents: dict[UUID, Incident] = field(default_factory=dict)
    links: dict[UUID, CallLink] = field(default_factory=dict)
    parked: dict[UUID, list[UnitFeedback]] = field(default_factory=dict)
    at_assignment: dict[UUID, UUID] = field(default_factory=dict)
    base_versions: dict[UUID, int] = field(default_factory=dict)
    relinked: dict[UUID, CallLink] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    decisions: list[tuple[Incident, Decision]] = field(default_factory=list)
    parked_now: list[UnitFeedback] = field(default_factory=list)
    unparked: list[UUID] = field(default_factory=list)
    holds: list[tuple[Incident, Hold | ReleaseHold, Change]] = field(default_factory=list)
    duties_now: list[tuple[UUID, UUID]] = field(default_factory=list)

    def tick(self) -> datetime:
        """Return the time of the next decision: no two of a batch are at the same instant."""
        self.now += _TICK
        return self.now

    def moment(self, incident: Incident) -> datetime:
        """Return the time of the next decision on *incident*: after all that was decided before.

        Clocks of two processes differ a little; which round of work a stamp belongs to must not.
        """
        stamps = (stamp.recorded_at for duty in incident.assignments for stamp in duty.stamps)
        taken_up = (duty.reworked_at for duty in incident.assignments if duty.reworked_at)
        return max([self.tick(), *(at + _TICK for at in (*stamps, *taken_up))])

    def numbered(self, received_at: datetime) -> str:
        """Return a fresh number of the local day of *received_at*."""
        pack = self.policy.pack
        day = received_at.astimezone(pack.region.zone).date()
        return number(pack, received_at, self.serial(day))

    def hold(self, incident: Incident) -> None:
        """Take in what was read."""
        self.incidents[incident.incident_id] = incident
        self.base_versions[incident.incident_id] = incident.version

    def link(self, call_id: UUID, incident_id: UUID | None, revision: int) -> None:
        """Say where a call belongs from now on; its chain goes with it."""
        before = self.links.get(call_id, CallLink())
        moved = before.chain_id in (before.incident_id, incident_id)
        self._relink(
            call_id,
            CallLink(
                incident_id,
                None if moved else before.chain_id,
                max(revision, before.revision),
                before.version,
            ),
        )

    def chain(self, root: UUID, incident_id: UUID) -> None:
        """Say where further calls of the chain of *root* belong."""
        before = self.links.get(root, CallLink())
        self._relink(
            root, CallLink(before.incident_id, incident_id, before.revision, before.version)
        )

    def _relink(self, call_id: UUID, after: CallLink) -> None:
        self.links[call_id] = self.relinked[call_id] = after

    def park(self, feedback: UnitFeedback) -> None:
        """Keep *feedback* until its call is known; its link row makes the two meet (§4.7)."""
        self.parked_now.append(feedback)
        self.parked.setdefault(feedback.call_id, []).append(feedback)
        # the row's version goes up: whoever opens the incident meanwhile decides again
        self.link(feedback.call_id, None, 0)

    def command(self, incident_id: UUID, command: Command, trace: str | None = None) -> Outcome:
        """Decide *command* on an incident that is held."""
        incident = self.incidents[incident_id]
        outcome = machine.decide(incident, command, self.moment(incident), self.policy)
        if isinstance(outcome, Decided):
            self.settle(outcome, trace)
            if isinstance(command, Hold | ReleaseHold) and outcome.changes:
                self.holds.append((outcome.incident, command, outcome.changes[0]))
            if isinstance(command, Transfer):
                self._go_on_elsewhere(outcome.incident, command, trace)
        return outcome

    def refuse(self, incident_id: UUID, reason: Refusal, by: str, trace: str | None) -> None:
        """Say that what came by a feed was refused: a feed gets no 409, the desk sees it all the same."""
        incident = self.incidents[incident_id]
        said = change(ChangeKind.REFUSED, self.moment(incident), by=by, reason=reason)
        self.settle(Decided(replace(incident, version=incident.version + 1), (said,)), trace)

    def settle(self, decided: Decided, trace: str | None) -> None:
        """Take over a decision; without changes there is nothing to say."""
        if not decided.changes:
            return
        incident = decided.incident
        record = incident.decision
        if record is not None and record.rejected:
            # alternatives are kept in the decision record, not repeated in every event
            self.decisions.append((incident, record))
            incident = replace(incident, decision=replace(record, rejected=()))
        before = self.incidents.get(incident.incident_id)
        known = {a.assignment_id for a in before.assignments} if before else set()
        self._register(incident, known)
        self.incidents[incident.incident_id] = incident
        self.said.append(Said(incident, decided.changes, trace))

    def _register(self, incident: Incident, known: Iterable[UUID]) -> None:
        new = (a.assignment_id for a in incident.assignments if a.assignment_id not in known)
        self.duties_now += [(duty, incident.incident_id) for duty in new]

    def _go_on_elsewhere(self, before: Incident, asked: Transfer, trace: str | None) -> None:
        now = self.tick()
        opened = open_transferred(before, asked.line, self.numbered(now), now, self.policy)
        self.settle(opened, trace)
        for ref in before.calls:
            self.link(ref.call_id, opened.incident.incident_id, ref.revision)
