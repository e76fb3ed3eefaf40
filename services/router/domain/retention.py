"""When an incident's retention has ended, what goes then and what stays, and what holds it (DOMAIN §7)."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.router.domain.call_rows import FINISHED
from services.router.domain.changes import change
from services.router.domain.commands import Hold, Purge, ReleaseHold
from services.router.domain.outcome import Decided, Outcome, Refused
from services.router.domain.policy import Policy
from shared.contracts.call import Sheet
from shared.contracts.incident import (
    Assignment,
    Change,
    ChangeKind,
    HoldPurpose,
    Incident,
    Scene,
)
from shared.contracts.refusals import Refusal


def over_since(incident: Incident) -> datetime | None:
    """Return since when the retention runs (UTC); None while it is open, held, or purged already.

    It is the moment the incident ended, however it ended: closed (the check), invalid, cancelled,
    transferred, or merged away. What is reported after that does not prolong it; reopening ends it.
    Where nobody recorded the end, the last thing that was recorded stands in for it.
    """
    if incident.state not in FINISHED or incident.holds or incident.purged:
        return None
    return incident.ended_at or _last_recorded(incident)


def _last_recorded(incident: Incident) -> datetime:
    stamps = (stamp.recorded_at for duty in incident.assignments for stamp in duty.stamps)
    moments = (incident.received_at, incident.dispatched_at, incident.handled_at, *stamps)
    return max(filter(None, moments))


def purge(incident: Incident, asked: Purge, now: datetime, policy: Policy) -> Outcome:
    """Clear place and text once the pack's days have passed and nothing holds it."""
    if incident.holds:
        return Refused(Refusal.ON_HOLD)
    since = over_since(incident)
    if since is None or now - since < policy.retention:
        return Refused(Refusal.RETENTION_RUNS)
    said = change(ChangeKind.PURGED, now, by=asked.by, reason="retention_ended")
    return Decided(without_place_and_text(incident), (said,))


def without_place_and_text(incident: Incident) -> Incident:
    """Return what figures and audits need: grid, kinds, states, stamps, counts, who was sent and why.

    Gone: the place but for its grid, the callers' hashes, and whatever somebody wrote (sheets,
    reasons of units and desk). The decision record stays: its inputs are grid, kind and time.
    """
    scene = incident.scene
    return replace(
        incident,
        scene=Scene(area=scene.area, at_seat=scene.at_seat),
        calls=tuple(replace(call, caller=None) for call in incident.calls),
        assignments=tuple(_wordless(duty) for duty in incident.assignments),
        reason=None,
        attention=(),
        purged=True,
    )


def _wordless(duty: Assignment) -> Assignment:
    sheet = duty.sheet and Sheet(
        result="",
        people=duty.sheet.people,
        vehicles=duty.sheet.vehicles,
        follow_up=duty.sheet.follow_up,
        progress=duty.sheet.progress,
    )
    return replace(duty, sheet=sheet, return_reason=None)


def hold(incident: Incident, asked: Hold, now: datetime, policy: Policy) -> Outcome:
    """Keep it past its retention (留存), before or after it has ended; what was written why stays here."""
    del policy
    if not asked.reason.strip():
        return Refused(Refusal.REASON_MISSING)
    if asked.purpose in incident.holds:
        return Refused(Refusal.ALREADY_HELD)
    held = replace(incident, holds=(*incident.holds, asked.purpose))
    return Decided(held, (_of_hold(ChangeKind.HELD, asked.purpose, now, asked.by),))


def release_hold(incident: Incident, asked: ReleaseHold, now: datetime, policy: Policy) -> Outcome:
    """Let the retention take its course again; it may have ended long ago."""
    del policy
    if not asked.reason.strip():
        return Refused(Refusal.REASON_MISSING)
    if asked.purpose not in incident.holds:
        return Refused(Refusal.NOT_HELD)
    left = tuple(purpose for purpose in incident.holds if purpose is not asked.purpose)
    said = _of_hold(ChangeKind.HOLD_RELEASED, asked.purpose, now, asked.by)
    return Decided(replace(incident, holds=left), (said,))


def _of_hold(kind: ChangeKind, purpose: HoldPurpose, now: datetime, by: str) -> Change:
    return change(kind, now, by=by, reason=str(purpose))
