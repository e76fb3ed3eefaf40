"""Reads the departments' feeds back and writes a key again whose last record is not its newest (§4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import msgspec
import structlog

from services.notify.domain import feeds, readback
from services.notify.domain.readback import Read
from services.notify.domain.view import View
from shared.contracts.topics import feed_topic
from shared.contracts.values import Producer
from shared.runtime.bus import Record
from shared.runtime.store import HIGH_WATER, Store, Work, Write

MARK_DAYS = 40
"""How long a mark stands after its last move: a zombie older than that has no connection left."""

STANDING = Write(
    "view_standing",
    (("incident_id", "uuid"), ("version", "bigint")),
    """
view_standing as materialized (
  select 1 from incident_view v join view_standing_in i using (incident_id)
  where v.version = i.version order by v.incident_id for share of v)""",
)
"""Guard: what is said again is still the newest when it is queued, or nothing is said."""

_VIEWS = "select incident_id, version, doc from incident_view where incident_id = any($1::uuid[])"
_DECODER = msgspec.json.Decoder(View)
_SOURCE = f"/liandong/{Producer.NOTIFY}".encode()
_log = structlog.get_logger()


class FeedReadback:
    """What a RecordReader over all feed topics does; memory holds one batch, the marks stand in PostgreSQL."""

    def __init__(self, consumer: str, departments: Iterable[str], store: Store) -> None:
        self._consumer = consumer
        self._departments = {feed_topic(each): each for each in departments}
        self._store = store

    async def on_records(self, records: Sequence[Record], work: Work) -> None:
        """Compare each key's last record with the newest that was read before; move the marks on."""
        reads = self._read(records)
        if not reads:
            return
        marks = await self._marks(reads.values())
        if spoiled := readback.late(reads.values(), marks):
            await self._write_again(spoiled, marks, work)
        for aggregate, highest in readback.moved(reads.values(), marks).items():
            work.put(HIGH_WATER, aggregate, str(Producer.NOTIFY), self._consumer, highest, highest)

    def _read(self, records: Sequence[Record]) -> dict[UUID, Read]:
        found: dict[tuple[UUID, str], Read] = {}
        for record in records:
            department = self._departments.get(record.partition.topic)
            incident = _incident(record.key)
            if department is None or incident is None:
                continue  # a key that is no incident spoils none of ours
            place = (incident, department)
            found[place] = readback.read(found.get(place), *place, _version(record))
        return {each.aggregate: each for each in found.values()}

    async def _marks(self, reads: Iterable[Read]) -> Mapping[UUID, int]:
        marks = await self._store.marks(self._consumer, [each.aggregate for each in reads])
        return {aggregate: version for (aggregate, _), version in marks.items()}

    async def _write_again(
        self, spoiled: Sequence[Read], marks: Mapping[UUID, int], work: Work
    ) -> None:
        incidents = sorted({each.incident_id for each in spoiled})
        rows = {r["incident_id"]: r for r in await self._store.database.fetch(_VIEWS, incidents)}
        views = {incident: _DECODER.decode(row["doc"]) for incident, row in rows.items()}
        again = readback.rewrites(spoiled, marks, views)
        by_key = {each.aggregate: each.incident_id for each in spoiled}
        for said in again:
            view = views[by_key[said.aggregate]]
            work.publish(feeds.message(said, view, view.lane))
        for incident in sorted({by_key[said.aggregate] for said in again}):
            work.put(STANDING, incident, rows[incident]["version"])
        _log.warning("late records in feeds", keys=len(spoiled), written_again=len(again))


def _incident(key: bytes | None) -> UUID | None:
    with suppress(ValueError):
        return UUID((key or b"").decode("ascii"))
    return None


def _version(record: Record) -> int:
    """Return the version notify gave the record, 0 where it is not notify's own."""
    headers = dict(record.headers)
    if headers.get("ce_source") != _SOURCE:
        return 0
    with suppress(ValueError):
        return max(0, min(int(headers.get("ce_sequence") or b"0"), 2**63 - 1))
    return 0
