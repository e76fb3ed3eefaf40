"""Appeals 申诉: a unit disputes a mark, a second person decides (DOMAIN §3, row 20)."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.values import Instant, OpenEnum


class AppealState(OpenEnum):
    """Where an appeal stands."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


class AppealGround(OpenEnum):
    """Why the unit thinks that the mark is not its own; what was written stays with router."""

    NOT_OURS = "not_ours"
    FORCE_MAJEURE = "force_majeure"
    WRONG_STAMP = "wrong_stamp"
    WRONG_PLACE = "wrong_place"
    CALLER_WITHDREW = "caller_withdrew"
    OTHER = "other"
    UNKNOWN = "unknown"


class Appeal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One appeal against marks of one duty; times UTC.

    `about` names what it would exempt: words of `ClockKind`, or the parts of the assessment that
    no clock judges (`dual_feedback`, `rework`, `satisfaction`, `reporting`). Granted, they stand in
    the assignment's `exempt` too: out of the rates, the mark stays visible. `asked_by` and
    `decided_by` are posts or units, never persons, and never the same.
    """

    appeal_id: UUID
    assignment_id: UUID
    about: tuple[str, ...]
    ground: AppealGround
    asked_at: Instant
    asked_by: str
    state: AppealState = AppealState.ASKED
    decided_at: Instant | None = None
    decided_by: str | None = None
