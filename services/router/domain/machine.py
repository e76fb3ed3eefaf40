"""The state machine of DOMAIN §3 as one table: which command is which row, and from which states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from services.router.domain import (
    call_rows,
    commands,
    desk_rows,
    incident_rows,
    retention,
    unit_rows,
)
from services.router.domain.outcome import Decided, Outcome, Refused
from services.router.domain.policy import Policy
from shared.contracts.incident import Incident, IncidentState
from shared.contracts.refusals import Refusal

State = IncidentState
ANY = frozenset(State)
OPEN = frozenset({State.RECEIVED, State.ACCEPTED, *unit_rows.BEING_HANDLED})
UNFINISHED = OPEN | {State.HANDLED, State.VERIFYING}


class Row(NamedTuple):
    """The rows of DOMAIN §3 a command stands for, the states it may meet, and what it does."""

    number: str
    states: frozenset[State]
    decide: Callable[[Incident, Any, datetime, Policy], Outcome]


def _not_yet(incident: Incident, asked: object, now: datetime, policy: Policy) -> Outcome:
    del incident, asked, now, policy
    return Refused(Refusal.NOT_YET)


TABLE: dict[type[commands.Command], Row] = {
    commands.Link: Row("1, 17", ANY - call_rows.NEVER_HANDLED, call_rows.link),
    commands.Revise: Row("5", ANY, call_rows.revise),
    commands.ProveUrgent: Row("4", ANY, call_rows.prove_urgent),
    commands.Withdraw: Row("21", ANY, call_rows.withdraw),
    commands.Report: Row("6, 8-12, 19, 26", ANY, unit_rows.report),
    commands.AskReturn: Row("7", OPEN, unit_rows.ask_return),
    commands.SelfDispatch: Row("5", ANY, unit_rows.self_dispatch),
    commands.DecideReturn: Row("7", OPEN, desk_rows.decide_return),
    commands.Release: Row("22, 26", UNFINISHED, desk_rows.release),
    commands.Reassign: Row("23", OPEN, desk_rows.reassign),
    commands.Activate: Row("26", OPEN, desk_rows.activate),
    commands.WaiveArrival: Row("10", OPEN, desk_rows.waive_arrival),
    commands.MarkRedundant: Row("24", UNFINISHED, desk_rows.mark_redundant),
    commands.Invalidate: Row(
        "3",
        frozenset({State.RECEIVED, State.ACCEPTED, State.DISPATCHED}),
        incident_rows.invalidate,
    ),
    commands.Transfer: Row("4", OPEN, incident_rows.transfer),
    commands.Cancel: Row("21", UNFINISHED, incident_rows.cancel),
    commands.Check: Row("13, 14", frozenset({State.VERIFYING}), incident_rows.check),
    commands.Reopen: Row("17", frozenset({State.CLOSED}), incident_rows.reopen),
    commands.Hold: Row("retention", ANY, retention.hold),
    commands.ReleaseHold: Row("retention", ANY, retention.release_hold),
    commands.Purge: Row("retention", call_rows.FINISHED, retention.purge),
    commands.Deferred: Row("15, 16, 18, 20, 25", ANY, _not_yet),
}
"""Rows 1, 2 and 5 of a new incident are `opening.open_incident`: there is no state before it."""

DESK = frozenset(
    {
        commands.DecideReturn,
        commands.Release,
        commands.Reassign,
        commands.Activate,
        commands.WaiveArrival,
        commands.Invalidate,
        commands.Transfer,
        commands.Cancel,
        commands.Check,
        commands.Reopen,
    }
)
"""What only the duty desk decides: it has looked at the incident then (`awaiting`)."""


def decide(incident: Incident, command: commands.Command, now: datetime, policy: Policy) -> Outcome:
    """Return what *command* comes to at *now* (UTC): one decision, one version; or why not."""
    return versioned(incident, step(incident, command, now, policy))


def step(incident: Incident, command: commands.Command, now: datetime, policy: Policy) -> Outcome:
    """Look *command* up in the table and apply its row; the version stays.

    A purged incident takes nothing any more: place and text must not come back to it.
    """
    if incident.purged:
        again = isinstance(command, commands.Purge)
        return Decided(incident) if again else Refused(Refusal.PURGED)
    row = TABLE[type(command)]
    if incident.state not in row.states:
        over = incident.state in call_rows.FINISHED
        return Refused(Refusal.INCIDENT_OVER if over else Refusal.WRONG_STATE)
    outcome = row.decide(incident, command, now, policy)
    if type(command) not in DESK or isinstance(outcome, Refused) or not outcome.incident.attention:
        return outcome
    return Decided(replace(outcome.incident, attention=()), outcome.changes)


def versioned(before: Incident, outcome: Outcome) -> Outcome:
    """Number the outcome: the next version where something changed, else the state as it was."""
    if isinstance(outcome, Refused):
        return outcome
    if not outcome.changes:
        return Decided(before)
    return Decided(replace(outcome.incident, version=before.version + 1), outcome.changes)
