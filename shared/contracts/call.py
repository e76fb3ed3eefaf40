"""Calls as intake says them: normalised, scrubbed, the caller only a token."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.values import Instant, Lane, Line, OpenEnum


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where it is. Degrees are WGS-84; the original pair is kept as it came.

    `area` is a pack area code, `at_seat` whether the scene lies in that township's own seat
    (乡镇政府所在地), None when nobody said so.
    """

    area: str | None = None
    at_seat: bool | None = None
    text: str = ""
    longitude: float | None = None
    latitude: float | None = None
    original: tuple[float, float] | None = None
    original_system: str | None = None


class Kind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The call's kind: the pack's category, and the hotline's raw codes beside it."""

    category: str = "unclassified"
    raw: tuple[str, ...] = ()


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Full snapshot of one call at one revision; times UTC.

    `root` is the first call's number in the source's own chain (`zjjdbh` or `jjdbh`), the key of
    the topic. `contact` is a vault token, `caller` a salted hash: never a name or number.
    `rang_at` and `answered_at` are there where a feed has them. `repeats` is the newest earlier call
    of the same caller hash, 8 min to 72 h before: found where the hash is, stored as the link.
    """

    call_id: UUID
    source: str
    source_id: str
    root: str
    revision: int
    line: Line
    lane: Lane
    region: str
    received_at: Instant
    recorded_at: Instant
    kind: Kind
    severity: int
    text: str = ""
    place: Place = Place()
    contact: str | None = None
    caller: str | None = None
    hotline_limit: str | None = None
    rang_at: Instant | None = None
    answered_at: Instant | None = None
    repeats: UUID | None = None
    exercise: bool = False
    test: bool = False


class CallChange(OpenEnum):
    """What happened to the call."""

    RECEIVED = "received"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


class CallEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`call.urgent`, `call.ordinary`: version = the call's revision."""

    call: Call
    change: CallChange


class CallRejected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`call.rejected`: what could not be accepted and why; the body masked to its field names."""

    source: str
    source_id: str | None
    reasons: tuple[str, ...]
    fields: tuple[str, ...]
    body_bytes: int
    rejected_at: Instant


class FeedbackKind(OpenEnum):
    """Which stamps a unit's record carries."""

    ACKED = "acked"
    TURNED_OUT = "turned_out"
    ASSEMBLED = "assembled"
    ARRIVED = "arrived"
    ENDED = "ended"
    FED_BACK = "fed_back"
    RETURNED = "returned"
    UNKNOWN = "unknown"


class FeedbackStamp(msgspec.Struct, frozen=True, kw_only=True):
    """One stamp of a unit: when it happened (UTC)."""

    kind: FeedbackKind
    occurred_at: Instant


class Sheet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Formal feedback sheet 反馈单 (R10): result, counts only, who follows up."""

    result: str
    text: str = ""
    people: int | None = None
    vehicles: int | None = None
    follow_up: bool = False
    follow_up_unit: str | None = None
    follow_up_post: str | None = None
    progress: bool = False
    progress_reason: str | None = None


class UnitFeedback(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`unit.feedback`: a handling record 处警单 or feedback sheet that came by a hotline's feed."""

    feedback_id: UUID
    source: str
    record_id: str
    call_id: UUID
    root: str
    unit: str
    stamps: tuple[FeedbackStamp, ...]
    sheet: Sheet | None = None
    recorded_at: Instant
    exercise: bool = False
