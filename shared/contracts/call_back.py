"""Call-backs 回访: was the caller reached, and are they content with what was done (DOMAIN §3)."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.contracts.values import Instant, OpenEnum


class AfterCallBack(OpenEnum):
    """What an unhappy answer led to; a content one to nothing."""

    NOTHING = "nothing"
    REOPENED = "reopened"
    FINAL_ANSWER = "final_answer"
    UNKNOWN = "unknown"


class CallBack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One caller called back in one round of handling; state of the incident, replaced as it grows.

    `round` is how often the incident had been reopened. `attempts` counts the tries, `at` is the
    last one, UTC. `responded` (联系), `resolved` (解决) and `satisfied` (满意) are None where
    nobody answered or the caller did not say. `assignment_id` is the duty judged (the lead's);
    `by` the post that called, never the handling unit nor a person.
    """

    call_back_id: UUID
    call_id: UUID
    assignment_id: UUID | None = None
    round: int = 0
    attempts: int = 1
    at: Instant
    reached: bool
    responded: bool | None = None
    resolved: bool | None = None
    satisfied: bool | None = None
    after: AfterCallBack = AfterCallBack.NOTHING
    by: str | None = None
