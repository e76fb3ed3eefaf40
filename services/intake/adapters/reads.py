"""What the desk and the sources may read: a call, what is not sent on yet."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts.call import Call
from shared.runtime.database import Database
from shared.runtime.events import unpack_headers

_CALL = "select doc from calls where call_id = $1"
_DECODER = msgspec.json.Decoder(Call)
_UNTRANSMITTED = """
select o.lane, o.seq, o.topic, o.headers, o.created_at,
  extract(epoch from clock_timestamp() - o.created_at)::float8 as waited
from outbox o
where o.created_at < clock_timestamp() - make_interval(secs => $1) and o.topic like 'call.%'
  and (o.lane, o.seq) > ($2::smallint, $3::bigint)
order by o.lane, o.seq limit $4
"""
_START = (-1, 0)


class BadCursor(ValueError):
    """A cursor we did not give out."""


@dataclass(frozen=True, slots=True)
class Untransmitted:
    """An event that is durable but not yet with the broker: wall time, UTC."""

    aggregate: UUID
    topic: str
    stored_at: datetime
    waited_s: float


class CallReads:
    """Reads for the doors; raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def call(self, call_id: UUID) -> Call | None:
        """Return the newest revision, None where we have none."""
        rows = await self._database.fetch(_CALL, call_id)
        return _DECODER.decode(rows[0]["doc"]) if rows else None

    async def untransmitted(
        self, older_s: float, cursor: str | None, limit: int
    ) -> tuple[list[Untransmitted], str | None]:
        """Return up to *limit* calls not sent on for *older_s*, urgent first, oldest first."""
        lane, seq = _START if cursor is None else _place(cursor)
        rows = await self._database.fetch(_UNTRANSMITTED, older_s, lane, seq, limit + 1)
        found = [
            Untransmitted(_aggregate(r["headers"]), r["topic"], r["created_at"], r["waited"])
            for r in rows[:limit]
        ]
        if len(rows) <= limit:
            return found, None
        return found, _cursor(rows[limit - 1]["lane"], rows[limit - 1]["seq"])


def _aggregate(headers: bytes) -> UUID:
    return UUID(dict(unpack_headers(headers))["ce_subject"].decode())


def _cursor(lane: int, seq: int) -> str:
    return base64.urlsafe_b64encode(f"{lane}.{seq}".encode()).decode()


def _place(cursor: str) -> tuple[int, int]:
    try:
        lane, _, seq = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").partition(".")
        place = int(lane), int(seq)
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if place[0] not in (0, 1) or not 0 <= place[1] < 2**63:
        raise BadCursor
    return place
