"""Deferrals: suspension 挂账 and extension 延期 of a duty, asked and approved (DOMAIN §3, rows 15, 16)."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.values import Instant, OpenEnum


class DeferralKind(OpenEnum):
    """Whether HANDLE stands still or ends later."""

    SUSPENSION = "suspension"
    EXTENSION = "extension"
    UNKNOWN = "unknown"


class DeferralState(OpenEnum):
    """Where a deferral stands; `ended`: an approved suspension that was taken up again."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Deferral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One deferral of one duty, asked before it was due; times UTC.

    `approved_by` are the posts that agreed: two of them, or it is not approved. `until` is the new
    due time of an extension, or when a suspension is looked at again; `resumed_at` ends one.
    """

    deferral_id: UUID
    assignment_id: UUID
    kind: DeferralKind
    asked_at: Instant
    state: DeferralState = DeferralState.ASKED
    approved_by: tuple[str, ...] = ()
    decided_at: Instant | None = None
    until: Instant | None = None
    resumed_at: Instant | None = None
