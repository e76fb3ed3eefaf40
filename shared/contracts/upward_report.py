"""Upward reports 信息报送: first 首报, follow-ups 续报 and final 终报 of one incident (R13-R15)."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.values import Instant, OpenEnum


class ReportStage(OpenEnum):
    """Place in the series; the final one is national practice, not in S3."""

    FIRST = "first"
    FOLLOW_UP = "follow_up"
    FINAL = "final"
    UNKNOWN = "unknown"


class Authority(OpenEnum):
    """Level that is told: the county's leaders, the city, the province, the state."""

    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"
    STATE = "state"
    UNKNOWN = "unknown"


class Medium(OpenEnum):
    """How it was reported; by phone first, in writing after it."""

    PHONE = "phone"
    WRITTEN = "written"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class ReportField(OpenEnum):
    """What R13 and R14 want said; events carry which of them were, never what was said."""

    TIME = "time"
    PLACE = "place"
    NATURE = "nature"
    DEVELOPMENTS = "developments"
    AFTERMATH = "aftermath"
    UNKNOWN = "unknown"


class ReportFault(OpenEnum):
    """What a person found wrong with a report (R15); missed 漏报 and late 缓报 follow from its times."""

    CONCEALED = "concealed"
    FALSE = "false"
    UNKNOWN = "unknown"


class UpwardReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One report that is owed or was made; times UTC.

    `sequence` runs through the series of one level: 1 first, 2… follow-ups, the last may be final.
    `due` None: nothing sets a limit (made of one's own accord); `submitted_at` None: not made yet.
    `unit` owes it, None: the centre itself. `supersedes` is the report it puts right.
    """

    report_id: UUID
    stage: ReportStage
    sequence: int
    level: Authority
    unit: str | None = None
    medium: Medium | None = None
    due: Instant | None = None
    submitted_at: Instant | None = None
    carries: tuple[ReportField, ...] = ()
    supersedes: UUID | None = None
    fault: ReportFault | None = None
