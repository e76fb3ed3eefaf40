"""Everything that can be asked of an incident: one struct per kind of command."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from shared.contracts.call import Call, Sheet
from shared.contracts.incident import HoldPurpose, StampKind, StampOrigin
from shared.contracts.values import Line


class Command(Struct, frozen=True, kw_only=True):
    """Asked by somebody: a key's name, a unit, or the source of a feed."""

    by: str


class Link(Command, frozen=True, kw_only=True):
    """A further call speaks of this incident (same source chain)."""

    call: Call


class Revise(Command, frozen=True, kw_only=True):
    """A call of this incident has a higher revision."""

    call: Call


class Withdraw(Command, frozen=True, kw_only=True):
    """A call of this incident was withdrawn by its source."""

    call: Call


class ProveUrgent(Command, frozen=True, kw_only=True):
    """A revision shows that the ordinary incident is urgent (row 4): it goes on in the other lane."""

    call: Call


class Report(Command, frozen=True, kw_only=True):
    """A unit's stamp, rows 6, 8 to 11 and 26; `sheet` goes with FED_BACK."""

    assignment_id: UUID
    kind: StampKind
    occurred_at: datetime
    origin: StampOrigin = StampOrigin.UNIT
    sheet: Sheet | None = None


class AskReturn(Command, frozen=True, kw_only=True):
    """退单: the unit says it is not its duty (row 7)."""

    assignment_id: UUID
    occurred_at: datetime
    reason: str = ""


class DecideReturn(Command, frozen=True, kw_only=True):
    """The desk decides on a return; `arbitrated` says that a second one was put to arbitration."""

    assignment_id: UUID
    granted: bool
    reason: str = ""
    unit: str | None = None
    arbitrated: bool = False


class SelfDispatch(Command, frozen=True, kw_only=True):
    """A unit handles it that nobody assigned (双轨制, P12)."""

    unit: str


class Release(Command, frozen=True, kw_only=True):
    """Row 22: no longer needed."""

    assignment_id: UUID
    reason: str = ""


class Reassign(Command, frozen=True, kw_only=True):
    """Row 23: the desk moves the duty to *unit*."""

    assignment_id: UUID
    unit: str
    reason: str = ""


class Activate(Command, frozen=True, kw_only=True):
    """Row 26: the desk calls a standby unit out."""

    assignment_id: UUID


class WaiveArrival(Command, frozen=True, kw_only=True):
    """Row 10: handled remotely, so that no arrival will be reported."""

    assignment_id: UUID
    reason: str = ""


class MarkRedundant(Command, frozen=True, kw_only=True):
    """Row 24: of two duties of one unit the older stays."""


class Invalidate(Command, frozen=True, kw_only=True):
    """Row 3: nothing that concerns the centre."""

    reason: str = ""


class Transfer(Command, frozen=True, kw_only=True):
    """Row 4: handed to the other hotline; the chain is kept."""

    line: Line
    reason: str = ""


class Cancel(Command, frozen=True, kw_only=True):
    """Row 21: nothing to handle."""

    reason: str = ""


class Check(Command, frozen=True, kw_only=True):
    """Rows 13 and 14: the finding of the checker or call-back officer.

    `units` are those the checker's key may speak for; `assignments` those to do again, the lead's
    when none is named.
    """

    passed: bool
    reason: str = ""
    units: tuple[str, ...] = ()
    assignments: tuple[UUID, ...] = ()


class Reopen(Command, frozen=True, kw_only=True):
    """Row 17."""

    reason: str = ""


class Hold(Command, frozen=True, kw_only=True):
    """留存: keep it past its retention, for evidence or for the assessment."""

    purpose: HoldPurpose
    reason: str = ""


class ReleaseHold(Command, frozen=True, kw_only=True):
    """It need not be kept for this purpose any more."""

    purpose: HoldPurpose
    reason: str = ""


class Purge(Command, frozen=True, kw_only=True):
    """Its retention has ended: place and text go (DOMAIN §7)."""


class Later(StrEnum):
    """Transitions of rows 15, 16, 18, 20, 25 and of merging, which come later."""

    SUSPEND = "suspend"
    EXTEND = "extend"
    BREACH = "breach"
    APPEAL = "appeal"
    MERGE = "merge"
    SPLIT = "split"


class Deferred(Command, frozen=True, kw_only=True):
    """A transition that is not built yet; always refused."""

    what: Later
