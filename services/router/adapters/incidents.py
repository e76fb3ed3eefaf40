"""Incidents in PostgreSQL: one look to load a batch, guarded rows to save it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from prometheus_client import Counter

from services.router.domain.awaiting import awaits
from services.router.domain.casebook import CallLink, Casebook, Said
from services.router.domain.retention import over_since
from shared.contracts.call import UnitFeedback
from shared.contracts.envelope import Message
from shared.contracts.incident import ChangeKind, Incident, IncidentEvent
from shared.contracts.topics import lane_topic
from shared.contracts.values import Lane, Producer
from shared.runtime import metrics
from shared.runtime.database import Database
from shared.runtime.inserts import inserted
from shared.runtime.store import Work, Write, appended, guarded

_INCIDENT_COLUMNS = {
    "number": "text",
    "lane": "smallint",
    "state": "text",
    "opened_at": "timestamptz",
    "updated_at": "timestamptz",
    "awaits": "text",
    "over_since": "timestamptz",
    "held": "boolean",
    "doc": "bytea",
}
_LINK_COLUMNS = {"incident_id": "uuid", "chain_id": "uuid", "revision": "integer"}
INCIDENT = guarded("incident", "incident_id", _INCIDENT_COLUMNS)
NEW_INCIDENT = inserted("incident", "incident_id", _INCIDENT_COLUMNS)
CALL_LINK = guarded("call_link", "call_id", _LINK_COLUMNS)
NEW_CALL_LINK = inserted("call_link", "call_id", _LINK_COLUMNS)
ASSIGNMENT = appended("assignment", {"assignment_id": "uuid", "incident_id": "uuid"})
DECISION = appended(
    "decision",
    {"incident_id": "uuid", "version": "bigint", "decided_at": "timestamptz", "doc": "bytea"},
)
HOLD = appended(
    "hold",
    {
        "incident_id": "uuid",
        "version": "bigint",
        "what": "text",
        "purpose": "text",
        "by_whom": "text",
        "reason": "text",
        "decided_at": "timestamptz",
    },
    guard=True,
)
WORDLESS_HOLDS = Write(
    "hold_wordless",
    (("incident_id", "uuid"),),
    """
hold_cleared as (update hold h set reason = null from hold_wordless_in i
  where h.incident_id = i.incident_id and h.reason is not null returning 1),
hold_wordless as (select 1 from hold_cleared)""",
    guard=False,
)
PARKED = appended(
    "parked_feedback",
    {"feedback_id": "uuid", "call_id": "uuid", "parked_at": "timestamptz", "doc": "bytea"},
)
UNPARKED = Write(
    "unparked",
    (("feedback_id", "uuid"),),
    """
unparked_gone as (delete from parked_feedback p using unparked_in i
  where p.feedback_id = i.feedback_id returning 1),
unparked as (select 1 from unparked_gone)""",
)

_LOAD = """
with linked as (select call_id, version, incident_id, chain_id, revision from call_link
    where call_id = any($1::uuid[])),
  held as (select assignment_id, incident_id from assignment
    where assignment_id = any($3::uuid[])),
  wanted as (select incident_id from linked where incident_id is not null
    union select chain_id from linked where chain_id is not null
    union select unnest($2::uuid[]) union select incident_id from held)
select 'incident' as what, i.incident_id as id, null::uuid as other, null::uuid as chain,
    null::bigint as version, null::integer as revision, i.doc from incident i join wanted using (incident_id)
union all select 'link', call_id, incident_id, chain_id, version, revision, null from linked
union all select 'duty', assignment_id, incident_id, null, null, null, null from held
union all select * from (select 'parked', p.feedback_id, p.call_id, null::uuid, null::bigint, null::integer, p.doc
    from parked_feedback p join linked l on l.call_id = p.call_id and l.incident_id is null
    order by p.parked_at, p.feedback_id) waiting
"""

_ENCODE = msgspec.json.Encoder().encode
_INCIDENT = msgspec.json.Decoder(Incident)
_FEEDBACK = msgspec.json.Decoder(UnitFeedback)


class StoredIncidents:
    """Keeps what `ports.Incidents` promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(
        self,
        book: Casebook,
        *,
        calls: Iterable[UUID] = (),
        incidents: Iterable[UUID] = (),
        assignments: Iterable[UUID] = (),
    ) -> Casebook:
        """Fill *book* in one round trip."""
        for row in await self._database.fetch(
            _LOAD, list(calls), list(incidents), list(assignments)
        ):
            _TAKE[row["what"]](book, row)
        return book

    def save(self, work: Work, book: Casebook) -> None:
        """Put every row and event of *book* into *work*."""
        for said in book.said:
            work.publish(_message(book, said))
        for incident_id in {said.incident.incident_id for said in book.said}:
            _put_incident(work, book, book.incidents[incident_id])
            if book.incidents[incident_id].purged:
                work.put(WORDLESS_HOLDS, incident_id)
        for call_id, link in book.relinked.items():
            _put_link(work, call_id, link)
        for assignment_id, incident_id in book.duties_now:
            work.put(ASSIGNMENT, assignment_id, incident_id)
        for incident, record in book.decisions:
            doc = _ENCODE(record)
            work.put(DECISION, incident.incident_id, incident.version, record.decided_at, doc)
        for incident, asked, change in book.holds:
            work.put(
                HOLD,
                incident.incident_id,
                incident.version,
                str(change.kind),
                str(asked.purpose),
                asked.by,
                asked.reason,
                change.at,
            )
        for waiting in book.parked_now:
            doc = _ENCODE(waiting)
            work.put(PARKED, waiting.feedback_id, waiting.call_id, book.now, doc)
        for feedback_id in book.unparked:
            work.put(UNPARKED, feedback_id)
        work.after(lambda: _count(book.said))


def _take_incident(book: Casebook, row: Any) -> None:
    book.hold(_INCIDENT.decode(row["doc"]))


def _take_link(book: Casebook, row: Any) -> None:
    book.links[row["id"]] = CallLink(row["other"], row["chain"], row["revision"], row["version"])


def _take_parked(book: Casebook, row: Any) -> None:
    book.parked.setdefault(row["other"], []).append(_FEEDBACK.decode(row["doc"]))


def _take_duty(book: Casebook, row: Any) -> None:
    book.at_assignment[row["id"]] = row["other"]


_TAKE: dict[str, Callable[[Casebook, Any], None]] = {
    "incident": _take_incident,
    "link": _take_link,
    "parked": _take_parked,
    "duty": _take_duty,
}


def _put_link(work: Work, call_id: UUID, link: CallLink) -> None:
    row = (link.version + 1, link.incident_id, link.chain_id, link.revision)
    if link.version == 0:
        work.put(NEW_CALL_LINK, call_id, *row)
    else:
        work.put(CALL_LINK, call_id, link.version, *row)


def _put_incident(work: Work, book: Casebook, incident: Incident) -> None:
    base = book.base_versions.get(incident.incident_id, 0)
    row = (
        incident.version,
        incident.number,
        incident.lane.number,
        str(incident.state),
        incident.received_at,
        book.now,
        awaits(incident),
        over_since(incident),
        bool(incident.holds),
        _ENCODE(incident),
    )
    if base == 0:
        work.put(NEW_INCIDENT, incident.incident_id, *row)
    else:
        work.put(INCIDENT, incident.incident_id, base, *row)


def _message(book: Casebook, said: Said) -> Message:
    incident = said.incident
    return Message(
        topic=lane_topic("incident", incident.lane),
        key=str(incident.incident_id),
        producer=Producer.ROUTER,
        family="incident",
        change=str(said.changes[0].kind),
        aggregate=incident.incident_id,
        version=incident.version,
        time=book.now,
        lane=incident.lane,
        data=IncidentEvent(incident=incident, changes=said.changes),
        trace=said.trace,
    )


def _count(said: Iterable[Said]) -> None:
    for event in said:
        for change in event.changes:
            _counter(change.kind, event.incident.lane).inc()
            if change.kind is ChangeKind.REFUSED:
                metrics.REFUSED.labels(change.reason).inc()


@cache
def _counter(kind: ChangeKind, lane: Lane) -> Counter:
    return metrics.INCIDENTS.labels(kind, lane)
