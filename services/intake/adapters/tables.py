"""Calls, units' records and refusals in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec

from services.intake.domain.revisions import Known
from services.intake.ports import StoredCall
from shared.contracts.call import Call, CallRejected, UnitFeedback
from shared.contracts.values import Lane
from shared.runtime.database import Database
from shared.runtime.inserts import inserted
from shared.runtime.store import Work, appended, guarded

_JSON = msgspec.json.Encoder()
_LANES = {lane.number: lane for lane in Lane}

_CALL = {
    "source": "text",
    "source_id": "text",
    "root": "text",
    "lane": "smallint",
    "region": "text",
    "area": "text",
    "exercise": "boolean",
    "received_at": "timestamptz",
    "recorded_at": "timestamptz",
    "contact": "uuid",
    "digests": "bytea",
    "doc": "bytea",
}
_CALLS, _NEW_CALLS = guarded("calls", "call_id", _CALL), inserted("calls", "call_id", _CALL)
_FEEDBACK = appended(
    "feedback",
    {
        "feedback_id": "uuid",
        "source": "text",
        "record_id": "text",
        "call_id": "uuid",
        "unit": "text",
        "exercise": "boolean",
        "recorded_at": "timestamptz",
        "doc": "bytea",
    },
    guard=True,
)
_REJECTION = appended(
    "rejection",
    {
        "rejection_id": "uuid",
        "source": "text",
        "source_id": "text",
        "rejected_at": "timestamptz",
        "doc": "bytea",
    },
)
_LOAD_CALLS = """
select call_id, version, purged, digests, lane, contact, root from calls where call_id = any($1::uuid[])
"""
_LOAD_FEEDBACK = "select feedback_id from feedback where feedback_id = any($1::uuid[])"
_LOAD_REJECTIONS = "select rejection_id from rejection where rejection_id = any($1::uuid[])"


class CallTable:
    """Keeps the newest revision of every call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, call_ids: Iterable[UUID]) -> dict[UUID, StoredCall]:
        rows = await self._database.fetch(_LOAD_CALLS, list(call_ids))
        return {
            r["call_id"]: StoredCall(
                # the purge took a version of its own, that no body made
                Known(r["version"] - r["purged"], r["digests"], r["purged"]),
                _LANES[r["lane"]],
                r["contact"].hex if r["contact"] else None,
                r["root"],
            )
            for r in rows
        }

    def save(self, work: Work, call: Call, *, base: int, known: Known) -> None:
        row = (
            call.revision,
            call.source,
            call.source_id,
            call.root,
            call.lane.number,
            call.region,
            call.place.area,
            call.exercise,
            call.received_at,
            call.recorded_at,
            UUID(call.contact) if call.contact else None,
            known.digests,
            _JSON.encode(call),
        )
        if base == 0:
            work.put(_NEW_CALLS, call.call_id, *row)
        else:
            work.put(_CALLS, call.call_id, base, *row)


class FeedbackTable:
    """Keeps every unit's record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, feedback_ids: Iterable[UUID]) -> set[UUID]:
        rows = await self._database.fetch(_LOAD_FEEDBACK, list(feedback_ids))
        return {r["feedback_id"] for r in rows}

    def save(self, work: Work, feedback: UnitFeedback) -> None:
        work.put(
            _FEEDBACK,
            feedback.feedback_id,
            feedback.source,
            feedback.record_id,
            feedback.call_id,
            feedback.unit,
            feedback.exercise,
            feedback.recorded_at,
            _JSON.encode(feedback),
        )


class RejectionTable:
    """Keeps what was refused, so that it is told once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, rejection_ids: Iterable[UUID]) -> set[UUID]:
        rows = await self._database.fetch(_LOAD_REJECTIONS, list(rejection_ids))
        return {r["rejection_id"] for r in rows}

    def save(self, work: Work, rejection_id: UUID, rejected: CallRejected) -> None:
        work.put(
            _REJECTION,
            rejection_id,
            rejected.source,
            rejected.source_id,
            rejected.rejected_at,
            _JSON.encode(rejected),
        )
