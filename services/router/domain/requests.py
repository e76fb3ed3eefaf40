"""Commands as they come through a door, and what they are answered."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from services.router.domain.commands import Command
from services.router.domain.duties import duty_of
from shared.contracts.incident import AssignmentState, Incident, IncidentState
from shared.contracts.problems import Problem
from shared.contracts.refusals import Refusal


class Request(Struct, frozen=True, kw_only=True):
    """A command as it came through a door: who, under which id, of what.

    `units` are those the key speaks for, None for the desk; `digest` is of path and body.
    Either `incident_id` or `assignment_id` says what it is about.
    """

    caller: str
    command_id: str
    digest: bytes
    command: Command
    incident_id: UUID | None = None
    assignment_id: UUID | None = None
    units: tuple[str, ...] | None = None
    trace: str | None = None


class Done(Struct, frozen=True, kw_only=True):
    """What the command led to; `changed` is false where it told nothing new."""

    incident_id: UUID
    number: str
    version: int
    state: IncidentState
    changed: bool
    assignment_id: UUID | None = None
    assignment_state: AssignmentState | None = None


class NotDone(Struct, frozen=True, kw_only=True):
    """Why not: the problem, and the named reason of a refused transition."""

    problem: Problem
    reason: Refusal | None = None


Answer = bytes | NotDone
"""The encoded `Done`, stored and replayed, or what stands in its way (a refusal may be tried again)."""


def may(incident: Incident, request: Request) -> bool:
    """A unit's key is bound to its own assignments."""
    if request.units is None:
        return True
    duty = duty_of(incident, request.assignment_id) if request.assignment_id else None
    return duty is not None and (duty.unit in request.units or "*" in request.units)


def done(before: Incident, after: Incident, request: Request) -> Done:
    """Return what the command led to."""
    assignment_id = request.assignment_id or getattr(request.command, "assignment_id", None)
    duty = duty_of(after, assignment_id) if assignment_id else None
    return Done(
        incident_id=after.incident_id,
        number=after.number,
        version=after.version,
        state=after.state,
        changed=after.version != before.version,
        assignment_id=duty.assignment_id if duty else None,
        assignment_state=duty.state if duty else None,
    )
