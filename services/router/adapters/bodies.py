"""Bodies of commands, and what each becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from services.router.domain import commands
from shared.contracts.call import Sheet
from shared.contracts.incident import HoldPurpose, StampKind, StampOrigin
from shared.contracts.values import Instant, Line
from shared.runtime.keys import Principal

Reason = Annotated[str, Meta(min_length=1, max_length=200)]
_UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What JSON can spell and no text column can hold (NUL, half a surrogate), and other control codes."""
_NUMBERS_OF_PEOPLE = re.compile(r"(?<!\d)(?:\d[ -]?){6,17}[\dXx](?!\d)")


class Moment(Struct, frozen=True, kw_only=True):
    """A unit's stamp: when it happened, with an offset."""

    occurred_at: Instant


class SheetBody(Moment, frozen=True, kw_only=True):
    """A formal feedback sheet, or a progress sheet (`sheet.progress`)."""

    sheet: Sheet


class ReturnBody(Moment, frozen=True, kw_only=True):
    """退单."""

    reason: Reason


class Because(Struct, frozen=True, kw_only=True):
    """A decision of the desk on the whole incident."""

    reason: Reason


class OfAssignment(Struct, frozen=True, kw_only=True):
    """A decision of the desk on one assignment, named here or by the path."""

    assignment_id: UUID | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class ReassignBody(OfAssignment, frozen=True, kw_only=True):
    """To which unit the duty moves."""

    unit: str


class DecideReturnBody(OfAssignment, frozen=True, kw_only=True):
    """Granted or not, and who takes over."""

    granted: bool
    unit: str | None = None
    arbitrated: bool = False


class HoldBody(Because, frozen=True, kw_only=True):
    """What it is kept for past its retention, or need not be kept for any more."""

    purpose: Literal["evidence", "assessment"]


class TransferBody(Because, frozen=True, kw_only=True):
    """The line it goes to."""

    line: Line


class VerifyBody(Struct, frozen=True, kw_only=True):
    """A checker's finding; `assignments` name the duties to do again."""

    passed: bool
    reason: Annotated[str, Meta(max_length=200)] = ""
    assignments: tuple[UUID, ...] = ()


class ReworkBody(Because, frozen=True, kw_only=True):
    """What has to be done again: the lead's duty where none is named."""

    assignments: tuple[UUID, ...] = ()


class Nothing(Struct, frozen=True):
    """An action that needs no words."""


class Action(Struct, frozen=True):
    """How one command is read: its body, and what it asks for."""

    body: type[Struct]
    build: Callable[[Principal, UUID, Any], commands.Command]


def scrubbed(text: str) -> str:
    """Mask what looks like a phone or identity number: it does not belong in an event."""
    return _NUMBERS_OF_PEOPLE.sub("***", _UNKEPT.sub("", text))


def _stamp(kind: StampKind) -> Action:
    return Action(
        Moment,
        lambda who, target, body: commands.Report(
            by=who.name,
            assignment_id=target,
            kind=kind,
            occurred_at=body.occurred_at,
            origin=_origin(who),
        ),
    )


def _origin(who: Principal) -> StampOrigin:
    """The desk may put down what a unit told it by phone; figures show that apart."""
    return StampOrigin.UNIT if who.granted("unit") else StampOrigin.DESK


def _sheet(who: Principal, target: UUID, body: SheetBody) -> commands.Command:
    sheet = body.sheet
    masked = replace(
        sheet,
        result=scrubbed(sheet.result),
        text=scrubbed(sheet.text),
        follow_up_unit=sheet.follow_up_unit and scrubbed(sheet.follow_up_unit),
        follow_up_post=sheet.follow_up_post and scrubbed(sheet.follow_up_post),
        progress_reason=sheet.progress_reason and scrubbed(sheet.progress_reason),
    )
    return commands.Report(
        by=who.name,
        assignment_id=target,
        kind=StampKind.FED_BACK,
        occurred_at=body.occurred_at,
        origin=_origin(who),
        sheet=masked,
    )


def _return(who: Principal, target: UUID, body: ReturnBody) -> commands.Command:
    return commands.AskReturn(
        by=who.name,
        assignment_id=target,
        occurred_at=body.occurred_at,
        reason=scrubbed(body.reason),
    )


UNIT_ACTIONS: dict[str, Action] = {
    "ack": _stamp(StampKind.ACKED),
    "turn-out": _stamp(StampKind.TURNED_OUT),
    "assemble": _stamp(StampKind.ASSEMBLED),
    "arrive": _stamp(StampKind.ARRIVED),
    "end": _stamp(StampKind.ENDED),
    "sheet": Action(SheetBody, _sheet),
    "return": Action(ReturnBody, _return),
}
"""Last part of `/v1/assignments/{assignment_id}/…`."""


def _of_assignment(kind: Callable[..., commands.Command], body: type[Struct]) -> Action:
    def build(who: Principal, target: UUID, asked: Any) -> commands.Command:
        fields = msgspec.structs.asdict(asked)
        fields["assignment_id"] = asked.assignment_id or target
        fields["reason"] = scrubbed(asked.reason)
        return kind(by=who.name, **fields)

    return Action(body, build)


def _of_incident(kind: Callable[..., commands.Command]) -> Action:
    return Action(Because, lambda who, _, b: kind(by=who.name, reason=scrubbed(b.reason)))


def _activate(who: Principal, target: UUID, body: OfAssignment) -> commands.Command:
    return commands.Activate(by=who.name, assignment_id=body.assignment_id or target)


def _of_hold(kind: type[commands.Hold | commands.ReleaseHold]) -> Action:
    def build(who: Principal, _: UUID, asked: HoldBody) -> commands.Command:
        purpose = HoldPurpose(asked.purpose)
        return kind(by=who.name, purpose=purpose, reason=scrubbed(asked.reason))

    return Action(HoldBody, build)


def _transfer(who: Principal, _: UUID, body: TransferBody) -> commands.Command:
    return commands.Transfer(by=who.name, line=body.line, reason=scrubbed(body.reason))


def _checked(who: Principal, body: Any, *, passed: bool) -> commands.Command:
    return commands.Check(
        by=who.name,
        passed=passed,
        reason=scrubbed(body.reason),
        units=who.granted("unit"),
        assignments=getattr(body, "assignments", ()),
    )


def _later(what: commands.Later) -> Action:
    return Action(Nothing, lambda who, _, __: commands.Deferred(by=who.name, what=what))


DESK_ON_ASSIGNMENTS: dict[str, Action] = {
    "release": _of_assignment(commands.Release, OfAssignment),
    "reassign": _of_assignment(commands.Reassign, ReassignBody),
    "activate": Action(OfAssignment, _activate),
    "waive-arrival": _of_assignment(commands.WaiveArrival, OfAssignment),
    "decide-return": _of_assignment(commands.DecideReturn, DecideReturnBody),
}
"""What only the desk does to `/v1/assignments/{assignment_id}/…`."""

DESK_ACTIONS: dict[str, Action] = {
    **DESK_ON_ASSIGNMENTS,
    "cancel": _of_incident(commands.Cancel),
    "invalid": _of_incident(commands.Invalidate),
    "reopen": _of_incident(commands.Reopen),
    "transfer": Action(TransferBody, _transfer),
    "verify": Action(VerifyBody, lambda who, _, b: _checked(who, b, passed=b.passed)),
    "check": Action(VerifyBody, lambda who, _, b: _checked(who, b, passed=b.passed)),
    "close": Action(Because, lambda who, _, b: _checked(who, b, passed=True)),
    "rework": Action(ReworkBody, lambda who, _, b: _checked(who, b, passed=False)),
    "hold": _of_hold(commands.Hold),
    "release-hold": _of_hold(commands.ReleaseHold),
    "suspend": _later(commands.Later.SUSPEND),
    "extend": _later(commands.Later.EXTEND),
    "appeal": _later(commands.Later.APPEAL),
    "merge": _later(commands.Later.MERGE),
    "split": _later(commands.Later.SPLIT),
}
"""Last part of `/v1/incidents/{incident_id}/…`."""
